"""Pixel sizes in DICOM headers, right and odd."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian

from tests.imaging.samples import COLS, ROWS, dicom_bytes, dicom_with_raw, picture, ultrasound_region
from usseg_monai.imaging import GreyImage, Region, read_image

WHOLE, LEFT, RIGHT = (0, 0, COLS - 1, ROWS - 1), (0, 0, 25, ROWS - 1), (26, 0, COLS - 1, ROWS - 1)
FINE, COARSE = (0.025, 0.05), (0.1, 0.1)


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def read(data: bytes | None = None, **elements: Any) -> GreyImage:
        path = tmp_path / "file.dcm"
        path.write_bytes(dicom_bytes(picture(), **elements) if data is None else data)
        image = read_image(path)
        np.testing.assert_array_equal(image.pixels, picture())  # no value of these costs the picture
        return image

    return read


def test_pixel_spacing(read: Any) -> None:
    assert read(PixelSpacing=[0.2, 0.3]).spacing_mm == (0.2, 0.3)
    assert read(PixelSpacing=[1, 1]).spacing_mm == (1.0, 1.0)
    assert read().spacing_mm is None
    assert read(PixelSpacing=[0, 0]).spacing_mm is None


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("DS", b"0.25\\0.5 ", (0.25, 0.5)),
        ("DS", b"0,25\\0,5 ", (0.25, 0.5)),
        ("DS", b" +2.5e-1 \\.5", (0.25, 0.5)),
        ("UT", b"0.25\\0.5", (0.25, 0.5)),
        ("UN", b"0.25\\0.5", (0.25, 0.5)),
        ("OB", b"0.25\\0.5", (0.25, 0.5)),
        ("LO", b"0.25\\0.5", (0.25, 0.5)),
        ("FD", np.array([0.25, 0.5]).tobytes(), (0.25, 0.5)),
        ("DS", b"0.25", None),
        ("DS", b"0.25\\0.5\\0.5", None),
        ("DS", b"1.2,3\\0.5", None),
        ("DS", b"nan\\0.5", None),
        ("DS", b"inf\\inf", None),
        ("DS", b"x\\y ", None),
        ("DS", b"0x1\\0x1", None),
        ("DS", b"1_0\\1_0", None),
        ("DS", b"\\", None),
        ("DS", b"", None),
        ("DS", b"-0.25\\0.5", None),
        ("FD", b"\0\0\0", None),
        ("FD", np.array([np.nan, 0.5]).tobytes(), None),
        ("DS", b"\xff\xfe\\\xff", None),
    ],
)
def test_odd_pixel_spacing(vr: str, value: bytes, expected: tuple[float, float] | None, read: Any) -> None:
    assert read(dicom_with_raw(picture(), 0x00280030, vr, value)).spacing_mm == expected


def test_a_sequence_in_the_place_of_numbers(read: Any) -> None:
    assert read(dicom_with_raw(picture(), 0x00280030, "SQ", b"")).spacing_mm is None
    assert read(dicom_with_raw(picture(), 0x00186011, "LO", b"0.25\\0.5")).spacing_mm is None


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        ([ultrasound_region(WHOLE, FINE)], (0.25, 0.5)),
        ([ultrasound_region(LEFT, FINE)], (0.25, 0.5)),
        ([ultrasound_region(WHOLE, (-0.025, 0.05))], (0.25, 0.5)),  # y may run upwards
        ([ultrasound_region(LEFT, FINE), ultrasound_region(RIGHT, FINE)], (0.25, 0.5)),
        ([ultrasound_region(LEFT, FINE), ultrasound_region(RIGHT, (0.0251, 0.0501))], (0.25, 0.5)),
        ([ultrasound_region(RIGHT, COARSE, units=4), ultrasound_region(LEFT, FINE)], (0.25, 0.5)),  # seconds
        ([ultrasound_region(RIGHT, COARSE, spatial_format=2), ultrasound_region(LEFT, FINE)], (0.25, 0.5)),  # M-mode
        ([ultrasound_region(RIGHT, COARSE, spatial_format=3), ultrasound_region(LEFT, FINE)], (0.25, 0.5)),  # a spectrum
        ([ultrasound_region(WHOLE, FINE), ultrasound_region(LEFT, COARSE, data_type=2)], (0.25, 0.5)),  # colour flow over tissue
        ([ultrasound_region(LEFT, FINE), ultrasound_region(RIGHT, COARSE, data_type=3)], (0.25, 0.5)),  # a trace
        ([ultrasound_region(LEFT, FINE, data_type=2)], (0.25, 0.5)),
        ([ultrasound_region((900, 900, 999, 999), COARSE), ultrasound_region(LEFT, FINE)], (0.25, 0.5)),  # outside of the picture
        ([ultrasound_region((0, 0, 999, 999), FINE)], (0.25, 0.5)),
        ([ultrasound_region((900, 900, 999, 999), FINE)], None),
        ([ultrasound_region((40, 30, 10, 10), FINE)], None),
        ([ultrasound_region(WHOLE, (0.0, 0.1))], None),
        ([ultrasound_region(WHOLE, COARSE, units=0)], None),
    ],
)
def test_regions_of_one_scale(regions: list[Dataset], expected: tuple[float, float] | None, read: Any) -> None:
    image = read(SequenceOfUltrasoundRegions=Sequence(regions))
    assert image.spacing_mm == (None if expected is None else pytest.approx(expected))
    assert all(region.spacing_mm == image.spacing_mm for region in image.regions)


def test_regions_that_do_not_fill_the_picture_say_where_their_scale_holds(read: Any) -> None:
    assert read(SequenceOfUltrasoundRegions=Sequence([ultrasound_region(WHOLE, FINE)])).regions == ()
    image = read(SequenceOfUltrasoundRegions=Sequence([ultrasound_region((1, 2, 25, 99), FINE)]))
    assert image.spacing_mm == (0.25, 0.5) and image.regions == (Region(2, ROWS, 1, 26, (0.25, 0.5)),)


def test_regions_of_unknown_vr(read: Any) -> None:
    """As archives write them that do not know the element: the items are of Implicit VR then."""
    implicit = dicom_bytes(picture(), syntax=ImplicitVRLittleEndian, SequenceOfUltrasoundRegions=Sequence([ultrasound_region(WHOLE, FINE)]))
    at = implicit.index(b"\x18\0\x11\x60") + 8
    regions = implicit[at : at + int.from_bytes(implicit[at - 4 : at], "little")]
    assert read(dicom_with_raw(picture(), 0x00186011, "UN", regions)).spacing_mm == pytest.approx((0.25, 0.5))


def test_regions_of_several_scales(read: Any) -> None:
    image = read(SequenceOfUltrasoundRegions=Sequence([ultrasound_region(LEFT, COARSE), ultrasound_region(RIGHT, FINE)]))
    assert image.spacing_mm is None
    assert image.regions == (Region(0, ROWS, 0, 26, (1.0, 1.0)), Region(0, ROWS, 26, COLS, (0.25, 0.5)))


def test_a_view_whose_scale_is_not_known_beside_one_whose_is(read: Any) -> None:
    image = read(SequenceOfUltrasoundRegions=Sequence([ultrasound_region(LEFT, FINE), ultrasound_region(RIGHT, COARSE, units=0)]))
    assert image.spacing_mm is None and image.regions == (Region(0, ROWS, 0, 26, (0.25, 0.5)),)


@pytest.mark.parametrize("missing", ["PhysicalDeltaX", "PhysicalDeltaY", "PhysicalUnitsXDirection"])
def test_a_region_without_scale(missing: str, read: Any) -> None:
    region = ultrasound_region(WHOLE, FINE)
    delattr(region, missing)
    assert read(SequenceOfUltrasoundRegions=Sequence([region])).spacing_mm is None
    assert read(SequenceOfUltrasoundRegions=Sequence([region]), PixelSpacing=[0.2, 0.3]).spacing_mm == (0.2, 0.3)


@pytest.mark.parametrize("missing", ["RegionLocationMinX0", "RegionLocationMaxY1", "RegionSpatialFormat", "RegionDataType"])
def test_a_region_that_leaves_out_what_can_be_done_without(missing: str, read: Any) -> None:
    region = ultrasound_region(WHOLE, FINE)
    delattr(region, missing)
    assert read(SequenceOfUltrasoundRegions=Sequence([region])).spacing_mm == pytest.approx((0.25, 0.5))


@pytest.mark.parametrize("tag", [0x0018602C, 0x00186018, 0x00186024])
def test_text_in_a_region(tag: int, read: Any) -> None:
    region = ultrasound_region(WHOLE, FINE)
    region.add_new(tag, "LO", "nothing")
    spacing = read(SequenceOfUltrasoundRegions=Sequence([region])).spacing_mm
    assert spacing == (pytest.approx((0.25, 0.5)) if tag == 0x00186018 else None)


def test_regions_come_before_pixel_spacing(read: Any) -> None:
    regions = Sequence([ultrasound_region(WHOLE, FINE)])
    assert read(PixelSpacing=[9, 9], SequenceOfUltrasoundRegions=regions).spacing_mm == pytest.approx((0.25, 0.5))


@pytest.mark.parametrize(
    ("other_cm", "same"), [(0.01 * 1.0049, True), (0.01 * 1.0051, False), (0.01 * 0.9951, True), (0.01 * 0.9949, False)]
)
def test_scales_within_half_a_percent_are_one(other_cm: float, same: bool, read: Any) -> None:
    regions = [ultrasound_region(LEFT, (0.01, 0.01)), ultrasound_region(RIGHT, (other_cm, 0.01))]
    image = read(SequenceOfUltrasoundRegions=Sequence(regions))
    assert (image.spacing_mm == (0.1, 0.1), len({region.spacing_mm for region in image.regions}) == 2) == (same, not same)


@pytest.mark.parametrize(("before", "counted"), [(99, True), (100, False)])
def test_a_hundred_regions_are_read(before: int, counted: bool, read: Any) -> None:
    regions = [*(ultrasound_region(LEFT, FINE, spatial_format=2) for _ in range(before)), ultrasound_region(WHOLE, FINE)]
    assert (read(SequenceOfUltrasoundRegions=Sequence(regions)).spacing_mm == (0.25, 0.5)) == counted
