"""Sizes in compressed headers."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, features

from tests.imaging.samples import pillow_bytes
from usseg_monai.errors import ImageError
from usseg_monai.imaging.codestream import codestream_size

PIXELS = np.zeros((37, 53), np.uint8)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"exif": Image.Exif().tobytes(), "comment": b"text"}])
def test_jpeg(options: dict[str, object]) -> None:
    assert codestream_size(pillow_bytes(PIXELS, "JPEG", **options)) == (37, 53)


@pytest.mark.parametrize("marker", [0xC3, 0xF7])
def test_lossless_jpeg_and_jpeg_ls(marker: int) -> None:
    fill_bytes = b"\xff\xff"
    frame = b"\xff\xd8" + fill_bytes + b"\xff" + bytes([marker]) + b"\0\x0b\x08\x00\x25\x00\x35\x01\x01\x11\x00"
    assert codestream_size(frame) == (37, 53)


@pytest.mark.skipif(not features.check("jpg_2000"), reason="this Pillow was built without OpenJPEG")
@pytest.mark.parametrize("bare", [True, False])
def test_jpeg_2000(bare: bool) -> None:
    assert codestream_size(pillow_bytes(PIXELS, "JPEG2000", no_jp2=bare)) == (37, 53)


@pytest.mark.parametrize(
    "frame", [b"", b"\xff\xd8", b"\xff\xd8\xff\xc4\0\x02", b"\xff\x4f\xff\x51\0", b"hello", b"\xff\xd8" + b"\xff" * 100]
)
def test_no_size(frame: bytes) -> None:
    with pytest.raises(ImageError, match="without a readable header"):
        codestream_size(frame)
