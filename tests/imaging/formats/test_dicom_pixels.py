"""How pixels are stored: bits, byte orders, headers that leave out or contradict, conflicts that are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian

from tests.imaging.samples import ROWS, dicom_bytes, dicom_with_raw, picture
from usseg_monai.errors import ImageError
from usseg_monai.imaging import Limits
from usseg_monai.imaging.formats.dicom import open_dicom
from usseg_monai.imaging.frames import Frames


def frames(pixels: np.ndarray, **elements: Any) -> Frames:
    return open_dicom(dicom_bytes(pixels, **elements), Limits())


def grey(pixels: np.ndarray, **elements: Any) -> np.ndarray:
    return frames(pixels, **elements).load(0)


def rgb() -> np.ndarray:
    return np.dstack([picture(), 255 - picture(), picture() // 2])


def luma(colour: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.rint(colour @ np.array([0.299, 0.587, 0.114]))
    return result


DEEP = picture().astype("<u2") * 16  # 12 bits


def test_colours_in_planes() -> None:
    planes = rgb().transpose(2, 0, 1)
    shown = grey(rgb(), SamplesPerPixel=3, PlanarConfiguration=1, PixelData=planes.tobytes() + b"\0")
    np.testing.assert_array_equal(shown, luma(rgb()))


def test_overlay_in_the_unused_bits() -> None:
    overlay = np.where(np.indices(DEEP.shape).sum(0) % 3, 0x7000, 0x8000).astype("<u2")
    np.testing.assert_array_equal(grey(DEEP | overlay, BitsStored=12, HighBit=11), DEEP)


def test_signed_samples_in_fewer_bits() -> None:
    values = DEEP.astype("<i2") - 2048
    stored = (values.view("<u2") & 0x0FFF) | 0x5000
    np.testing.assert_array_equal(grey(stored.view("<i2"), BitsStored=12, HighBit=11), values)


@pytest.mark.parametrize("low", [0, 9])
def test_samples_aligned_to_the_left(low: int) -> None:
    np.testing.assert_array_equal(grey((DEEP << 4) | low, BitsStored=12, HighBit=15), DEEP)


def test_monochrome1_of_left_aligned_samples() -> None:
    stored = ((4095 - DEEP) << 4).astype("<u2")
    np.testing.assert_array_equal(grey(stored, BitsStored=12, HighBit=15, PhotometricInterpretation="MONOCHROME1"), DEEP)


@pytest.mark.parametrize("dtype", ["<u8", "<u4", "<u2", "u1", "<i8", "<i4", "i1"])
def test_sizes_of_samples(dtype: str) -> None:
    pixels = (picture() // 2).astype(dtype)
    np.testing.assert_array_equal(grey(pixels), pixels)
    negative = -pixels if dtype.startswith(("<i", "i")) else pixels
    np.testing.assert_array_equal(grey(negative), negative)


@pytest.mark.parametrize("dtype", [">u2", ">i2", ">u4", ">u8"])
def test_big_endian(dtype: str) -> None:
    np.testing.assert_array_equal(grey(DEEP.astype(dtype), syntax=ExplicitVRBigEndian), DEEP)


@pytest.mark.parametrize("index", [0, 1])
def test_big_endian_bytes_in_words(index: int) -> None:
    volume = np.stack([picture(), 255 - picture()])  # 1961 bytes each: the second begins within a word
    data = dicom_bytes(volume, syntax=ExplicitVRBigEndian)
    at = data.index(b"\x7f\xe0\x00\x10OB") + 12
    turned = np.frombuffer(data[at:], np.uint8).reshape(-1, 2)[:, ::-1].tobytes()
    found = open_dicom(data[: at - 8] + b"OW" + data[at - 6 : at] + turned, Limits())
    np.testing.assert_array_equal(found.load(index), volume[index])


def test_one_bit_frames_that_begin_within_a_byte() -> None:
    volume = np.stack([picture() > 100, picture() > 50, picture() > 10])
    packed = np.packbits(volume.ravel(), bitorder="little").tobytes()
    found = frames(volume.astype(np.uint8), BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=packed + b"\0" * (len(packed) % 2))
    np.testing.assert_array_equal([found.load(index) for index in range(3)], volume)


@pytest.mark.parametrize(("name", "dtype"), [("FloatPixelData", "<f4"), ("DoubleFloatPixelData", "<f8")])
def test_floating_point(name: str, dtype: str) -> None:
    from io import BytesIO

    from tests.imaging.samples import dicom_dataset

    dataset = dicom_dataset(picture(), BitsAllocated=8 * np.dtype(dtype).itemsize)
    del dataset.PixelData, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation
    setattr(dataset, name, (picture() / 7).astype(dtype).tobytes())
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    np.testing.assert_array_equal(open_dicom(file.getvalue(), Limits()).load(0), (picture() / 7).astype(np.float32))


@pytest.mark.parametrize(
    "missing",
    [
        ("BitsStored",),
        ("HighBit",),
        ("PixelRepresentation",),
        ("PhotometricInterpretation",),
        ("SamplesPerPixel",),
        ("BitsStored", "HighBit", "PixelRepresentation", "PhotometricInterpretation", "SamplesPerPixel"),
        ("BitsAllocated",),
        ("BitsAllocated", "BitsStored", "HighBit"),
    ],
)
@pytest.mark.parametrize("dtype", ["u1", "<u2"])
def test_what_the_header_leaves_out(missing: tuple[str, ...], dtype: str) -> None:
    pixels = picture().astype(dtype)
    np.testing.assert_array_equal(grey(pixels, **dict.fromkeys(missing)), pixels)


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        (0x00280101, "US", b"\x63\0"),  # BitsStored 99
        (0x00280101, "LO", b"odd "),
        (0x00280102, "US", b"\x03\0"),  # HighBit below BitsStored - 1
        (0x00280102, "US", b"\xff\xff"),
        (0x00280103, "US", b"\x07\0"),
        (0x00280103, "LO", b"none"),
        (0x00280004, "CS", b"MONOCHROME 2"),
        (0x00280004, "CS", b"monochrome2 "),
        (0x00280004, "CS", b"GRAYSCALE "),
        (0x00280004, "CS", b"RGB "),  # of one sample
        (0x00280010, "LO", str(ROWS).encode()),
        (0x00280010, "UN", ROWS.to_bytes(2, "little")),
        (0x00280010, "UL", ROWS.to_bytes(4, "little")),
        (0x00280008, "IS", b"1.0 "),
        (0x00280008, "IS", b""),
        (0x00280008, "IS", b"0 "),
        (0x00280008, "LO", b"one "),
    ],
)
def test_odd_values_of_which_one_reading_is_safe(tag: int, vr: str, value: bytes) -> None:
    names = {0x101: "BitsStored", 0x102: "HighBit", 0x103: "PixelRepresentation", 0x4: "PhotometricInterpretation", 0x10: "Rows"}
    elements = {names[tag & 0xFFFF]: None} if tag & 0xFFFF in names else {}
    found = open_dicom(dicom_with_raw(picture(), tag, vr, value, **elements), Limits())
    assert found.count == 1
    np.testing.assert_array_equal(found.load(0), picture())


@pytest.mark.parametrize(("value", "count"), [(None, 3), (b"", 3), (b"many", 3), (b"3.0 ", 3), (b"2 ", 2), (b"1 ", 1)])
def test_number_of_frames(value: bytes | None, count: int) -> None:
    volume = np.stack([picture(), picture() // 2, picture() // 3])
    data = dicom_bytes(volume, NumberOfFrames=None)
    if value is not None:
        data = dicom_with_raw(volume, 0x00280008, "IS", value, NumberOfFrames=None)
    found = open_dicom(data, Limits())
    np.testing.assert_array_equal([found.load(index) for index in range(found.count)], volume[:count])


def test_trailing_bytes_are_no_frame() -> None:
    assert frames(picture(), PixelData=picture().tobytes() + bytes(501)).count == 1


@pytest.mark.parametrize("stated", [{}, {"PlanarConfiguration": None}])
def test_colours_without_planar_configuration_lie_by_pixel(stated: dict[str, Any]) -> None:
    np.testing.assert_array_equal(grey(rgb(), SamplesPerPixel=3, **stated), luma(rgb()))


def test_colours_by_the_length_of_the_pixels_where_the_interpretation_says_less() -> None:
    even = picture()[:, :52]
    whole = np.dstack([even, np.full_like(even, 30), np.full_like(even, 200)])
    data = {"SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_FULL_422", "NumberOfFrames": 1}
    np.testing.assert_array_equal(grey(whole, **data), even)
    pairs = even.reshape(ROWS, 26, 2)
    halved = np.concatenate([pairs, np.full_like(pairs, 90)], axis=2).tobytes()
    np.testing.assert_array_equal(grey(whole, **data | {"PhotometricInterpretation": "YBR_FULL", "PixelData": halved}), even)
    with pytest.raises(ImageError, match=f"{len(halved) - 2} bytes of pixels, {len(halved)} were declared"):
        grey(whole, **data | {"PixelData": halved[:-2]})
    np.testing.assert_array_equal(grey(whole, **data | {"PixelData": halved}), even)


@pytest.mark.parametrize(
    ("interpretation", "named"), [(None, "missing"), ("MONOCHROME2", "MONOCHROME2"), ("PALETTE COLOR", "PALETTE COLOR")]
)
def test_three_samples_that_may_be_either_are_refused(interpretation: str | None, named: str) -> None:
    with pytest.raises(ImageError, match=f"3 samples per pixel, but photometric interpretation {named}: RGB or YBR"):
        grey(rgb(), SamplesPerPixel=3, PhotometricInterpretation=interpretation)


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ({"Rows": None}, "does not state Rows and Columns"),
        ({"BitsAllocated": 12}, "12 bits allocated"),
        ({"BitsAllocated": 24}, "24 bits allocated"),
        ({"PhotometricInterpretation": "HSV"}, "photometric interpretation HSV"),
        ({"PhotometricInterpretation": "MONOCHROME3"}, "photometric interpretation of no standard"),
        ({"SamplesPerPixel": 4}, "4 samples per pixel"),
        ({"BitsAllocated": 16, "BitsStored": 16, "HighBit": 15}, "1962 bytes of pixels, 3922 were declared"),
        ({"Columns": 54}, "1962 bytes of pixels, 1998 were declared"),
    ],
)
def test_what_is_refused(elements: dict[str, Any], words: str) -> None:
    with pytest.raises(ImageError, match=words):
        grey(picture(), **elements)


def test_a_frame_is_a_view_of_the_file() -> None:
    """No copy of the whole pixels: of 40 frames only one is in memory."""
    import tracemalloc

    volume = np.zeros((40, 500, 500), np.uint8)
    data = dicom_bytes(volume)
    tracemalloc.start()
    found = open_dicom(data, Limits())
    for index in range(40):
        found.load(index)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 500 * 500 * 4, peak
