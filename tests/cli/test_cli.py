"""The program as a whole: commands, exit codes, one line for an error, and a start that costs nothing."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import types

import pytest

import usseg_monai
from usseg_monai.cli import COMMANDS, main
from usseg_monai.errors import ImageError, OutputError, UsageError, WeightsError


def _exit_code(*arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    return exit_.value.code


def _command_that(monkeypatch: pytest.MonkeyPatch, effect: BaseException | int) -> None:
    """Put a command in the place of ``tasks`` that raises or returns ``effect``."""

    def run(args: argparse.Namespace) -> int:
        if isinstance(effect, BaseException):
            raise effect
        return effect

    module = types.ModuleType("usseg_monai.cli.tasks")
    module.add_parser = lambda subparsers: subparsers.add_parser("tasks")  # type: ignore[attr-defined]
    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_code("--help") == 0
    text = capsys.readouterr().out
    assert all(re.search(rf"^ +{name} +{summary}$", text, re.MULTILINE) for name, summary in COMMANDS.items())


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_code(command, "--help") == 0
    assert re.search(rf"^examples?:\s+usseg {command} ", capsys.readouterr().out, re.MULTILINE)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_code("--version") == 0
    assert capsys.readouterr().out == f"usseg {usseg_monai.__version__}\n"


@pytest.mark.parametrize("arguments", [(), ("segment",), ("--fast", "tasks"), ("tasks", "--fast"), ("train", "fetal_head")])
def test_wrong_use_exits_with_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_code(*arguments) == 2
    assert "usage: usseg" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("effect", "code", "line"),
    [
        (0, 0, ""),
        (1, 1, ""),
        (UsageError("unknown task"), 2, "usseg: unknown task\n"),
        (ImageError("no image"), 1, "usseg: no image\n"),
        (WeightsError("no weights"), 1, "usseg: no weights\n"),
        (OutputError("disk full"), 1, "usseg: disk full\n"),
        (KeyboardInterrupt(), 130, "usseg: interrupted\n"),
    ],
)
def test_exit_code_and_line(
    effect: BaseException | int, code: int, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _command_that(monkeypatch, effect)
    assert main(["tasks"]) == code
    assert capsys.readouterr() == ("", line)


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    _command_that(monkeypatch, ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        main(["tasks"])


def test_reader_that_stops_listening_is_no_traceback() -> None:
    command = [sys.executable, "-m", "usseg_monai", "tasks"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None and run.stderr is not None
        run.stdout.close()
        assert run.stderr.read() == ""
    assert run.returncode == 1


def test_help_imports_next_to_nothing() -> None:
    code = (
        "import sys; sys.argv = ['usseg', '--help']; from usseg_monai.cli import main\ntry: main()\nexcept SystemExit: print(*sys.modules)"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True, env=environment)
    loaded = set(run.stdout.splitlines()[-1].split())
    assert not loaded & {"numpy", "PIL", "rich", "json", "dataclasses", "pydicom", "onnxruntime", "torch", "monai"}


def test_module_runs_as_the_command_does() -> None:
    run = subprocess.run([sys.executable, "-m", "usseg_monai", "tasks"], capture_output=True, text=True, timeout=30, check=True)
    assert run.stdout.startswith("fetal_head  ")
