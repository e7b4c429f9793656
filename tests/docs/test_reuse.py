"""docs/reuse.md: five uses in pipelines of others run as they stand, one after the other, and do what the page says."""

from __future__ import annotations

import ast
import csv
import json
import re
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import torch
from PIL import Image

from tests.conftest import REPOSITORY
from tests.docs.shown import blocks, make_workplace, run
from tests.imaging.samples import sample
from usseg_monai.datasets.splits import split_of
from usseg_monai.tasks.breast.phantom import breast_phantom
from usseg_monai.tasks.fetal_head.phantom import fetal_head_phantom

PAGE = REPOSITORY / "docs" / "reuse.md"
SPACING_MM = 0.4
GROUPS: dict[str, int] = {"train": 12, "validation": 4, "test": 2}


def mine(folder: Path) -> None:
    """Small phantoms of cysts, as many of each section as `GROUPS` says."""
    wanted = dict(GROUPS)
    for number in range(200):
        name = f"cyst{number}"
        section = split_of("folder", name)
        if wanted[str(section)]:
            wanted[str(section)] -= 1
            phantom = breast_phantom(number, shape=(84, 112))
            for kind, pixels in (("images", phantom.image.pixels), ("masks", phantom.mask * 255)):
                (folder / kind).mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels.astype(np.uint8)).save(folder / kind / f"{name}.png")
    assert not any(wanted.values())


def nnunet(folder: Path) -> dict[str, float]:
    """What nnU-Net v2 leaves: label maps of heads (1) beside something else (2), and its JSON files. Returns the true circumferences."""
    folder.mkdir()
    truth = {}
    for number, suffix in enumerate((".png", ".png", ".nii.gz")):
        phantom = fetal_head_phantom(number, head_circumference_mm=120, shape=(400, 500))
        assert phantom.image.spacing_mm is not None
        labels = np.where(phantom.mask, 1, 0).astype(np.uint8)
        labels[:40, :60] = 2
        name = f"head_{number:04}{suffix}"
        if suffix == ".png":
            Image.fromarray(labels).save(folder / name)
        else:
            nibabel.Nifti1Image(labels.T[..., None], np.eye(4)).to_filename(folder / name)
        truth[name] = phantom.truth["head_circumference_px"]
    for name in ("dataset.json", "plans.json", "predict_from_raw_data_args.json"):
        (folder / name).write_text("{}")
    return truth


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workplace(tmp_path_factory.mktemp("reuse"))


@pytest.fixture(scope="module")
def truth(place: Path) -> dict[str, float]:
    mine(place / "MINE")
    (place / "image.dcm").write_bytes(sample("dicom"))
    return nnunet(place / "NNUNET")


@pytest.fixture(scope="module")
def printed(place: Path, truth: dict[str, float]) -> list[str]:
    """What each block of the page printed. One thread: several wait for each other longer than they compute, with networks so small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        return [run(language, text, place) for language, text in blocks(PAGE)]


def test_every_use_is_shown() -> None:
    assert re.findall(r"^## (\d)\. ", PAGE.read_text(encoding="utf-8"), re.MULTILINE) == list("12345")


def test_one_reader_gives_batches_of_several_formats(printed: list[str], place: Path) -> None:
    shape, spacing = printed[0].splitlines()[0].split(") ")
    assert shape == "(2, 1, 128, 96"
    first, second = ast.literal_eval(spacing.replace("nan", "None"))
    assert first == [None, None] and second == pytest.approx([float(x) for x in pydicom.dcmread(place / "image.dcm").PixelSpacing])


def test_the_loop_learns_and_the_measurement_follows(printed: list[str]) -> None:
    lines = re.findall(r"^(\d+) ([\d.]+) \{'area_difference_px': ([\d.]+|nan)\}$", printed[0], re.MULTILINE)
    assert [int(epoch) for epoch, _, _ in lines] == list(range(1, 9))
    assert float(lines[-1][1]) < 0.9 * float(lines[0][1]) and float(lines[-1][2]) < float(lines[0][2])


def test_masks_of_nnunet_are_measured(printed: list[str], place: Path, truth: dict[str, float]) -> None:
    with (place / "MEASURED" / "results.csv").open(newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(truth)
    for name, row in rows.items():
        assert row["status"] == "ok" and float(row["head_circumference_px"]) == pytest.approx(truth[name], rel=0.01)
    lines = [line for line in printed[2].splitlines() if line.startswith("head_")]
    assert [line.split()[:2] for line in lines] == [[name, "ok"] for name in sorted(truth) if name.endswith(".png")]
    for line in lines:
        assert float(line.split()[2]) == pytest.approx(truth[line.split()[0]] * SPACING_MM, rel=0.01)


def test_a_new_network_starts_with_all_but_its_last_layers(printed: list[str]) -> None:
    copied, anew = map(int, re.findall(r"^(\d+) tensors of the released network, (\d+) anew", printed[2], re.MULTILINE)[0])
    assert copied > 10 * anew > 0


def test_a_folder_becomes_a_bundle_that_finds_its_structures(printed: list[str], place: Path) -> None:
    assert json.loads((place / "cysts" / "configs" / "metadata.json").read_text())["name"] == "Cysts"
    weights = torch.load(place / "cysts" / "models" / "model.pt", weights_only=True)
    assert sum(value.numel() for value in weights.values()) < 200_000  # its own, not the released ones
    masks = sorted((place / "FOUND" / "masks").glob("*.png"))
    assert len(masks) == sum(GROUPS.values())
    for file in masks:
        with Image.open(file) as found:
            assert found.size == (112, 84)
