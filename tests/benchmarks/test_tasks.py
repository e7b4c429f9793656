"""One record for each task that the benchmarks measure."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.accuracy.__main__ import BENCHMARKS, Benchmark
from benchmarks.tasks import BENCHMARKED
from usseg_monai.datasets.registry import recognise
from usseg_monai.tasks import TASKS


def test_every_task_is_measured() -> None:
    assert BENCHMARKED.keys() == BENCHMARKS.keys() == TASKS.keys()


@pytest.mark.parametrize("task", BENCHMARKED)
def test_a_task_has_all_that_accuracy_asks_for(task: str) -> None:
    assert find_spec(f"benchmarks.accuracy.{task}") is not None
    assert all(callable(getattr(BENCHMARKS[task], name)) for name in vars(Benchmark) if not name.startswith("_"))


@pytest.mark.parametrize("task", BENCHMARKED)
def test_its_data_are_there(task: str, data_root: Path) -> None:
    record = BENCHMARKED[task]
    assert recognise(data_root / record.data).task == task
    assert any((data_root / record.data).glob(record.images)) and any(data_root.glob(record.paired))
