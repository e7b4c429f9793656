"""The programs in docs/examples run as they stand."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from .conftest import REPOSITORY

EXAMPLES = {
    "measure_a_mask.py": "measured",
    "predict_images.py": "mm",
    "reader_in_monai.py": "(1, 384, 256)",
}

STEP = "ray_data.py"
"""Needs a cluster; what is ours in it runs here."""


@pytest.mark.parametrize("example", EXAMPLES)
def test_example(example: str, tmp_path: Path) -> None:
    program = REPOSITORY / "docs" / "examples" / example
    done = subprocess.run([sys.executable, str(program)], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert EXAMPLES[example] in done.stdout


def test_the_step_for_ray_data() -> None:
    """Without Ray Data, which would bring pyarrow and pandas."""
    step = runpy.run_path(str(REPOSITORY / "docs" / "examples" / STEP), run_name="step")["Measured"]()
    samples = REPOSITORY / "usseg_monai" / "tasks" / "fetal_head" / "samples"
    contents = [*(path.read_bytes() for path in sorted(samples.glob("*HC.png"))[:2]), b"no image"]
    rows = step({"path": np.array(["a", "b", "c"]), "bytes": np.array(contents, object)})
    assert list(rows["file"]) == ["a", "b", "c"] and rows["status"][2] == "failed" and "not an image" in rows["message"][2]
    assert np.all(rows["head_circumference_px"][:2] > 100) and np.isnan(rows["head_circumference_px"][2])
    assert all(column.dtype != object for column in rows.values())  # columns of a table


def test_every_example_is_run() -> None:
    assert {path.name for path in (REPOSITORY / "docs" / "examples").glob("*.py")} == {*EXAMPLES, STEP}
