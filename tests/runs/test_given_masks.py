"""Masks that come from elsewhere."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from usseg_monai.errors import ImageError
from usseg_monai.imaging import GreyImage, Limits, Region
from usseg_monai.inputs.naming import Input
from usseg_monai.measuring.result import Status
from usseg_monai.runs.given_masks import GivenMasks
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import Summary, run_batch

ROWS, COLS = np.mgrid[:64, :64]
RADII = np.array([[4, 3], [12, 8], [10, 7], [0, 0]])
"""Of the cavity in pixels, by slice and phase."""


def disc(radius: float) -> npt.NDArray[np.uint8]:
    result: npt.NDArray[np.uint8] = (np.hypot(ROWS - 30, COLS - 36) < radius).astype(np.uint8)
    return result


def label_map(radius: float) -> npt.NDArray[np.uint8]:
    """As ACDC has it: 3 the cavity, 2 the muscle, 1 the right ventricle, which is there in every slice."""
    right = (np.hypot(ROWS - 30, COLS - 12) < 6).astype(np.uint8)
    muscle = disc(radius + 3) * np.uint8(radius > 0)
    return np.where(disc(radius) > 0, 3, np.where(muscle > 0, 2, right)).astype(np.uint8)


def save_stack(path: Path, pictures: npt.NDArray[np.uint8]) -> Path:
    """Of ``(slices, phases, rows, cols)``; pixels of 1.5 mm, slices 8 mm apart."""
    image = nibabel.Nifti1Image(pictures.transpose(3, 2, 0, 1), np.diag([1.5, 1.5, 8.0, 1.0]))
    image.header.set_xyzt_units("mm", "msec")
    nibabel.save(image, path)
    return path


def stack_of(draw: object) -> npt.NDArray[np.uint8]:
    assert callable(draw)
    return np.array([[draw(radius) for radius in phases] for phases in RADII])


def measure(folder: Path, source: Path, task: str = "left_ventricle", label: int | None = None) -> tuple[Summary, list[dict[str, str]]]:
    summary = run_batch(task, [source], folder / "out", Options(save=(), threads=2, label=label), given_masks=True)
    with (folder / "out" / "results.csv").open(encoding="utf-8", newline="") as file:
        return summary, list(csv.DictReader(file))


def test_the_spacing_of_the_file_goes_before_that_of_the_user() -> None:
    masks = GivenMasks("left_ventricle")
    pixels = disc(10).astype(np.float32)
    for own, given, used in (((0.5, 0.5), (2.0, 2.0), 0.5), (None, (2.0, 2.0), 2.0), ((0.5, 0.5), None, 0.5)):
        prediction = masks.predict(GreyImage(pixels, own), spacing_mm=given)
        assert prediction.measurements["area_mm2"] == disc(10).sum() * used**2
        assert prediction.image.spacing_mm == (used, used)


def test_a_label_map_is_measured_by_the_label_that_is_named(tmp_path: Path) -> None:
    truth, _ = measure(tmp_path, save_stack(tmp_path / "cavity.nii.gz", stack_of(disc)))
    (tmp_path / "labels").mkdir()
    found, rows = measure(tmp_path, save_stack(tmp_path / "labels" / "cavity.nii.gz", stack_of(label_map)), label=3)
    volume = disc(12).sum() + disc(10).sum() + disc(4).sum()
    assert found.studies[0]["end_diastolic_volume_ml"] == pytest.approx(volume * 1.5**2 * 8 / 1000)
    assert found.studies == truth.studies
    assert [row["status"] for row in rows] == [Status.OK.value if radius else Status.EMPTY.value for radius in RADII.T.ravel()]


def test_a_label_map_without_a_label_is_refused_whole(tmp_path: Path) -> None:
    """Its last slices show the right ventricle alone, which is no plain mask of the left one."""
    summary, rows = measure(tmp_path, save_stack(tmp_path / "labels.nii.gz", stack_of(label_map)))
    assert (summary.done, summary.failed, summary.studies) == (0, 1, [])
    assert [row["status"] for row in rows] == ["failed"]
    assert rows[0]["message"] == "the mask holds the labels 1, 2, 3: say which is meant, by --label N or read_mask(label=N)"
    assert not (tmp_path / "out" / "studies.csv").exists()


def test_grey_edges_of_a_stack_are_said_in_each_row(tmp_path: Path) -> None:
    small = Image.fromarray(disc(20) * np.uint8(255)).resize((32, 32), Image.Resampling.BILINEAR)
    Image.fromarray(np.array(small.resize((64, 64), Image.Resampling.BILINEAR))).save(tmp_path / "mask.png")
    _, (row,) = measure(tmp_path, tmp_path / "mask.png")
    assert row["status"] == "ok" and float(row["area_px"]) == pytest.approx(disc(20).sum(), rel=0.02)
    assert "grey values between 0 and 255: the border is at half of the maximum (127.5)" in row["message"]


def test_files_of_different_values_are_said(tmp_path: Path) -> None:
    for name, value in (("a", 255), ("b", 3), ("c", 255)):
        Image.fromarray(disc(10) * np.uint8(value)).save(tmp_path / f"{name}.png")
    summary, rows = measure(tmp_path, tmp_path)
    assert summary.remarks == ["the masks have different values (3 in b.png, 255 in a.png): if these are labels, give --label N"]
    assert [row["message"].split("; ")[-1] for row in rows][1] == "the value of the structure is 3"
    (tmp_path / "b.png").unlink()
    assert measure(tmp_path, tmp_path)[0].remarks == []


def test_a_damaged_slice_costs_itself_and_those_behind_it(tmp_path: Path) -> None:
    whole = save_stack(tmp_path / "stack.nii", stack_of(disc))
    cut = tmp_path / "cut"
    cut.mkdir()
    (cut / "stack.nii").write_bytes(whole.read_bytes()[: 352 + 64 * 64 * 5 + 7])
    _, rows = measure(tmp_path, cut)
    assert [row["status"] for row in rows] == ["ok", "ok", "ok", "empty", "ok", "failed"]


def test_frames_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    """A file of one frame once, without waiting for others."""
    Image.fromarray(disc(10) * np.uint8(255)).save(tmp_path / "mask.png")
    frames = GivenMasks("nerve").read(Input(str(tmp_path / "mask.png"), "mask.png"), Limits())
    assert next(frames).pixels.max() == 255
    assert next(frames, None) is None


@pytest.mark.parametrize("most", [0, 5 * 64 * 64, 16 << 20])
@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.parametrize("label", [None, 3])
def test_frames_are_the_same_whether_they_are_kept_or_read_again(
    most: int, damaged: bool, label: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("usseg_monai.runs.given_masks.KEPT_PIXELS", most)
    file = save_stack(tmp_path / "stack.nii", stack_of(label_map if label else disc))
    if damaged:
        file.write_bytes(file.read_bytes()[: 352 + 64 * 64 * 5 + 7])
    frames = GivenMasks("left_ventricle", label=label).read(Input(str(file), "stack.nii"), Limits())
    expected = stack_of(disc).transpose(1, 0, 2, 3).reshape(-1, 64, 64)  # slices, then phases
    masks = GivenMasks("left_ventricle", label=label)
    for picture in expected[: 5 if damaged else None]:
        assert np.array_equal(masks.predict(next(frames)).mask, picture)
    if damaged:
        with pytest.raises(ImageError, match=r"stack\.nii"):
            next(frames)
    else:
        assert next(frames, None) is None


def test_the_region_that_holds_the_mask_says_its_scale() -> None:
    masks = GivenMasks("left_ventricle")
    left, right = Region(0, 64, 0, 10, (0.5, 0.5)), Region(0, 64, 10, 64, (0.25, 0.25))
    prediction = masks.predict(GreyImage(disc(10).astype(np.float32), regions=(left, right)), spacing_mm=(2.0, 2.0))
    assert prediction.measurements["area_mm2"] == disc(10).sum() * 0.25**2
    crossing = GreyImage(disc(10).astype(np.float32), regions=(left, replace(right, left=36)))
    prediction = masks.predict(crossing)
    assert prediction.measurements["area_mm2"] is None and "regions with different scales" in prediction.message
