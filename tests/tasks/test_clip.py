"""Gaps and spreads."""

from __future__ import annotations

import numpy as np
import pytest

from usseg_monai.tasks import TASKS
from usseg_monai.tasks.clip import Clip, gaps, spread
from usseg_monai.tasks.record import load


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], []),
        ([False, False], []),
        ([True], []),
        ([True, True], []),
        ([True, False], []),
        ([True, False, True], [range(1, 2)]),
        ([False, True, False, False, True, False, True, False], [range(2, 4), range(5, 6)]),
    ],
)
def test_gaps_have_a_structure_on_both_sides(found: list[bool], expected: list[range]) -> None:
    assert gaps(found) == expected


def test_the_spread_is_that_of_the_middle_half() -> None:
    values = np.random.default_rng(2).normal(200, 3, 2000).tolist()
    middle, width = spread(values)
    assert middle == pytest.approx(200, abs=0.3) and width == pytest.approx(2 * 0.6745 * 3, rel=0.1)
    assert spread([7.0]) == (7.0, 0.0)


@pytest.mark.parametrize("task", [name for name, task in TASKS.items() if task.clip])
def test_every_record_names_a_clip_and_its_columns(task: str) -> None:
    record = TASKS[task]
    assert isinstance(load(record.clip), Clip)
    assert record.clip_columns and record.clip_frame_columns
