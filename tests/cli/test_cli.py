"""The program as a whole: commands, exit codes, one line for an error, and a start that costs nothing."""

from __future__ import annotations

import argparse
import errno
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import usseg_monai
from tests.tiny import ellipse, save_picture
from usseg_monai.cli import COMMANDS, SECOND_WORDS, main
from usseg_monai.errors import ImageError, OutputError, UsageError, WeightsError

LACKING, INSTALL = "usseg: 'usseg tasks' needs", "which is not installed: pip install"


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


@pytest.mark.parametrize("command", [*COMMANDS, *SECOND_WORDS])
def test_help_of_a_command_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_code(*command.split(), "--help") == 0
    assert re.search(rf"^examples?:\s+usseg {command} ", capsys.readouterr().out, re.MULTILINE)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_code("--version") == 0
    assert capsys.readouterr().out == f"usseg {usseg_monai.__version__}\n"


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_code() == 0
    assert "usage: usseg" in (text := capsys.readouterr().out) and all(name in text for name in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("predct",), "unknown command 'predct': the commands are tasks, .*; did you mean 'predict'?"),
        (("qqqq",), "unknown command 'qqqq': the commands are tasks, .*, demo\n"),
        (("predict", "nerve", "in", "--outptu", "out"), "unknown option --outptu; did you mean '--output'?"),
        (
            ("predict", "nerve", "in", "-o", "out", "--spacings-mm=2"),
            "unrecognized arguments: --spacings-mm=2; did you mean '--spacing-mm'?",
        ),
        (("predict", "nerve", "in", "-o", "out", "--engine", "onx"), "invalid choice: 'onx' .*; did you mean 'onnx'?"),
        (("tasks", "--qqqq"), "unrecognized arguments: --qqqq\n"),
    ],
)
def test_what_may_have_been_meant(arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_code(*arguments) == 2
    assert re.search(said.replace("?", r"\?"), capsys.readouterr().err)


@pytest.mark.parametrize(
    "arguments",
    [
        "predict nrve nowhere -o out",
        "predict nerve nowhere -o out --save maks",
        "predict nerve nowhere -o out --device cuda --engine onnx",
        "predict nerve nowhere -o out --engine torch --config nothing",
        "predict nerve nowhere -o out --batch-size 0",
        "predict auto nowhere -o out --threads 0",
        "measure nrve nowhere -o out",
        "evaluate nrve nowhere -o out",
        "submission nerve nowhere -o out.csv --device cuda --engine onnx",
        "datalist hc19 nowhere -o out.json",
    ],
)
def test_wrong_use_is_2_before_any_input_is_looked_for(arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments.split()) == 2 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [("segment",), ("--fast", "tasks"), ("tasks", "--fast"), ("train", "fetal_head")])
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
        (KeyboardInterrupt("go on with it"), 130, "usseg: interrupted; go on with it\n"),
        (ModuleNotFoundError("No module named 'torch'", name="torch.nn"), 1, f"{LACKING} torch, {INSTALL} 'usseg-monai'\n"),
        (ModuleNotFoundError("No module named 'onnx'", name="onnx"), 1, f"{LACKING} onnx, {INSTALL} 'usseg-monai[train]'\n"),
        (OSError(errno.EMFILE, "Too many open files"), 1, "usseg: too many open files for this system's limits; "),
        (OutputError("out\x1b[2J\n: no room"), 1, "usseg: out?[2J?: no room\n"),
    ],
)
def test_exit_code_and_line(
    effect: BaseException | int, code: int, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _command_that(monkeypatch, effect)
    assert main(["tasks"]) == code
    output, errors = capsys.readouterr()
    assert output == "" and errors.startswith(line) and errors.count("\n") == bool(line)


@pytest.mark.parametrize(
    "bug", [ZeroDivisionError("a bug"), ImportError("a bug", name="usseg_monai.x"), ImportError("a bug"), OSError("a bug")]
)
def test_a_bug_keeps_its_traceback(bug: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    _command_that(monkeypatch, bug)
    with pytest.raises(type(bug), match="a bug"):
        main(["tasks"])


def test_names_that_do_not_fit_the_terminal_are_escaped(tmp_path: Path) -> None:
    """On a terminal of ASCII, too; bytes that are no text, and letters."""
    folder = os.fsencode(tmp_path) + b"/m\xc3\xbcll\xffer"
    os.mkdir(folder)
    command = [sys.executable.encode(), b"-m", b"usseg_monai", b"predict", b"nerve", folder + b"/1.png", b"-o", folder + b"/out"]
    for encoding in ("ascii", "utf-8"):
        environment = os.environ | {"PYTHONIOENCODING": encoding}
        run = subprocess.run(command, capture_output=True, timeout=60, check=False, env=environment)
        assert run.returncode == 1 and run.stderr.startswith(b"usseg: ") and run.stderr.count(b"\n") == 1


MISSING = ("torch", "monai", "ignite", "scipy", "matplotlib", "skimage", "itk", "onnx", "onnxscript", "tensorboard")
BLOCK = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {MISSING}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
"""


@pytest.mark.parametrize(
    "arguments",
    [
        "evaluate nerve in -o out",
        "train nerve --data in -o out",
        "compare nerve --vary learning_rate=1,2 --epochs 1 --data in -o out",
        "export nerve -o out.onnx",
        "datalist folder in -o out.json --drop-contradictions",
        "predict nerve in -o out --engine torch",
    ],
)
def test_without_the_libraries_a_line_says_what_to_install(arguments: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(BLOCK)
    for number in range(20):
        save_picture(tmp_path / f"in/{number}_1.png")
        save_picture(tmp_path / f"in/{number}_1_mask.png", ellipse() * np.uint8(255))
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(usseg_monai.__file__).parents[1]}"}
    command = [sys.executable, "-m", "usseg_monai", *arguments.split()]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment, cwd=tmp_path)
    assert run.returncode in (1, 2) and run.stderr.startswith("usseg: ") and run.stderr.count("\n") == 1
    assert re.search("needs? (torch|scipy|onnx)", run.stderr) and "install" in run.stderr


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
