"""What the README shows, runs."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from usseg_monai.demo.left_ventricle import LEFT_VENTRICLE
from usseg_monai.phantoms.fetal_head import fetal_head_phantom
from usseg_monai.tasks import TASKS, Task

from .conftest import REPOSITORY

TEXT = (REPOSITORY / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if line.startswith(("usseg ", "python "))
]
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
SAMPLES = REPOSITORY / "usseg_monai" / "samples" / "hc18"
TRAINING = ("usseg train", "usseg compare", "usseg datalist")  # tests/training and tests/cli run these on sets of their own size


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder with everything that the README's placeholders name."""
    shutil.copytree(SAMPLES, tmp_path / "IMAGES", ignore=shutil.ignore_patterns("*Annotation*"))
    (spacings,) = (tmp_path / "IMAGES").glob("*.csv")
    spacings.rename(tmp_path / "IMAGES" / "training_set_pixel_size_and_HC.csv")
    shutil.copy(next(SAMPLES.glob("*_HC.png")), tmp_path / "image.png")
    (tmp_path / "MASKS").mkdir()
    from PIL import Image

    Image.fromarray(fetal_head_phantom(seed=1).mask * 255).save(tmp_path / "MASKS" / "phantom.png")
    (tmp_path / "CINE").mkdir()
    (cine,) = (group for group in LEFT_VENTRICLE.groups if group.folder == "cine")
    for sample in cine.samples():
        (tmp_path / "CINE" / sample.name).write_bytes(sample.content)
    return tmp_path


@pytest.mark.parametrize("command", [line for line in COMMANDS if not line.startswith(TRAINING)])
def test_command(command: str, workplace: Path) -> None:
    words = shlex.split(command)
    program = [sys.executable, "-m", "usseg_monai"] if words[0] == "usseg" else [sys.executable]
    words = [str(REPOSITORY / word) if word.startswith("bundles/") else word for word in words[1:]]
    done = subprocess.run([*program, *words], cwd=workplace, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_training_commands_are_commands() -> None:
    """The lines that take long are at least accepted: every option they use stands in the command's help."""
    for command in (line for line in COMMANDS if line.startswith(TRAINING)):
        words = shlex.split(command)
        help_text = subprocess.run(
            [sys.executable, "-m", "usseg_monai", words[1], "--help"], capture_output=True, text=True, timeout=60
        ).stdout
        assert [word for word in words if word.startswith("-") and word not in help_text] == []


@pytest.mark.parametrize("program", [text for text in PROGRAMS if "image.dcm" not in text])
def test_program(program: str, workplace: Path) -> None:
    done = subprocess.run([sys.executable, "-c", program], cwd=workplace, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


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
