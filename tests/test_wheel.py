"""The wheel: small, with the weights that everybody may pass on and no others; what it says and does where weights are missing."""

from __future__ import annotations

import email
import os
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import REPOSITORY
from tests.environments import environment_of, without_this_one
from usseg_monai.tasks import TASKS
from usseg_monai.tasks.fetal_head.phantom import fetal_head_phantom

MOST_MEGABYTES = 60
ABSENT = ("torch", "monai", "ignite", "scipy", "matplotlib", "itk")
PASSED_ON = {name for name, task in TASKS.items() if task.weights_redistributable}
KEPT_BACK = set(TASKS) - PASSED_ON


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_it_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size <= MOST_MEGABYTES * 10**6


def test_it_holds_the_weights_that_everybody_may_pass_on_and_no_others(wheel: Path) -> None:
    assert PASSED_ON and KEPT_BACK
    held = {name for name in names(wheel) if name.endswith((".onnx", ".pt", ".trust", ".pth", ".ts"))}
    files = ("model.onnx", "model.pt", "model.trust")
    assert held == {f"usseg_monai/bundles/{TASKS[task].bundle}/models/{file}" for task in PASSED_ON for file in files}


def test_the_source_archive_holds_back_what_the_wheel_does(tmp_path: Path) -> None:
    """References of the benchmarks were trained on the same data as the weights."""
    from hatchling.builders.sdist import SdistBuilder

    files = {file.relative_path.replace(os.sep, "/") for file in SdistBuilder(str(REPOSITORY)).recurse_included_files()}
    weights = {file for file in files if file.endswith((".onnx", ".pt", ".trust"))}
    assert "pyproject.toml" in files and any(f"bundles/{name}/" in file for file in files for name in KEPT_BACK)
    assert weights and not [file for file in weights for name in KEPT_BACK if name in file]


def test_the_files_of_the_pages_come_along(wheel: Path) -> None:
    package = REPOSITORY / "usseg_monai"
    files = [
        file
        for folder in ("web/static", "report")
        for file in (package / folder).rglob("*")
        if file.suffix in {".html", ".css", ".js", ".svg"}
    ]
    assert len(files) > 15 and {file.relative_to(REPOSITORY).as_posix() for file in files} <= set(names(wheel))


def test_licences_come_along_and_are_named(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (file,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(file))
    assert metadata["License-Expression"] == "Apache-2.0 AND CC-BY-4.0 AND CC0-1.0 AND MIT"
    named = metadata.get_all("License-File") or []
    assert {"LICENSE", "usseg_monai/web/onnxruntime/LICENSE", *(f"bundles/{task.bundle}/LICENSE" for task in TASKS.values())} <= set(named)
    licenses = file.replace("METADATA", "licenses/")
    assert {licenses + name for name in named} <= set(names(wheel))


@pytest.fixture(scope="module")
def usseg(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program in a fresh environment with the wheel, the libraries of this one, and without what predicting does not need."""
    python = environment_of(wheel, tmp_path_factory.mktemp("environment"), ("numpy", "onnxruntime", "PIL", "pydicom", "nibabel", "rich"))
    (packages,) = python.parents[1].rglob("site-packages")
    (packages / "sitecustomize.py").write_text(
        "import sys\n"
        "class Absent:\n"
        "    @staticmethod\n"
        "    def find_spec(name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {ABSENT}:\n"
        "            raise ModuleNotFoundError(name=name)\n"
        "sys.meta_path.insert(0, Absent)\n"
    )
    return python.with_stem("usseg")


def run(usseg: Path, words: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([usseg, *words], cwd=folder, env=without_this_one(), capture_output=True, text=True, timeout=240)


@pytest.fixture
def picture(tmp_path: Path) -> str:
    pixels = fetal_head_phantom(seed=1).image.pixels
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(tmp_path / "head.png")
    return "head.png"


def test_it_predicts_a_head(usseg: Path, picture: str, tmp_path: Path) -> None:
    done = run(usseg, ["predict", "fetal_head", picture, "-o", "out", "--spacing-mm", "0.2,0.2"], tmp_path)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "out" / "masks" / "head.png") as mask:
        assert np.asarray(mask).any()


def test_weights_that_are_missing_are_named_with_the_command_that_adds_them(usseg: Path, picture: str, tmp_path: Path) -> None:
    listed = run(usseg, ["tasks"], tmp_path).stdout
    assert listed.count("usseg weights add SOURCE") == len(KEPT_BACK) and listed.count("weights: released") == len(PASSED_ON)
    for task in KEPT_BACK:
        done = run(usseg, ["predict", task, picture, "-o", f"out_{task}"], tmp_path)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1 and "no weights at" in done.stderr and "'usseg weights add SOURCE'" in done.stderr


def test_the_demo_shows_the_tasks_whose_weights_are_there(usseg: Path, tmp_path: Path) -> None:
    done = run(usseg, ["demo", "-o", "demo"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert {folder.name for folder in (tmp_path / "demo").iterdir() if folder.is_dir()} & set(TASKS) == PASSED_ON
    for task in KEPT_BACK:
        assert f"{task} is left out" in done.stderr


def test_one_command_adds_the_others(usseg: Path, picture: str, tmp_path: Path) -> None:
    """The last test of this environment: afterwards all weights are there."""
    done = run(usseg, ["weights", "add", REPOSITORY / "bundles"], tmp_path)
    assert done.returncode == 0, done.stderr
    for task in KEPT_BACK:
        assert f"{task}: model.onnx, model.pt, model.trust in " in done.stdout and TASKS[task].weights_license in done.stdout
        assert run(usseg, ["predict", task, picture, "-o", f"out_{task}"], tmp_path).returncode == 0
    assert run(usseg, ["weights", "add", REPOSITORY], tmp_path).stdout == "nothing to add: the weights of every task are here\n"
