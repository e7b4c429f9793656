"""The zips of the bundles: what is in them, the Model Zoo's rules, and that they run where only the wheel is installed."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.bundle import ckpt_export, download, verify_metadata, verify_net_in_out
from PIL import Image

from benchmarks import zips
from benchmarks.zips import main, pack, sample_of, zoo_name
from benchmarks.zoo_rules import MOST_BYTES, violations
from tests.bundles.conftest import SMALL_NETWORK, images, write_datalist
from tests.contracts.bundle import SCHEMA
from tests.environments import environment_of, without_this_one
from usseg_monai.tasks import TASKS

__all__ = ["images"]  # a fixture of the bundles' tests


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the zips, made as by ``make bundles``."""
    folder = tmp_path_factory.mktemp("packed")
    assert main(["-o", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def unpacked(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all bundles, as MONAI downloads and unpacks them."""
    folder = tmp_path_factory.mktemp("bundles")
    for task in TASKS:
        name = zoo_name(task)
        download(name=name, url=(packed / f"{name}.zip").as_uri(), bundle_dir=str(folder))
        (folder / f"{name}.zip").unlink()
    return folder


@pytest.fixture
def bundle(unpacked: Path, tmp_path: Path) -> Path:
    """A copy of one, to be spoilt; with a small file for the weights."""
    folder = Path(shutil.copytree(unpacked / zoo_name("nerve"), tmp_path / zoo_name("nerve"), ignore=shutil.ignore_patterns("model.*")))
    (folder / "models" / "model.pt").write_bytes(b"weights")
    return folder


def change(bundle: Path, name: str, old: str, new: str) -> None:
    file = bundle / name
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_names_say_structure_modality_and_task() -> None:
    assert [zoo_name(task) for task in TASKS] == [
        "fetal_head_ultrasound_segmentation",
        "nerve_ultrasound_segmentation",
        "breast_ultrasound_segmentation",
        "left_ventricle_mri_segmentation",
    ]


@pytest.mark.parametrize("task", TASKS)
def test_the_rules_of_the_model_zoo_are_met(task: str, unpacked: Path, tmp_path: Path) -> None:
    """The Zoo's CI calls MONAI's checks with these arguments."""
    folder = unpacked / zoo_name(task)
    assert violations(folder) == []
    configs = {name: str(folder / "configs" / name) for name in ("metadata.json", "inference.json")}
    verify_metadata(meta_file=configs["metadata.json"], filepath=shutil.copy(SCHEMA, tmp_path / "schema.json"))
    network: dict[str, Any] = {"net_id": "network_def", "meta_file": configs["metadata.json"], "config_file": configs["inference.json"]}
    if not TASKS[task].outputs:  # two heads: tests/bundles/test_contract.py
        verify_net_in_out(**network, bundle_root=str(folder))
    ckpt_export(**network, filepath=str(tmp_path / "model.ts"), ckpt_file=str(folder / "models" / "model.pt"), bundle_root=str(folder))
    saved = torch.load(folder / "models" / "model.pt", weights_only=True)
    exported = torch.jit.load(tmp_path / "model.ts").state_dict()
    assert all(torch.equal(exported[name].float(), value.float()) for name, value in saved.items())


@pytest.mark.parametrize("task", TASKS)
def test_checksums_are_those_of_the_files(task: str, packed: Path, unpacked: Path) -> None:
    folder = unpacked / zoo_name(task)
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {line.partition("  ")[2] for line in lines} == found - {"SHA256SUMS"}
    for line in lines:
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    sums = (packed / "SHA256SUMS").read_text()
    assert f"{hashlib.sha256((packed / f'{folder.name}.zip').read_bytes()).hexdigest()}  {folder.name}.zip\n" in sums


def test_the_same_bundle_gives_the_same_zip(packed: Path, tmp_path: Path) -> None:
    assert pack("left_ventricle", tmp_path).read_bytes() == (packed / "left_ventricle_mri_segmentation.zip").read_bytes()


@pytest.mark.parametrize("task", TASKS)
def test_pages_stand_alone(task: str, unpacked: Path) -> None:
    text = (unpacked / zoo_name(task) / "docs" / "README.md").read_text()
    assert "BUNDLE" not in text and "../" not in text and "package's bundle" not in text
    commands = re.findall(r"configs/\w+\.json", text)
    assert {"configs/train.json", "configs/inference.json", "configs/evaluate.json"} <= set(commands)
    assert all((unpacked / zoo_name(task) / name).is_file() for name in commands)


def test_real_samples_come_with_their_licence_and_phantoms_say_what_they_are(unpacked: Path) -> None:
    texts = {task: (unpacked / zoo_name(task) / "sample" / "ATTRIBUTION.txt").read_text() for task in TASKS}
    assert "CC BY 4.0" in texts["fetal_head"] and "CC BY 4.0" in texts["breast"] and "CC0 1.0" in texts["left_ventricle"]
    assert texts["nerve"] == zips.PHANTOM


@pytest.mark.parametrize(
    ("name", "old", "new", "broken"),
    [
        ("configs/metadata.json", '"version": "0', '"version": "9', "no line for version 9"),
        ("configs/metadata.json", '"monai_version"', '"of_monai"', "no monai_version"),
        ("configs/metadata.json", '"scipy": "', '"scipy": "about ', "no version that pip takes"),
        ("configs/inference.json", '"inferer":', '"inference":', "inference.json has no inferer"),
        ("configs/inference.json", '"bundle_root": "."', '"bundle_root": "/home/me"', "it is '.'"),
        ("configs/train.json", '"dataset_dir": ', '"data": ', "train.json has no dataset_dir"),
        ("configs/train.json", '"interval": "@val_interval"', '"interval": 1', "not @val_interval"),
        ("docs/README.md", "### Authors", "### Who", "no section Authors"),
        ("docs/README.md", "(reliability.png)", "(gone.png)", "links to gone.png"),
    ],
)
def test_broken_rules_are_named(name: str, old: str, new: str, broken: str, bundle: Path) -> None:
    assert violations(bundle) == []
    change(bundle, name, old, new)
    (found,) = violations(bundle)
    assert broken in found


@pytest.mark.parametrize("name", ["LICENSE", "models/model.pt", "docs/data_license.txt", "configs/inference.json"])
def test_missing_files_are_named(name: str, bundle: Path) -> None:
    (bundle / name).unlink()
    assert violations(bundle) == [f"{name} is missing"]


def test_a_file_may_have_25_megabytes_and_no_more(bundle: Path) -> None:
    with (bundle / "models" / "model.pt").open("wb") as file:
        file.truncate(MOST_BYTES)
        assert violations(bundle) == []
        file.truncate(MOST_BYTES + 1)
    assert violations(bundle) == ["models/model.pt has 25.0 MB, more than 25"]


def test_names_that_do_not_say_what_a_bundle_is(bundle: Path) -> None:
    (found,) = violations(bundle.rename(bundle.with_name("nerve")))
    assert "does not say structure, modality and kind of task" in found


def test_no_zip_is_written_of_a_bundle_that_breaks_a_rule(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    change(bundle, "docs/README.md", "### Tags", "### Words")
    monkeypatch.setattr(zips, "prepare", lambda task, folder: bundle)
    assert main(["-o", str(tmp_path / "dist")]) == 1
    assert "README.md has no section Tags" in capsys.readouterr().out
    assert not (tmp_path / "dist").exists()


RUN = """
import json, os, sys
from pathlib import Path
import torch
from monai.bundle import run

import usseg_monai

tasks = json.loads(sys.argv[1])
assert not Path(usseg_monai.__file__).is_relative_to(sys.argv[2])
torch.set_num_threads(1)
for name, (datalist, small) in tasks.items():
    os.chdir(Path(sys.argv[3]) / name)
    run(config_file="configs/inference.json", dataset_dir="sample/images", device="cpu", output_dir="released")
    state = torch.load("models/model.pt", weights_only=True)
    bias = "head.bias" if "head.bias" in state else "unet.head.bias"
    state[bias][-1] -= 100
    torch.save(state, "models/model.pt")
    Path("models/model.trust").unlink()  # it was fitted on the weights of before
    run(config_file="configs/inference.json", dataset_dir="sample/images", device="cpu")
    changed = Path("models/model.pt").read_bytes()
    values = {"max_epochs": 1, "batch_size": 2, "num_workers": 0, "image_size": [64, 64], "bfloat16": False, **small}
    run(config_file="configs/train.json", dataset_dir=datalist, output_dir="trained", device="cpu", **values)
    assert Path("models/model.pt").read_bytes() != changed
"""


@pytest.mark.timeout(900)
def test_where_only_the_wheel_is_installed_each_runs_its_own_weights_and_trains_into_its_own_folder(
    unpacked: Path, wheel: Path, images: Path, tmp_path: Path
) -> None:
    """The wheel holds no weights of two of the tasks. With changed weights the mask of the sample is empty."""
    python = environment_of(wheel, tmp_path / "environment", ("torch",))
    work = Path(shutil.copytree(unpacked, tmp_path / "work"))
    tasks = {zoo_name(task): (str(write_datalist(task, images, tmp_path / f"{task}.json")), SMALL_NETWORK) for task in TASKS}
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "environment").rglob("*") if "__pycache__" not in file.parts}
    command: list[str | Path] = [python, "-W", "ignore", "-c", RUN, json.dumps(tasks), str(zips.REPOSITORY), str(work)]
    done = subprocess.run(command, cwd=tmp_path, env=without_this_one(), capture_output=True, text=True, timeout=800)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    for task in TASKS:
        folder = work / zoo_name(task)
        name = Path(sample_of(task).name).with_suffix(".png")
        expected, released, changed = (np.asarray(Image.open(folder / place / "masks" / name)) for place in ("sample", "released", "eval"))
        assert expected.any() and np.array_equal(expected, released)
        assert not changed.any()
        assert {"curves.json", "curves.png"} <= {path.name for path in (folder / "trained").iterdir()}
        assert sorted(path.name for path in (folder / "models").iterdir()) == ["model.onnx", "model.pt", "model.trust"]
    assert {file: file.stat().st_mtime_ns for file in before if file.exists()} == before


def test_the_command_line_downloads_a_zip(packed: Path, tmp_path: Path) -> None:
    name = zoo_name("nerve")
    command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", "download", "--name", name, "--bundle_dir", str(tmp_path)]
    done = subprocess.run([*command, "--url", (packed / f"{name}.zip").as_uri()], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    with zipfile.ZipFile(packed / f"{name}.zip") as archive:
        names = archive.namelist()
    assert names and all((tmp_path / file).is_file() for file in names)
