"""Masks of others: which file belongs to which image, and what is refused or failed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from tests.datasets.samples import write_png
from tests.evaluation.ellipses import SHAPE, ellipse, make_items, write_masks
from usseg_monai.errors import ImageError, UsageError
from usseg_monai.evaluation.cases import evaluate_case
from usseg_monai.evaluation.mask_folder import MaskFolder, match_masks
from usseg_monai.imaging import GreyImage
from usseg_monai.measuring.result import Status

Items = list[dict[str, Any]]


@pytest.fixture
def items(tmp_path: Path) -> Items:
    return make_items(tmp_path / "data")


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def matched(folder: Path, *images: str, **named: str) -> tuple[dict[str, str], list[str]]:
    """Matches for images of a datalist, as text."""
    items = [{"image": image} | ({"name": named[Path(image).stem]} if Path(image).stem in named else {}) for image in images]
    files, extra = match_masks(folder, items)
    return {image.as_posix(): mask.relative_to(folder).as_posix() for image, mask in files.items()}, extra


BELONG = ("7.png", "7.nii.gz", "7_mask.png", "7_seg.nii.gz", "7_Annotation.png", "7_label.tif", "7_mask_1.png", "7.dcm.png")


@pytest.mark.parametrize("name", [*BELONG, "7/7_seg.png", "deep/er/7.mha"])
def test_names_that_belong(tmp_path: Path, name: str) -> None:
    assert matched(touch(tmp_path, name), "x/7.png") == ({"x/7.png": name}, [])


@pytest.mark.parametrize("name", ["07.png", "7_0000.png", "7b.png", "mask_7.png", "7_masks.png"])
def test_names_that_do_not(tmp_path: Path, name: str) -> None:
    assert matched(touch(tmp_path, name, "8.png"), "x/7.png", "x/8.png") == ({"x/8.png": "8.png"}, [name])


def test_an_nnunet_folder(items: Items, tmp_path: Path) -> None:
    """Inputs are CASE_0000.png, outputs CASE.png with labels 0 and 1, beside JSON files."""
    for item in items:
        image = Path(item["image"])
        item["image"] = str(image.rename(image.with_name(f"{image.stem}_0000.png")))
        write_png(tmp_path / "out" / image.name, ellipse())
    for name in ("dataset.json", "plans.json", "predict_from_raw_data_args.json"):
        (tmp_path / "out" / name).write_text(json.dumps({}))
    folder = MaskFolder("fetal_head", tmp_path / "out", items)
    assert [evaluate_case(folder, item).dice for item in items] == [1.0] * 4
    assert folder.remarks == []


@pytest.mark.parametrize("depth", [0, 1])
def test_nifti_as_nnunet_writes_it(items: Items, tmp_path: Path, depth: int) -> None:
    """Axes (W, H), or (W, H, 1); the 1 mm of its header is not taken for the image's pixel size."""
    (tmp_path / "out").mkdir()
    for item in items:
        voxels = ellipse(shift=7).T
        volume = nibabel.nifti1.Nifti1Image(voxels.reshape(voxels.shape + (1,) * depth), np.diag([-1.0, -1.0, 1.0, 1.0]))
        nibabel.loadsave.save(volume, tmp_path / "out" / f"{Path(item['image']).stem}.nii.gz")
    folder = MaskFolder("fetal_head", tmp_path / "out", items)
    prediction = folder.predict(Path(items[0]["image"]), spacing_mm=(0.5, 0.5))
    assert np.array_equal(prediction.mask, ellipse(shift=7))
    assert prediction.image.spacing_mm == (0.5, 0.5)


def test_a_list_may_name_an_image(tmp_path: Path) -> None:
    folder = touch(tmp_path, "SC-HF-I-01-IM-0001-0048.png")
    named = {"48": "SC-HF-I-01-IM-0001-0048"}
    assert matched(folder, "SCD0000101/48.dcm", **named)[0] == {"SCD0000101/48.dcm": "SC-HF-I-01-IM-0001-0048.png"}


def test_folders_decide_between_images_of_one_name(tmp_path: Path) -> None:
    images = ("x/SCD1/48.dcm", "x/SCD2/48.dcm")
    folder = touch(tmp_path / "good", "SCD1/48.png", "SCD2/48.png")
    assert matched(folder, *images)[0] == {"x/SCD1/48.dcm": "SCD1/48.png", "x/SCD2/48.dcm": "SCD2/48.png"}
    for name in ("48.png", "SCD3/48.png"):
        with pytest.raises(UsageError, match=rf"{name} fits 2 images, x/SCD1/48.dcm first: put it into a folder"):
            matched(touch(tmp_path / name.replace("/", "_"), name), *images)


