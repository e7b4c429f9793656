"""Runs what the pages show."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import util
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import REPOSITORY
from tests.imaging.samples import video_bytes
from usseg_monai.demo import SHOWCASES
from usseg_monai.demo.build import write_samples
from usseg_monai.tasks.fetal_head.phantom import fetal_head_phantom
from usseg_monai.tasks.left_ventricle.showcase import LEFT_VENTRICLE

SAMPLES = REPOSITORY / "usseg_monai" / "tasks" / "fetal_head" / "samples"

_BLOCK = re.compile(r"^( *)```(bash|python)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
_ARCHIVES = ("usseg dicom OUT", "usseg dicom pull", "usseg dicom node")  # they need a server: tests/dicom and tests/cli
_NOT_RUN = ("make ", ". .venv", "usseg train", "usseg compare", "usseg datalist", *_ARCHIVES)  # training: tests/training and tests/cli


def blocks(page: Path) -> list[tuple[str, str]]:
    """Language and text of the code that is meant to run, in order; blocks of one language that follow each other are one."""
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [
        (language, "\n".join(re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, _, text in group))
        for language, group in groupby(found, key=itemgetter(1))
    ]


def make_workplace(folder: Path) -> Path:
    """A folder with everything that the pages' placeholders name."""
    if os.name != "posix":
        pytest.skip("the pages' commands are those of a POSIX shell")
    for name in ("bundles", "usseg_monai"):
        (folder / name).symlink_to(REPOSITORY / name)
    shutil.copytree(SAMPLES, folder / "IMAGES", ignore=shutil.ignore_patterns("*Annotation*"))
    (spacings,) = (folder / "IMAGES").glob("*.csv")
    spacings.rename(folder / "IMAGES" / "training_set_pixel_size_and_HC.csv")
    shutil.copy(SAMPLES / "642_HC.png", folder / "image.png")
    head = fetal_head_phantom(seed=1)
    if util.find_spec("av"):
        (folder / "CLIP.mp4").write_bytes(video_bytes([head.image.pixels.astype(np.uint8)] * 3))
    (folder / "MASKS").mkdir()
    Image.fromarray(head.mask * 255).save(folder / "MASKS" / "phantom.png")
    (cine,) = (group for group in LEFT_VENTRICLE.groups if group.folder == "cine")
    (folder / "CINE").mkdir()
    for sample in cine.samples():
        (folder / "CINE" / sample.name).write_bytes(sample.content)
    (folder / "bin").mkdir()
    for name, words in (("usseg", "-m usseg_monai "), ("python", "")):
        program = folder / "bin" / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n')
        program.chmod(0o755)
    return folder


def add_demo(folder: Path) -> None:
    """What ``make demo`` leaves of inputs."""
    for showcase in SHOWCASES.values():
        write_samples(showcase, folder / "demo")


def run(language: str, text: str, place: Path) -> str:
    """Run a block in a workplace and return what it printed."""
    lines = [line for line in text.splitlines() if language != "bash" or not line.startswith(_NOT_RUN)]
    command = [sys.executable, "-c"] if language == "python" else ["bash", "-e", "-c"]
    path = f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"
    variables = os.environ | {"PATH": path, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([*command, "\n".join(lines)], cwd=place, capture_output=True, text=True, timeout=240, env=variables, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
