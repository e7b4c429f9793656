"""The launcher: what it starts, and what it refuses."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

from usseg_monai.label_app import __main__ as launcher
from usseg_monai.tasks import TASKS


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the process would become."""
    found: dict[str, Any] = {}
    here = os.getcwd()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(os, "execve", lambda file, line, variables: found.update(line=line, variables=variables, cwd=os.getcwd()))
    monkeypatch.chdir(here)
    return found


def test_it_starts_monai_label_on_this_machine_alone(started: dict[str, Any], tmp_path: Path) -> None:
    studies = tmp_path / "my images"
    studies.mkdir()
    launcher.main([str(studies), "--port", "8123"])
    line = " ".join(started["line"])
    assert "start_server" in line and "--host 127.0.0.1 --port 8123" in line and ",".join(TASKS) in started["line"]
    assert started["variables"]["TMPDIR"] == str(studies / ".usseg_label" / "tmp") and started["cwd"] == str(studies / ".usseg_label")
    assert [path.name for path in studies.iterdir()] == [".usseg_label"]
    assert (studies / ".usseg_label" / "app" / "main.py").is_file()


def test_chosen_tasks(started: dict[str, Any], tmp_path: Path) -> None:
    launcher.main([str(tmp_path), "--models", "breast,nerve"])
    assert "breast,nerve" in started["line"]


def test_a_task_without_weights_is_left_out(
    started: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launcher, "has_weights", lambda task: task != "nerve")
    launcher.main([str(tmp_path)])
    assert "fetal_head,breast,left_ventricle" in started["line"] and "without nerve" in capsys.readouterr().err
    assert launcher.main([str(tmp_path), "--models", "nerve"]) == 2


@pytest.mark.parametrize(("words", "reason"), [(["nowhere"], "no folder nowhere"), ([".", "--models", "liver"], "unknown task 'liver'")])
def test_refusals(words: list[str], reason: str, started: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert launcher.main(words) == 2
    assert reason in capsys.readouterr().err and not started


def test_without_monai_label_it_says_what_to_do(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert launcher.main(["."]) == 2
    assert "make label DIR=FOLDER" in capsys.readouterr().err
