"""Compressed frames: bits, colours, boxes, and what is said where no library decodes a kind."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from tests.imaging.formats.test_codestream import SCAN, box, segment
from tests.imaging.samples import dicom_bytes, dicom_compressed_bytes, picture, pillow_bytes
from usseg_monai.errors import ImageError
from usseg_monai.imaging import Limits
from usseg_monai.imaging.formats.dicom import open_dicom
from usseg_monai.imaging.formats.dicom_codecs import unread_syntax

BASELINE, EXTENDED, LOSSLESS, JPEG_LS = (f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 80))
JPEG_2000, HIGH_THROUGHPUT, ENCAPSULATED = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.1.98"
DEEP = picture().astype("<u2") * 16

needs_jpeg_2000 = pytest.mark.skipif(not features.check("jpg_2000"), reason="this Pillow was built without OpenJPEG")
without_codecs = pytest.mark.skipif(find_spec("gdcm") is not None, reason="the extra codecs is installed")


def grey(frame: bytes, pixels: np.ndarray, syntax: str, **elements: Any) -> np.ndarray:
    return open_dicom(dicom_compressed_bytes([frame], pixels, syntax, **elements), Limits()).load(0)


def rgb() -> np.ndarray:
    return np.dstack([picture(), picture()[::-1], picture()[:, ::-1]])


def luma(colour: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.rint(colour @ np.array([0.299, 0.587, 0.114]))
    return result


@needs_jpeg_2000
def test_overlay_in_the_unused_bits_of_jpeg_2000() -> None:
    overlay = np.where(picture() % 2, 0x8000, 0x1000).astype("<u2")
    frame = pillow_bytes(Image.fromarray(DEEP | overlay), "JPEG2000", no_jp2=True, irreversible=False)
    np.testing.assert_array_equal(grey(frame, DEEP, JPEG_2000, BitsStored=12, HighBit=11), DEEP)


@needs_jpeg_2000
def test_left_aligned_samples_in_jpeg_2000() -> None:
    frame = pillow_bytes(Image.fromarray(DEEP << 4), "JPEG2000", no_jp2=True, irreversible=False)
    np.testing.assert_array_equal(grey(frame, DEEP, JPEG_2000, BitsStored=12, HighBit=15), DEEP)


@needs_jpeg_2000
def test_boxes_around_jpeg_2000() -> None:
    bare = pillow_bytes(picture(), "JPEG2000", no_jp2=True)
    whole = pillow_bytes(picture(), "JPEG2000")
    start = box(b"jP  ", b"\r\n\x87\n")
    for frame in (whole, start + box(b"uuid", bytes(5000)) + box(b"jp2c", bare), start + box(b"jp2c", bare) + box(b"free", bare)):
        np.testing.assert_array_equal(grey(frame, picture(), JPEG_2000), picture())


@needs_jpeg_2000
@pytest.mark.parametrize(("interpretation", "wanted"), [("RGB", luma(rgb())), ("YBR_RCT", luma(rgb())), ("YBR_FULL", picture())])
def test_colours_of_jpeg_2000(interpretation: str, wanted: np.ndarray) -> None:
    frame = pillow_bytes(rgb(), "JPEG2000", no_jp2=True)
    found = grey(frame, rgb(), JPEG_2000, SamplesPerPixel=3, PhotometricInterpretation=interpretation)
    np.testing.assert_array_equal(found, wanted)


@needs_jpeg_2000
def test_the_size_that_the_decoder_takes_counts() -> None:
    huge = pillow_bytes(np.zeros((2000, 3000), np.uint8), "JPEG2000", no_jp2=True)
    small = pillow_bytes(picture(), "JPEG2000", no_jp2=True)
    frame = box(b"jP  ", b"\r\n\x87\n") + box(b"free", small) + box(b"jp2c", huge)
    with pytest.raises(ImageError, match="compressed as 2000 x 3000 pixels, 37 x 53 were declared"):
        grey(frame, picture(), JPEG_2000)


def test_eight_bits_in_sixteen() -> None:
    frame = pillow_bytes(picture(), "JPEG", quality=100)
    wanted = np.asarray(Image.open(__import__("io").BytesIO(frame)))
    for stored in (8, 12, 16):
        found = grey(frame, DEEP, BASELINE, BitsStored=stored, HighBit=stored - 1)
        np.testing.assert_array_equal(found, wanted)
    inverted = grey(frame, DEEP, BASELINE, BitsStored=8, HighBit=7, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(inverted, 255.0 - wanted)


@pytest.mark.parametrize("interpretation", ["RGB", "YBR_FULL_422", "YBR_FULL", "MONOCHROME2", None])
@pytest.mark.parametrize("keep_rgb", [True, False])
def test_a_jpeg_that_says_its_colours_is_believed(keep_rgb: bool, interpretation: str | None) -> None:
    frame = pillow_bytes(rgb(), "JPEG", quality=100, subsampling=0, keep_rgb=keep_rgb)
    found = grey(frame, rgb(), BASELINE, SamplesPerPixel=3, PhotometricInterpretation=interpretation)
    assert np.abs(found - luma(rgb())).max() <= 3


@pytest.mark.parametrize(("interpretation", "wanted"), [("RGB", luma(rgb())), ("YBR_FULL_422", picture())])
def test_a_jpeg_that_does_not_say_its_colours_is_what_the_header_says(interpretation: str, wanted: np.ndarray) -> None:
    """Three components as they are, without JFIF and Adobe segments."""
    image = Image.frombytes("YCbCr", (rgb().shape[1], rgb().shape[0]), rgb().tobytes())
    frame = pillow_bytes(image, "JPEG", quality=100, subsampling=0)
    assert frame[2:4] == b"\xff\xe0"
    frame = frame[:2] + frame[4 + int.from_bytes(frame[4:6], "big") :]
    found = grey(frame, rgb(), BASELINE, SamplesPerPixel=3, PhotometricInterpretation=interpretation)
    assert np.abs(found - wanted).max() <= 3


def test_samples_a_pixel_are_those_of_the_codestream() -> None:
    frame = pillow_bytes(picture(), "JPEG", quality=100)
    found = grey(frame, rgb(), BASELINE, SamplesPerPixel=3, PhotometricInterpretation="MONOCHROME2")
    assert np.abs(found - picture()).max() <= 2
    second = pillow_bytes(rgb(), "JPEG")
    frames = open_dicom(dicom_compressed_bytes([frame, second], np.stack([picture()] * 2), BASELINE), Limits())
    with pytest.raises(ImageError, match="frame 1 has 3 samples per pixel, the first frame 1"):
        frames.load(1)


def deep_jpeg(marker: int, bits: int, components: int = 1) -> bytes:
    """The header of a frame, without one that could be decoded."""
    rows, cols = picture().shape
    parts = b"".join(bytes([number, 0x11, 0]) for number in range(1, components + 1))
    size = bytes([bits]) + rows.to_bytes(2, "big") + cols.to_bytes(2, "big") + bytes([components]) + parts
    return b"\xff\xd8" + segment(marker, size) + SCAN + b"\xff\xd9"


@without_codecs
@pytest.mark.parametrize(
    ("frame", "syntax", "name"),
    [
        (deep_jpeg(0xC1, 12), EXTENDED, "JPEG of 12 bits"),
        (deep_jpeg(0xC3, 16), LOSSLESS, "JPEG Lossless"),
        (deep_jpeg(0xC3, 8, 3), LOSSLESS, "JPEG Lossless"),
        (deep_jpeg(0xF7, 8), JPEG_LS, "JPEG-LS"),
    ],
)
def test_what_needs_another_package_names_the_extra(frame: bytes, syntax: str, name: str) -> None:
    samples = {"SamplesPerPixel": 3} if b"\x03\x01\x11" in frame else {}
    with pytest.raises(ImageError, match=rf"{name} \(.*needs another package: pip install 'usseg-monai\[codecs\]'"):
        grey(frame, rgb() if samples else DEEP, syntax, **samples)


@needs_jpeg_2000
@without_codecs
@pytest.mark.parametrize("damage", [True, False])
def test_jpeg_2000_that_pillow_cannot_decode_names_the_extra(damage: bool) -> None:
    frame = bytearray(pillow_bytes(rgb(), "JPEG2000", no_jp2=True))
    if damage:
        frame = frame[: len(frame) // 2]
    given_up = r" that Pillow gives up on, .*," if damage else ""
    with pytest.raises(ImageError, match=rf"JPEG 2000 \(8 bits, 3 samples per pixel\){given_up} needs another package"):
        grey(bytes(frame), rgb(), JPEG_2000 if damage else HIGH_THROUGHPUT, SamplesPerPixel=3)


def test_compressions_that_nobody_here_decodes() -> None:
    named = [number for number in range(50, 120) if unread_syntax(f"1.2.840.10008.1.2.4.{number}")]
    assert named == [*range(92, 96), *range(100, 109), *range(110, 113)]
    assert unread_syntax("1.2.3.100") is None and unread_syntax("") is None


def test_encapsulated_samples_as_they_are() -> None:
    volume = np.stack([picture(), picture() // 2])
    frames = open_dicom(dicom_compressed_bytes([frame.tobytes() + b"\0" for frame in volume], volume, ENCAPSULATED), Limits())
    np.testing.assert_array_equal([frames.load(index) for index in range(2)], volume)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", BASELINE, LOSSLESS])
def test_a_codestream_is_believed_before_the_transfer_syntax(syntax: str) -> None:
    frame = pillow_bytes(picture(), "JPEG", quality=100)
    assert np.abs(grey(frame, picture(), syntax) - picture()).max() <= 2


def test_samples_as_they_are_under_a_transfer_syntax_of_compression() -> None:
    data = dicom_bytes(picture(), PixelSpacing=[0.25, 0.5])
    plain = b"1.2.840.10008.1.2.1\0"
    assert len(plain) == 20
    wrong = data.replace(b"UI\x14\0" + plain, b"UI\x16\0" + BASELINE.encode())
    assert len(wrong) == len(data) + 2
    np.testing.assert_array_equal(open_dicom(wrong, Limits()).load(0), picture())
