"""Masks as NIfTI on the grid of their pictures, and measured again, corrected or not."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image

from tests.imaging.samples import dicom_bytes
from usseg_monai.imaging import read_frames
from usseg_monai.runs.merge import merge_shards
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import Summary, run_batch
from usseg_monai.runs.shards import Shard

ROWS, COLS = np.mgrid[:60, :64]
RADII = np.array([[4, 3, 4], [12, 8, 10], [10, 7, 9], [0, 0, 0]])
"""Of the cavity in pixels, by slice and phase."""

SPACING, DISTANCE = (1.25, 1.5), 9.0
ACROSS = np.array([1.0, 2.0, 2.0]) / 3
ALONG, DOWN = np.array([2.0, -2.0, 1.0]) / 3, np.array([2.0, 1.0, -2.0]) / 3
ORIGIN = np.array([10.0, -20.0, 30.0])
VOLUMES = ("end_diastolic_volume_ml", "end_systolic_volume_ml", "ejection_fraction_percent", "slices", "phases")


def disc(radius: float) -> np.ndarray:
    result: np.ndarray = (np.hypot(ROWS - 30, COLS - 36) < radius).astype(np.uint8)
    return result


def write_cine(folder: Path, spacing: tuple[float, float] = SPACING, uid: str = "1.2.3") -> Path:
    """DICOM slices, oblique in the patient, with names that say nothing."""
    folder.mkdir(parents=True)
    for slice_, phases in enumerate(RADII):
        for phase, radius in enumerate(phases):
            header = {
                "Modality": "MR",
                "StudyInstanceUID": uid,
                "SeriesInstanceUID": f"{uid}.4",
                "SOPInstanceUID": f"{uid}.4.{slice_}.{phase}",
                "ImagePositionPatient": [float(f"{value:.5f}") for value in ORIGIN + slice_ * DISTANCE * ACROSS],
                "ImageOrientationPatient": [float(f"{value:.8f}") for value in (*ALONG, *DOWN)],
                "PixelSpacing": list(spacing),
                "TriggerTime": 300.0 * phase,
            }
            (folder / f"{(slice_ * 5 + phase * 7) % 31:02d}.dcm").write_bytes(dicom_bytes(disc(radius) * 200, **header))
    return folder


def voxels() -> np.ndarray:
    """``(cols, rows, slices, phases)``."""
    result: np.ndarray = np.array([[disc(radius).T for radius in phases] for phases in RADII]).transpose(2, 3, 0, 1)
    return result


def run(source: Path, out: Path, task: str = "left_ventricle", **options: Any) -> Summary:
    return run_batch(task, [source], out, Options(**{"threads": 2, "save": ("nifti",), **options}), given_masks=True)


def volumes(summary: Summary) -> list[Any]:
    (study,) = summary.studies
    return [study[name] for name in VOLUMES]


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "results.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("spacing", [SPACING, (1.0, 1.0)])
def test_a_dicom_cine_becomes_one_file_in_the_patient(spacing: tuple[float, float], tmp_path: Path) -> None:
    truth = volumes(run(write_cine(tmp_path / "in" / "heart", spacing), tmp_path / "out"))
    (file,) = (tmp_path / "out" / "nifti").rglob("*.nii.gz")
    assert file.relative_to(tmp_path / "out").as_posix() == "nifti/heart.nii.gz"
    image = nibabel.load(file)
    assert np.array_equal(np.asanyarray(image.dataobj), voxels()) and image.get_data_dtype() == np.uint8
    row, col, slice_ = 7, 20, 2
    place = ORIGIN + col * spacing[1] * ALONG + row * spacing[0] * DOWN + slice_ * DISTANCE * ACROSS
    assert (image.affine @ (col, row, slice_, 1))[:3] == pytest.approx(place * (-1, -1, 1), abs=1e-3)
    assert image.header.get_qform() == pytest.approx(image.affine, abs=1e-3)
    assert image.header.get_xyzt_units() == ("mm", "msec") and image.header.get_zooms()[3] == 300
    again = run(tmp_path / "out" / "nifti", tmp_path / "again", save=())
    assert volumes(again) == pytest.approx(truth, rel=1e-5) and again.studies[0]["study"] == "heart"


def test_a_nifti_cine_keeps_its_grid(tmp_path: Path) -> None:
    affine = np.eye(4)
    affine[:3] = np.stack([-1.1 * ALONG, 1.2 * DOWN, 8.9 * ACROSS, (40, -50, 60)], axis=1)
    image = nibabel.Nifti1Image(voxels() * np.int16(200), affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = 0.04
    image.header["descrip"] = b"Name of a patient"
    image.set_qform(np.diag([1.3, 1.3, 9.0, 1.0]), code=1)  # contradicts the sform, and is kept as it is
    (tmp_path / "in" / "a").mkdir(parents=True)
    nibabel.save(image, tmp_path / "in" / "a" / "heart.nii.gz")
    truth = volumes(run(tmp_path / "in", tmp_path / "out"))
    written = nibabel.load(tmp_path / "out" / "nifti" / "a" / "heart.nii.gz")
    assert np.array_equal(np.asanyarray(written.dataobj), voxels())
    assert np.array_equal(written.affine, nibabel.load(tmp_path / "in" / "a" / "heart.nii.gz").affine)
    for name in ("pixdim", "qform_code", "sform_code", "quatern_b", "qoffset_x", "srow_y", "xyzt_units"):
        assert np.array_equal(written.header[name], image.header[name]), name
    assert written.header["descrip"].item() == b""
    again = run(tmp_path / "out" / "nifti", tmp_path / "again", save=())
    assert volumes(again) == pytest.approx(truth, rel=1e-6) and again.studies[0]["study"] == "a/heart"


@pytest.mark.parametrize("order", [(0, 2, 1, 3), (2, 0, 1, 3), (2, 1, 0, 3)])
def test_slices_along_any_axis_come_back_to_it(order: tuple[int, ...], tmp_path: Path) -> None:
    moved = voxels().transpose(order)
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for axis, old in enumerate(order[:3]):
        affine[old, axis] = (-1.25, -1.5, 9.0)[old]
    (tmp_path / "in").mkdir()
    nibabel.save(nibabel.Nifti1Image(moved * np.uint8(255), affine), tmp_path / "in" / "heart.nii")
    run(tmp_path / "in", tmp_path / "out")
    written = nibabel.load(tmp_path / "out" / "nifti" / "heart.nii.gz")
    assert np.array_equal(np.asanyarray(written.dataobj), moved) and np.array_equal(written.affine, affine)


def test_a_corrected_mask_counts(tmp_path: Path) -> None:
    truth = volumes(run(write_cine(tmp_path / "in" / "heart"), tmp_path / "out"))
    file = tmp_path / "out" / "nifti" / "heart.nii.gz"
    image = nibabel.load(file)
    corrected = np.array(image.dataobj)
    corrected[:, :, 1, 0] = disc(14).T
    nibabel.save(nibabel.Nifti1Image(corrected, image.affine, image.header), file)
    more = (int(disc(14).sum()) - int(disc(12).sum())) * SPACING[0] * SPACING[1] * DISTANCE / 1000
    again = volumes(run(tmp_path / "out" / "nifti", tmp_path / "again", save=()))
    assert again[:2] == pytest.approx([truth[0] + more, truth[1]], rel=1e-5)


def test_phases_in_files_of_their_own_stay_so(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for phase in range(2):
        image = nibabel.Nifti1Image(voxels()[..., phase], np.diag([1.5, 1.25, 9, 1]))
        nibabel.save(image, tmp_path / "in" / f"p1_frame{phase + 1:02d}.nii.gz")
    truth = volumes(run(tmp_path / "in", tmp_path / "out"))
    assert sorted(file.name for file in (tmp_path / "out" / "nifti").iterdir()) == ["p1_frame01.nii.gz", "p1_frame02.nii.gz"]
    assert volumes(run(tmp_path / "out" / "nifti", tmp_path / "again", save=())) == pytest.approx(truth, rel=1e-6)


def test_pictures_alone_have_their_pixel_size(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    big = np.kron(disc(12), np.ones((3, 3), np.uint8)) * np.uint8(255)
    Image.fromarray(big).save(tmp_path / "in" / "still.png")
    pages = [Image.fromarray(big), Image.fromarray(big[::-1])]
    pages[0].save(tmp_path / "in" / "cine.tif", save_all=True, append_images=pages[1:])
    (tmp_path / "in" / "us.dcm").write_bytes(dicom_bytes(big, Modality="US", PixelSpacing=[0.2, 0.2]))
    run(tmp_path / "in", tmp_path / "out", "nerve", spacing_mm=(0.1, 0.3))
    still, cine, us = (nibabel.load(tmp_path / "out" / "nifti" / f"{name}.nii.gz") for name in ("still", "cine", "us"))
    assert still.shape == us.shape == (192, 180, 1) and cine.shape == (192, 180, 1, 2)
    assert np.array_equal(np.asanyarray(cine.dataobj)[:, :, 0, 1], big[::-1].T > 0)
    assert still.header.get_zooms()[:2] == pytest.approx((0.3, 0.1)) and us.header.get_zooms()[:2] == pytest.approx((0.2, 0.2))
    run(tmp_path / "out" / "nifti", tmp_path / "again", "nerve", save=())
    assert sorted(row["area_mm2"] for row in rows(tmp_path / "again")) == sorted(row["area_mm2"] for row in rows(tmp_path / "out"))


def test_a_size_that_is_not_known_stays_so(tmp_path: Path) -> None:
    Image.fromarray(disc(12) * np.uint8(255)).save(tmp_path / "still.png")
    run(tmp_path / "still.png", tmp_path / "out", "nerve")
    (image,) = read_frames(tmp_path / "out" / "nifti" / "still.nii.gz")
    assert image.spacing_mm is None


def test_a_stack_that_is_not_whole_has_no_file(tmp_path: Path) -> None:
    folder = write_cine(tmp_path / "in" / "heart")
    (folder / "00.dcm").unlink()
    run(folder, tmp_path / "out")
    assert list((tmp_path / "out" / "nifti").rglob("*.nii.gz")) == []


def test_resume_makes_what_is_missing_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_cine(tmp_path / "in" / "heart")
    for name in ("one", "two"):
        nibabel.save(nibabel.Nifti1Image(voxels() * np.uint8(255), np.diag([1.5, 1.25, 9, 1])), tmp_path / "in" / f"{name}.nii.gz")
    run(tmp_path / "in", tmp_path / "out")
    files = {name: tmp_path / "out" / "nifti" / f"{name}.nii.gz" for name in ("heart", "one", "two")}
    before = {name: file.read_bytes() for name, file in files.items()}
    files["one"].unlink()
    files["heart"].unlink()
    again = run(tmp_path / "in", tmp_path / "out", resume=True)
    assert (again.done, again.skipped) == (1, 13)
    assert {name: file.read_bytes() for name, file in files.items()} == before
    (tmp_path / "in" / "two.nii.gz").unlink()
    run(tmp_path / "in", tmp_path / "out", save=("mask", "nifti"))
    assert sorted(file.name for file in (tmp_path / "out" / "nifti").iterdir()) == ["heart.nii.gz", "one.nii.gz"]
    run(tmp_path / "in" / "one.nii.gz", tmp_path / "out", save=())
    assert not (tmp_path / "out" / "nifti").exists()


def test_shards_are_merged_with_their_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_cine(tmp_path / "in" / name, uid=f"1.2.{ord(name)}")
    run(tmp_path / "in", tmp_path / "whole")
    folders = [tmp_path / f"out.{index}" for index in (1, 2)]
    for index, folder in enumerate(folders, 1):
        run(tmp_path / "in", folder, shard=Shard(index, 2))
    merge_shards(folders, tmp_path / "merged")
    for name in ("a", "b"):
        file = f"nifti/{name}.nii.gz"
        assert (tmp_path / "merged" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


def test_a_mask_that_was_changed_in_size_is_said(tmp_path: Path) -> None:
    write_cine(tmp_path / "in" / "heart")
    run(tmp_path / "in", tmp_path / "out")
    Image.fromarray(np.zeros((30, 30), np.uint8)).save(tmp_path / "out" / "masks" / "heart" / "05.png")
    summary = run(tmp_path / "in", tmp_path / "out", resume=True)
    assert summary.remarks == ["no NIfTI file for the masks of heart: a mask has 30 x 30 pixels, its picture 60 x 64"]
    assert not (tmp_path / "out" / "nifti" / "heart.nii.gz").exists()
