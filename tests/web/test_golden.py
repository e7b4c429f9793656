"""The measurements in JavaScript, held to Python's under node."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.golden_masks import lines
from usseg_monai.web.facts import STATIC

MASKS = 1000
MEASURE = STATIC / "measure"
NODE = shutil.which("node")
TASKS_IN_JAVASCRIPT = ("fetal_head", "left_ventricle")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # a fit to specks overflows, and is refused
@pytest.mark.skipif(
    NODE is None, reason="no node here: the measurements in JavaScript were not held to Python's (install Node.js 20 to do it)"
)
@pytest.mark.parametrize("task", TASKS_IN_JAVASCRIPT)
def test_javascript_measures_as_python_does(task: str, tmp_path: Path) -> None:
    for file in MEASURE.glob("*.js"):
        shutil.copy(file, tmp_path)
    shutil.copy(Path(__file__).with_name("golden.test.mjs"), tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    vectors = tmp_path / "vectors.jsonl"
    with vectors.open("w", encoding="utf-8") as stream:
        stream.writelines(lines(task, MASKS))
    known = {**os.environ, "TASK": task, "VECTORS": str(vectors), "MEASURE": str(tmp_path)}
    command = [str(NODE), "--test", "--test-reporter=tap", str(tmp_path / "golden.test.mjs")]
    done = subprocess.run(command, env=known, capture_output=True, text=True, timeout=600)
    wrong = [line for line in done.stdout.splitlines() if line.startswith("not ok") or "error:" in line or "worst" in line]
    assert done.returncode == 0, "\n".join(wrong[:20]) or done.stderr
    print("\n".join(line for line in done.stdout.splitlines() if "digits" in line or "worst" in line))
    assert f"{MASKS} others, worst relative difference" in done.stdout
