"""What docs/large_runs.md shows, runs."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from usseg_monai.inference.run_record import STATES

from .conftest import REPOSITORY
from .inference.conftest import save_picture

TEXT = (REPOSITORY / "docs" / "large_runs.md").read_text(encoding="utf-8")
LIST, JOB, MERGE = re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)


def run(script: str, place: Path, **variables: str) -> None:
    done = subprocess.run(["bash", "-e", "-c", script], cwd=place, capture_output=True, text=True, timeout=120, env=os.environ | variables)
    assert done.returncode == 0, done.stderr


def test_the_job_array_and_what_follows(tmp_path: Path) -> None:
    for name in ("a/1.png", "a/2.png", "b/1.png", "b/2.png", "c.png"):
        save_picture(tmp_path / "ARCHIVE" / name)
    usseg = tmp_path / "bin" / "usseg"
    usseg.parent.mkdir()
    usseg.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m usseg_monai "$@"\n')
    usseg.chmod(0o755)
    path = {"PATH": f"{usseg.parent}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}
    (count,) = re.findall(r"--array=1-(\d+)", JOB)
    run(LIST, tmp_path)
    for index in range(1, int(count) + 1):
        run(JOB, tmp_path, **path, SLURM_ARRAY_TASK_ID=str(index), SLURM_ARRAY_TASK_COUNT=count)
    run(MERGE, tmp_path, **path)
    with (tmp_path / "OUT" / "results.csv").open(newline="") as table:
        assert [row["file"] for row in csv.DictReader(table)] == ["a/1.png", "a/2.png", "b/1.png", "b/2.png", "c.png"]
    record = json.loads((tmp_path / "OUT" / "run.json").read_text())
    assert record["counts"]["skipped"] == 5 and record["state"] == "finished"


def test_every_state_is_told() -> None:
    assert all(f"`{state}`" in TEXT for state in (*STATES, "not_reached", "finished", "interrupted", "running"))
