"""The commands of ``python -m benchmarks.image``."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.image import __main__ as program
from benchmarks.image.engine import build_command, installed_engine
from tests.conftest import REPOSITORY
from usseg_monai import __version__
from usseg_monai.errors import UsageError


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be collected, then the line that would be run."""
    made: list[Any] = []

    def run(line: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
        made.append(line)
        return subprocess.CompletedProcess(line, 3)

    monkeypatch.setattr(program, "collect", lambda folder, **options: made.append((folder, options)))
    monkeypatch.setattr("subprocess.run", run)
    monkeypatch.setattr(program, "installed_engine", lambda: "docker")
    monkeypatch.setattr("sys.platform", "linux")
    return made


def test_the_page_is_what_is_built_by_default(calls: list[Any]) -> None:
    assert program.main(["build"]) == 3
    (folder, options), line = calls
    assert folder == REPOSITORY / "wheels" / "predict"
    assert options == {"label_server": False, "tasks": ["fetal_head", "left_ventricle"]}
    assert line[:6] == ["docker", "build", "--target", "page", "--tag", f"usseg-monai:{__version__}-page"] and line[-1] == str(REPOSITORY)
    assert {"WHEELS=wheels/predict", "TASKS=fetal_head,left_ventricle", f"VERSION={__version__}"} <= set(line)


def test_the_label_server_has_wheels_of_its_own(calls: list[Any]) -> None:
    assert program.main(["build", "--target", "label", "--base", "a/python:3.12", "--name", "b:1"]) == 3
    (folder, options), line = calls
    assert folder == REPOSITORY / "wheels" / "label" and options["label_server"]
    assert {"WHEELS=wheels/label", "BASE=a/python:3.12", "b:1"} <= set(line)
    assert program.main(["wheels", "--label-server"]) == 0 and calls[-1][0] == folder


def test_who_asks_for_weights_that_must_not_be_passed_on_is_told(calls: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    program.main(["build", "--tasks", "fetal_head,nerve"])
    assert "nerve: do not pass this image on" in capsys.readouterr().err
    assert any(word.endswith("AND LicenseRef-nerve-weights") for word in calls[1])


@pytest.mark.parametrize(
    ("words", "platform", "said"),
    [
        (["wheels", "--tasks", "heart"], "linux", "heart"),
        (["build"], "darwin", "run this on Linux"),
        (["check"], "linux", "needs what is not here: a thing"),
    ],
)
def test_wrong_use_is_one_line(
    words: list[str], platform: str, said: str, calls: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(program, "missing", lambda archive: "a thing")
    assert program.main(words) == 2 and not calls
    error = capsys.readouterr().err
    assert error.startswith("image: ") and said in error and error.count("\n") == 1


def test_a_program_that_fails_is_no_traceback(
    calls: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(folder: Path, **options: Any) -> None:
        raise subprocess.CalledProcessError(1, ["pip", "wheel"])

    monkeypatch.setattr(program, "collect", fails)
    assert program.main(["build"]) == 1 and not calls
    assert capsys.readouterr().err.startswith("image: Command '['pip', 'wheel']' returned")


def test_the_check_fails_if_one_of_its_checks_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "missing", lambda archive: "")
    for failed, code in ((0, 0), (2, 1)):
        monkeypatch.setattr(program, "check", lambda target, archive, failed=failed: failed)
        assert program.main(["check"]) == code


def test_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: name if name in ("docker", "podman") else None)
    assert installed_engine() == "docker"
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(UsageError, match="install one of buildah, docker, podman"):
        installed_engine()


def test_the_form_that_keeps_the_health_check_is_built() -> None:
    line = build_command("buildah", Path("c"), target="page", name="n", arguments={"A": "1 2"}, options=["--root", "r"])
    assert " ".join(line) == "buildah --root r bud --format docker --target page --tag n --build-arg A=1 2 c"
    assert build_command("podman", Path("c"), target="page", name="n", arguments={})[1:4] == ["build", "--format", "docker"]
