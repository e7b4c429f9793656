"""What docs/teaching.md shows, is accepted by the commands, and its programs run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from usseg_monai.cli import _parse
from usseg_monai.tasks import TASKS, config_file
from usseg_monai.training.overrides import check_overrides, merge_configs, parse_overrides
from usseg_monai.training.run import _read

from .conftest import REPOSITORY

TEXT = (REPOSITORY / "docs" / "teaching.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]
ACCURACY, PROTOCOL = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def run(program: str, place: Path) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=place, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("usseg ")])
def test_command_is_accepted(command: str) -> None:
    args = _parse(shlex.split(command)[1:])
    if args.task not in TASKS:
        pytest.skip(f"the task {args.task} is not there yet")
    names = getattr(args, "config", [])
    for name in names:
        assert config_file(args.task, name).is_relative_to(REPOSITORY / "usseg_monai" / "teaching")
    if hasattr(args, "overrides"):
        merged = merge_configs(_read(config_file(args.task, name)) for name in ("train", *names))
        check_overrides(merged, parse_overrides(args.overrides))


def test_commands_of_others_name_files_that_are_there() -> None:
    others = [line for line in COMMANDS if not line.startswith("usseg ")]
    assert [shlex.split(line)[0] for line in others] == ["python", "tensorboard"]
    for file in re.findall(r"(?:bundles|usseg_monai)/[\w/.]+", " ".join(others)):
        assert (REPOSITORY / file).is_file()


def test_the_program_about_accuracy_prints_what_the_page_says(tmp_path: Path) -> None:
    assert f"It prints `{run(ACCURACY, tmp_path).strip()}`" in TEXT


def test_the_courses_protocol_has_its_numbers(data_root: Path, tmp_path: Path) -> None:
    (tmp_path / "sunnybrook").symlink_to(data_root / "sunnybrook")
    assert run(PROTOCOL, tmp_path).strip() == "{'training': 234, 'validation': 26, 'test': 244}"
    assert (tmp_path / "official.json").is_file()
