"""Each bundle's metadata.json against the versions we test with and the figures of its weights; its form: `tests.contracts.bundle`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.accuracy.__main__ import BENCHMARKS
from tests.conftest import REPOSITORY
from usseg_monai import __version__
from usseg_monai.tasks import TASKS


@pytest.fixture
def metadata(bundle: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((bundle / "configs" / "metadata.json").read_text())
    return content


def test_names_the_versions_that_the_tests_run_with(metadata: dict[str, Any]) -> None:
    tested = dict(re.findall(r"^([\w-]+)==([\w.]+)", (REPOSITORY / "constraints.txt").read_text(), re.MULTILINE))
    named = {
        "monai": metadata["monai_version"],
        "torch": metadata["pytorch_version"],
        "numpy": metadata["numpy_version"],
        **metadata["required_packages_version"],
    }
    assert named.pop("usseg-monai") == __version__
    assert named == {name: tested[name] for name in named}


def test_figures_are_those_of_the_released_weights(metadata: dict[str, Any], task: str) -> None:
    """`make accuracy` wrote them for this very graph: new weights need new figures."""
    measured = json.loads((REPOSITORY / "benchmarks" / "results" / "accuracy.json").read_text())[task]
    assert measured["weights_sha256"] == TASKS[task].weights_sha256
    assert metadata["eval_metrics"] == BENCHMARKS[task].eval_metrics(measured)
