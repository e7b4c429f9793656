"""Masks as files, read back; contours and numbers."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from tests.imaging.samples import dicom_bytes, itk_bytes, nifti_bytes
from tests.tiny import StubEngine, ellipse, save_picture
from usseg_monai import Predictor, read_image, read_mask
from usseg_monai.errors import UsageError
from usseg_monai.label_app.answer import EXTENSIONS, answer, write_mask
from usseg_monai.predict.prediction import Prediction
from usseg_monai.tasks import TASKS

MASK = ellipse()


@pytest.fixture
def head(tmp_path: Path) -> Prediction:
    predictor = Predictor("fetal_head")
    predictor.engine = StubEngine()
    ring = ellipse() * np.uint8(200)
    ring[25:30, 45:60] = 0
    return predictor.predict(save_picture(tmp_path / "head.png", ring), spacing_mm=0.5)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_masks_come_back_as_they_were(tmp_path: Path, extension: str) -> None:
    file = tmp_path / f"mask{extension}"
    write_mask(MASK, read_image(save_picture(tmp_path / "image.png")), file)
    assert np.array_equal(read_mask(file), MASK)


def test_nrrd_as_itk_reads_it(tmp_path: Path) -> None:
    import itk

    source = tmp_path / "image.dcm"
    placed = {"ImagePositionPatient": [1, 2, 3], "ImageOrientationPatient": [0, 1, 0, 0, 0, -1], "Modality": "MR"}
    source.write_bytes(dicom_bytes(MASK * 99, PixelSpacing=[0.5, 0.25], **placed))
    write_mask(MASK, read_image(source), tmp_path / "mask.nrrd")
    read = itk.imread(str(tmp_path / "mask.nrrd"))
    assert read.GetImageDimension() == 3 and np.array_equal(itk.array_from_image(read)[0], MASK)
    assert list(read.GetSpacing()) == pytest.approx([0.25, 0.5, 1]) and list(read.GetOrigin()) == pytest.approx([1, 2, 3])
    assert np.asarray(read.GetDirection()) == pytest.approx(np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]]))


def test_nrrd_of_a_nifti_picture_lies_where_the_picture_lies(tmp_path: Path) -> None:
    source = tmp_path / "image.nii"
    affine = np.array([[-0.5, 0, 0, 4], [0, -0.25, 0, 5], [0, 0, 2, 6], [0, 0, 0, 1.0]])
    nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(MASK.T[..., None]), affine), source)
    write_mask(MASK, read_image(source), tmp_path / "mask.nrrd")
    header = (tmp_path / "mask.nrrd").read_bytes().partition(b"\n\n")[0].decode()
    assert "space directions: (0.5,0,0) (0,0.25,0) (0,0,2)" in header and "space origin: (-4,-5,6)" in header
    assert np.array_equal(read_mask(tmp_path / "mask.nrrd"), read_mask(source))


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.nrrd, \.nii\.gz, \.png"):
        write_mask(MASK, read_image(save_picture(tmp_path / "image.png")), tmp_path / "mask.gif")


def test_contours_are_outer_ones_and_holes(head: Prediction) -> None:
    numbers = answer(head)
    assert [contour["hole"] for contour in numbers["contours"]] == [False, True]
    (element,) = numbers["annotations"][0]["annotation"]["elements"]
    assert element["label"] == "fetal head" and len(element["contours"]) == 1
    cols, rows = np.array(numbers["contours"][1]["points"]).T
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (24.5, 29.5, 44.5, 59.5)


def test_numbers_are_json_with_names_and_units(head: Prediction) -> None:
    numbers = json.loads(json.dumps(answer(head), allow_nan=False))
    assert numbers["label_names"] == {"fetal head": 1} and numbers["model"] == "fetal_head"
    assert numbers["measurements"]["head_circumference_mm"] > 0 and numbers["units"]["head_circumference_mm"] == "mm"
    assert numbers["presence"] == {"found": True, "probability": None} and numbers["class_probabilities"] == {}
    assert set(numbers["units"].values()) <= {"mm", "mm²", "px", "%", "weeks", "°", "g", "ml"}


def test_an_empty_mask_has_no_contours(head: Prediction) -> None:
    nothing = np.zeros_like(head.mask)
    empty = Prediction(head.image, nothing, head.probability, TASKS["nerve"].measure(nothing, None), TASKS["nerve"])
    numbers = answer(empty)
    assert numbers["contours"] == [] and numbers["annotations"][0]["annotation"]["elements"] == []
    assert numbers["presence"]["found"] is False


def test_formats_of_other_programs_are_on_our_grid(tmp_path: Path) -> None:
    """What `write_mask` writes, others write too: both are read alike."""
    for name, content in (("a.nrrd", itk_bytes(MASK[None], ".nrrd", spacing_mm=(1, 1, 1))), ("a.nii", nifti_bytes(MASK))):
        (tmp_path / name).write_bytes(content)
        assert np.array_equal(read_mask(tmp_path / name), MASK)
