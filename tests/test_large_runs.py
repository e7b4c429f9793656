"""What docs/large_runs.md shows, runs."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.tiny import ellipse, save_picture
from usseg_monai.cli import whole_parser
from usseg_monai.cluster import Ray, parse_on
from usseg_monai.runs.accounts import STATES
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import run_batch

TEXT = (REPOSITORY / "docs" / "large_runs.md").read_text(encoding="utf-8")
LIST, JOB, MERGE, *_, FAILED = re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)


def run(script: str, place: Path, **variables: str) -> str:
    done = subprocess.run(["bash", "-e", "-c", script], cwd=place, capture_output=True, text=True, timeout=120, env=os.environ | variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def path(tmp_path: Path) -> dict[str, str]:
    """Variables by which a shell finds ``usseg``; an archive of five images is there."""
    for name in ("a/1.png", "a/2.png", "b/1.png", "b/2.png", "c.png"):
        save_picture(tmp_path / "ARCHIVE" / name)
    usseg = tmp_path / "bin" / "usseg"
    usseg.parent.mkdir()
    usseg.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m usseg_monai "$@"\n')
    usseg.chmod(0o755)
    return {"PATH": f"{usseg.parent}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}


def test_the_job_array_and_what_follows(tmp_path: Path, path: dict[str, str]) -> None:
    (count,) = re.findall(r"--array=1-(\d+)", JOB)
    run(LIST, tmp_path)
    for index in range(1, int(count) + 1):
        run(JOB, tmp_path, **path, SLURM_ARRAY_TASK_ID=str(index), SLURM_ARRAY_TASK_COUNT=count)
    run(MERGE, tmp_path, **path)
    check_merged(tmp_path)


def test_the_indexed_job(tmp_path: Path, path: dict[str, str]) -> None:
    (job,) = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL))
    spec = job["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    assert spec["completionMode"] == "Indexed" and spec["completions"] == spec["parallelism"] == 4
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in spec["template"]["spec"]["volumes"]}
    run(LIST, tmp_path)
    for index in range(spec["completions"]):
        command = [*container["command"], *container["args"]]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=120, env=os.environ | path | {"JOB_COMPLETION_INDEX": str(index)})
    run(MERGE, tmp_path, **path)
    check_merged(tmp_path)


def test_the_line_for_ray_names_a_cluster() -> None:
    (line,) = (line for line in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) if "--on" in line)
    args = whole_parser().parse_args(shlex.split(line.replace("HOST", "10.0.0.1"))[1:])
    assert parse_on(args.on) == Ray("10.0.0.1:6379") and args.threads == 64 and args.resume


def check_merged(tmp_path: Path) -> None:
    with (tmp_path / "OUT" / "results.csv").open(newline="") as table:
        assert [row["file"] for row in csv.DictReader(table)] == ["a/1.png", "a/2.png", "b/1.png", "b/2.png", "c.png"]
    record = json.loads((tmp_path / "OUT" / "run.json").read_text())
    assert record["counts"]["skipped"] == 5 and record["state"] == "finished"


def test_what_failed_is_listed(tmp_path: Path) -> None:
    save_picture(tmp_path / "in/a.png", ellipse() * np.uint8(255))
    (tmp_path / "in/b.png").write_text("no image")
    run_batch("fetal_head", [tmp_path / "in"], tmp_path / "OUT", Options(save=()), given_masks=True)
    (line,) = run(FAILED, tmp_path).splitlines()
    assert line.startswith('{"number": 1, "file": "b.png", "state": "failed", "reason": "')


def test_every_state_is_told() -> None:
    assert all(f"`{state}`" in TEXT for state in (*STATES, "not_reached", "finished", "interrupted", "running"))
