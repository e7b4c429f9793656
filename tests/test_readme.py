"""What the README shows, runs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from usseg_monai.tasks import TASKS, Task

from .conftest import REPOSITORY
from .docs.shown import add_demo, blocks, make_workplace, run

README = REPOSITORY / "README.md"
TEXT = README.read_text(encoding="utf-8")
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if line.startswith(("usseg ", "python "))
]
TRAINING = ("usseg train", "usseg compare", "usseg datalist")  # tests/training and tests/cli run these on sets of their own size


def test_what_it_shows_runs(tmp_path: Path) -> None:
    """In the order of the page, in a folder with what ``make demo`` leaves."""
    place = make_workplace(tmp_path)
    add_demo(place)
    printed = [(language, run(language, text, place)) for language, text in blocks(README)]
    assert {language for language, _ in printed} == {"bash", "python"}
    assert all(text.strip() for _, text in printed)
    made = {path.parent.name for path in (place / "OUT").rglob("results.csv")}
    assert made == {"heads", "nerves", "breasts", "hearts", "measured", "monai"}


def test_training_commands_are_commands() -> None:
    """The lines that take long are at least accepted: every option they use stands in the command's help."""
    for command in (line for line in COMMANDS if line.startswith(TRAINING)):
        words = shlex.split(command)
        help_text = subprocess.run(
            [sys.executable, "-m", "usseg_monai", words[1], "--help"], capture_output=True, text=True, timeout=60
        ).stdout
        assert [word for word in words if word.startswith("-") and word not in help_text] == []


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_licence_of_the_weights_is_the_one_that_the_task_names(task: Task) -> None:
    assert f"`{task.name}` {task.weights_license.split(' (')[0]}" in " ".join(TEXT.split())


@pytest.mark.parametrize("page", ["README.md", "docs/data.md", *(f"bundles/{task}/docs/README.md" for task in TASKS)])
def test_installing_takes_the_folder_as_no_index_has_the_package(page: str) -> None:
    told = re.findall(r"pip install [^`\n]*", (REPOSITORY / page).read_text(encoding="utf-8"))
    told = [command for command in told if "usseg-monai[codecs]" not in command]  # adds to an installation
    assert told and not [command for command in told if "usseg-monai" in command]
    assert any(re.search(r"(^|[ '])\.(\[|$| |')", command) for command in told)


def test_the_readme_says_how_to_reach_the_command_that_make_installs() -> None:
    """``make`` installs into an environment of its own, which nobody has activated."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    assert "BIN := .venv/bin\n" in makefile
    commands = [line for block in re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]
    assert commands.index(". .venv/bin/activate") < min(number for number, line in enumerate(commands) if line.startswith("usseg "))


def test_it_fits_on_one_screen() -> None:
    lines = [line for line in TEXT.splitlines() if line.strip() and not line.startswith("<!--")]
    assert len(lines) <= 65
    assert TEXT.count("![") == 1


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_in_its_commands_and_its_picture(task: str) -> None:
    assert f"usseg predict {task} " in TEXT
    assert task in (REPOSITORY / "docs" / "images" / "make.py").read_text(encoding="utf-8")
