"""A small copy of the images that teach a task."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import small_copy
from tests.datasets.samples import disc, make_hc18, write_png
from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.imaging import read_image
from usseg_monai.tasks import TASKS
from usseg_monai.transforms.resize import AntialiasedResize


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for kind in ("images", "masks"):
        (tmp_path / "copy" / kind).mkdir(parents=True)
    return tmp_path / "copy"


def smooth(rows: int, cols: int, top: float = 200.0) -> np.ndarray:
    """A picture that JPEG keeps."""
    return np.rint(top * (0.5 + 0.4 * np.outer(np.sin(np.arange(rows) / 9), np.cos(np.arange(cols) / 11))))


def item_of(tmp_path: Path, rows: int, cols: int) -> dict[str, object]:
    write_png(tmp_path / "image.png", smooth(rows, cols).astype(np.uint8))
    write_png(tmp_path / "mask.png", 255 * disc(rows, cols, (rows / 2, cols / 3), 9))
    return {"image": str(tmp_path / "image.png"), "label": str(tmp_path / "mask.png"), "group": "7", "spacing_mm": [0.2, 0.3], "class": 2}


def test_a_larger_image_is_reduced_as_in_training_with_its_pixel_size(tmp_path: Path, folder: Path) -> None:
    item = item_of(tmp_path, 80, 120)
    copied = small_copy.copy_item(item, (60, 50), folder, "one")
    assert copied == item | {"image": "images/one.jpg", "label": "masks/one.png", "spacing_mm": [0.2 * 80 / 50, 0.3 * 120 / 60]}
    expected = AntialiasedResize((60, 50))(torch.from_numpy(smooth(80, 120).T[None].copy()))[0].numpy().T
    kept = read_image(folder / "images" / "one.jpg").pixels
    assert kept.shape == (50, 60)
    assert np.abs(kept - expected).max() < 4
    mask = read_annotation(folder / "masks" / "one.png", (50, 60))
    assert mask.sum() == pytest.approx(disc(80, 120, (40, 40), 9).sum() * 50 * 60 / (80 * 120), rel=0.03)
    assert np.argwhere(mask).mean(axis=0) == pytest.approx([25, 20], abs=0.6)


@pytest.mark.parametrize(("grid", "reduced"), [((120, 80), False), ((119, 80), True)])
def test_an_image_is_reduced_if_it_has_more_pixels_than_the_grid(
    tmp_path: Path, folder: Path, grid: tuple[int, int], reduced: bool
) -> None:
    copied = small_copy.copy_item(item_of(tmp_path, 80, 120), grid, folder, "one")
    kept = read_image(folder / copied["image"]).pixels
    assert kept.shape == ((grid[1], grid[0]) if reduced else (80, 120))
    if not reduced:
        assert (read_annotation(folder / copied["label"], (80, 120)) == disc(80, 120, (40, 40), 9)).all()


def test_intensities_beyond_eight_bits_are_scaled_and_empty_masks_are_no_file(tmp_path: Path, folder: Path) -> None:
    Image.fromarray(smooth(40, 60, 4000).astype(np.uint16)).save(tmp_path / "image.png")
    copied = small_copy.copy_item({"image": str(tmp_path / "image.png"), "label": [], "group": "7"}, (60, 50), folder, "one")
    assert copied == {"image": "images/one.jpg", "label": [], "group": "7"}
    loaded = read_image(tmp_path / "image.png").pixels
    kept = read_image(folder / copied["image"]).pixels
    assert np.abs(kept - loaded * min(1, 255 / loaded.max())).max() < 4


@pytest.mark.parametrize("task", TASKS)
def test_the_grid_is_the_trainings(task: str) -> None:
    columns, rows = small_copy.grid_of(task)
    assert 184 <= rows <= columns <= 384


def test_a_copy_teaches_what_its_images_teach(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_hc18(tmp_path / "hc18")
    out = tmp_path / "copy"
    assert small_copy.main(["fetal_head", "--data", str(tmp_path), "-o", str(out)]) == 0
    said = capsys.readouterr().out
    for section in ("training", "validation"):
        items, copies = (load_datalist(source, section) for source in (tmp_path / "hc18", out / "datalist.json"))
        assert [item["group"] for item in items] == [item["group"] for item in copies]
        for item, copied in zip(items, copies, strict=True):
            shape = read_image(item["image"]).pixels.shape
            assert (read_annotation(item["label"], shape) == read_annotation(copied["label"], shape)).all()
    written = json.loads((out / "datalist.json").read_text())
    assert written["test"] == []
    assert f"{len(written['training']) + len(written['validation'])} images, 0." in said


def test_missing_data_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_hc18(tmp_path / "hc18", ("000_HC",))
    assert small_copy.main(["fetal_head", "--data", str(tmp_path), "-o", str(tmp_path / "copy")]) == 2
    assert capsys.readouterr().err.startswith("small_copy: ")
