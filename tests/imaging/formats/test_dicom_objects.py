"""Objects that hold no picture, by class, by modality, by what they lack."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from tests.imaging.samples import dicom_bytes, dicom_dataset, picture
from usseg_monai.errors import ImageError, NoPictureError
from usseg_monai.imaging import Limits
from usseg_monai.imaging.formats.dicom import open_dicom
from usseg_monai.imaging.formats.dicom_objects import object_without_picture

STORAGE = "1.2.840.10008.5.1.4.1.1."


@pytest.mark.parametrize(
    ("sop_class", "words"),
    [
        ("1.2.840.10008.1.3.10", "DICOMDIR"),
        (f"{STORAGE}88.11", "structured report"),
        (f"{STORAGE}88.33", "structured report"),
        (f"{STORAGE}88.59", "key object selection"),
        (f"{STORAGE}11.1", "presentation state"),
        (f"{STORAGE}104.1", "encapsulated PDF"),
        (f"{STORAGE}104.2", "CDA"),
        (f"{STORAGE}104.3", "STL"),
        (f"{STORAGE}481.2", "radiotherapy dose"),
        (f"{STORAGE}481.3", "radiotherapy structure set"),
        (f"{STORAGE}481.5", "radiotherapy plan"),
        (f"{STORAGE}66.4", "segmentation"),
        (f"{STORAGE}66.7", "segmentation"),
        (f"{STORAGE}66", "raw data"),
        (f"{STORAGE}66.1", "registration"),
        (f"{STORAGE}30", "parametric map"),
        (f"{STORAGE}9.1.1", "waveform"),
    ],
)
def test_classes(sop_class: str, words: str) -> None:
    """Their pixels, where there are some, are no picture."""
    data = dicom_bytes(picture(), SOPClassUID=sop_class, Modality="US")
    with pytest.raises(NoPictureError, match=words):
        open_dicom(data, Limits())


@pytest.mark.parametrize("number", ["1", "2", "2.1", "3.1", "4", "4.1", "6.1", "6.2", "7", "7.2", "12.1", "20", "77.1.4", "128", "481.1"])
def test_pictures(number: str) -> None:
    assert object_without_picture(f"{STORAGE}{number}", "SR") is None


@pytest.mark.parametrize(("modality", "words"), [("SR", "structured report"), ("SEG", "segmentation"), ("KO", "key object"), ("US", None)])
@pytest.mark.parametrize("sop_class", ["", "1.3.12.2.1107.5.9.1"])
def test_by_modality_where_the_class_is_not_known(sop_class: str, modality: str, words: str | None) -> None:
    found = object_without_picture(sop_class, modality)
    assert found is None if words is None else words in str(found)


def written(dataset: Any) -> bytes:
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


@pytest.mark.parametrize(
    ("sop_class", "error", "words"),
    [
        (f"{STORAGE}6.1", ImageError, "no PixelData.*may be cut"),
        ("", ImageError, "no PixelData.*may be cut"),
        ("1.3.12.2.1107.5.9.1", NoPictureError, "a manufacturer's own class"),
    ],
)
def test_without_pixels(sop_class: str, error: type[ImageError], words: str) -> None:
    """An image without pixels was cut, which is a failure; objects of manufacturers lie beside images and are skipped."""
    dataset = dicom_dataset(picture(), SOPClassUID=sop_class, Modality="MR")
    del dataset.PixelData
    dataset.file_meta.MediaStorageSOPClassUID = sop_class
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=bool(sop_class))
    with pytest.raises(error, match=words) as caught:
        open_dicom(file.getvalue(), Limits())
    assert type(caught.value) is error


def test_the_class_of_the_file_meta_information_counts_where_the_data_set_has_none() -> None:
    dataset = dicom_dataset(picture())
    dataset.file_meta.MediaStorageSOPClassUID = f"{STORAGE}66.4"
    del dataset.SOPClassUID
    with pytest.raises(NoPictureError, match="segmentation"):
        open_dicom(written(dataset), Limits())


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ({"ImageType": ["DERIVED", "SECONDARY"]}, "made from other images"),
        ({"ConversionType": "SD", "Modality": "US"}, "a scanned document"),
        ({"ConversionType": "DRW", "SOPClassUID": f"{STORAGE}7.4"}, "a drawing"),
        ({"ConversionType": "SYN", "ImageType": ["ORIGINAL", "SECONDARY"]}, "a synthetic image"),
        ({"ManufacturerModelName": "usseg-monai", "SOPClassUID": f"{STORAGE}6.1"}, "usseg-monai made"),
    ],
)
def test_captures_made_from_other_images(elements: dict[str, Any], words: str) -> None:
    with pytest.raises(NoPictureError, match=words):
        open_dicom(dicom_bytes(picture(), **{"SOPClassUID": f"{STORAGE}7", **elements}), Limits())


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"ImageType": ["ORIGINAL", "SECONDARY"], "ConversionType": "DV"},  # a frame grabber
        {"ConversionType": "WSD"},  # what img2dcm of dcmtk makes of pictures
        {"ImageType": ["DERIVED", "PRIMARY"], "SOPClassUID": f"{STORAGE}6.1"},  # ultrasound, such as compressed again by an archive
        {"ConversionType": "SYN", "SOPClassUID": f"{STORAGE}70.1"},
        {"ManufacturerModelName": "usseg-monai 2"},
    ],
)
def test_captures_of_scanners_are_pictures(elements: dict[str, Any]) -> None:
    assert open_dicom(dicom_bytes(picture(), **{"SOPClassUID": f"{STORAGE}7", **elements}), Limits()).count == 1