def test_two_masks_for_one_image_are_refused(tmp_path: Path) -> None:
    folder = touch(tmp_path, "7.png", "7.nii.gz", "8.png")
    with pytest.raises(UsageError, match=r"2 masks for one image, 7.png: 7.nii.gz, 7.png; keep one file per image"):
        matched(folder, "7.png", "8.png")


def test_a_folder_of_other_masks_is_refused(tmp_path: Path) -> None:
    folder = touch(tmp_path, *(f"{number}.png" for number in range(5)))
    with pytest.raises(UsageError, match=r"no file in .* 7\.png needs 7\.png or \.nii\.gz; found 0\.png, 1\.png, 2\.png and 2 more"):
        matched(folder, "a/7.png")
    with pytest.raises(UsageError, match="is not a folder"):
        matched(tmp_path / "nowhere", "a/7.png")
    with pytest.raises(ImageError, match="a folder without images"):
        matched(touch(tmp_path / "empty", "notes.txt"), "a/7.png")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "7.png").symlink_to(touch(tmp_path / "elsewhere", "7.png") / "7.png")
    with pytest.raises(UsageError, match=r"7\.png: "):
        matched(tmp_path / "masks", "a/7.png")


def test_each_kind_of_bad_mask_is_a_failure_with_its_reason(items: Items, tmp_path: Path) -> None:
    masks = write_masks(tmp_path / "masks", items)
    (masks / "a0.png").unlink()
    (masks / "a1.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    write_png(masks / "b2.png", ellipse().T * np.uint8(255))
    labels = ellipse()
    labels[:, 130:] *= 2
    write_png(masks / "c3.png", labels)
    results = [evaluate_case(MaskFolder("fetal_head", masks, items), item) for item in items]
    assert [result.status for result in results] == [Status.FAILED] * 4
    assert results[0].message == "no mask for a0.png in masks: expected a file such as a0.png"
    assert results[1].message.startswith("a1.png: ")
    rows, cols = SHAPE
    assert results[2].message == f"b2.png has {cols} rows x {rows} columns, its image {rows} x {cols}: save it in the size of the image"
    assert results[3].message.startswith("c3.png: the mask holds the labels 1, 2: say which is meant, by --label N")


def test_several_slices_are_a_failure(items: Items, tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    volume = np.stack([ellipse().T] * 3, axis=-1)
    nibabel.loadsave.save(nibabel.nifti1.Nifti1Image(volume, np.eye(4)), tmp_path / "masks" / "a0.nii.gz")
    result = evaluate_case(MaskFolder("fetal_head", tmp_path / "masks", items), items[0])
    assert result.message == "a0.nii.gz has several slices or frames: give one mask file per image"


def test_a_label_is_chosen(items: Items, tmp_path: Path) -> None:
    labels = ellipse(scale=1.3)
    labels[ellipse() != 0] = 3
    write_png(tmp_path / "masks" / "a0.png", labels)
    result = evaluate_case(MaskFolder("fetal_head", tmp_path / "masks", items, label=3), items[0])
    assert result.dice == 1.0


def test_different_values_and_extra_masks_are_remarked(items: Items, tmp_path: Path) -> None:
    masks = write_masks(tmp_path / "masks", items[:2], value=1)
    write_masks(masks, items[2:], value=2)
    write_png(masks / "other.png", ellipse())
    folder = MaskFolder("fetal_head", masks, items)
    for item in items:
        folder.predict(Path(item["image"]))
    assert folder.extra == ["other.png"]
    assert folder.remarks == [
        "1 masks belong to no image of this section and are not scored: other.png",
        "the masks have different values (1 in a0.png, 2 in b2.png): if these are labels, give --label N",
    ]


def test_windows_have_no_masks(items: Items, tmp_path: Path) -> None:
    folder = MaskFolder("fetal_head", write_masks(tmp_path / "masks", items), items)
    with pytest.raises(ImageError, match="not to windows of images"):
        folder.predict(GreyImage(np.zeros((4, 4), np.float32)))
