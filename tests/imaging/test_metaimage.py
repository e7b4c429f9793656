"""MetaImage, against ITK and the text of the format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.imaging.samples import COLS, ROWS, SPACING_MM, itk_bytes, picture
from usseg_monai.errors import ImageError
from usseg_monai.imaging import GreyImage, read_frames, read_image

HEADER = f"""ObjectType = Image
NDims = 2
BinaryData = True
BinaryDataByteOrderMSB = False
DimSize = {COLS} {ROWS}
ElementType = MET_UCHAR
ElementDataFile = LOCAL
"""


def read(tmp_path: Path, data: bytes) -> GreyImage:
    path = tmp_path / "file.mha"
    path.write_bytes(data)
    return read_image(path)


def mha(old: str = "", new: str = "", samples: bytes = picture().tobytes()) -> bytes:
    return HEADER.replace(old, new).encode() + samples


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "f4", "f8"])
def test_types(dtype: str, compress: bool, tmp_path: Path) -> None:
    pixels = (picture() // 2).astype(dtype)
    np.testing.assert_array_equal(read(tmp_path, itk_bytes(pixels, ".mha", compress=compress)).pixels, pixels)


def test_slices_are_frames(tmp_path: Path) -> None:
    volume = np.stack([picture(), picture() // 2])
    path = tmp_path / "volume.mha"
    path.write_bytes(itk_bytes(volume, ".mha", spacing_mm=(3.0, *SPACING_MM), compress=True))
    frames = list(read_frames(path))
    np.testing.assert_array_equal([frame.pixels for frame in frames], volume)
    assert frames[1].spacing_mm == SPACING_MM


def test_colour(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(tmp_path, itk_bytes(np.dstack([picture()] * 3), ".mha", vector=True)).pixels, picture())


def test_wrong_channel_count(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="2 channels"):
        read(tmp_path, itk_bytes(np.dstack([picture()] * 2), ".mha", vector=True))


def test_big_endian(tmp_path: Path) -> None:
    header = HEADER.replace("MSB = False", "MSB = True").replace("UCHAR", "USHORT").encode()
    np.testing.assert_array_equal(read(tmp_path, header + picture().astype(">u2").tobytes()).pixels, picture())


@pytest.mark.parametrize(
    ("spacing", "expected"), [("0.5 0.25", (0.25, 0.5)), ("1 1", None), ("0 0", None), ("-0.5 0.25", None), ("", None), ("0.5", None)]
)
def test_spacing(spacing: str, expected: tuple[float, float] | None, tmp_path: Path) -> None:
    assert read(tmp_path, mha("NDims", f"ElementSpacing = {spacing}\nNDims")).spacing_mm == expected


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("LOCAL", "/etc/passwd", "in another file"),
        ("MET_UCHAR", "MET_STRING", "samples of type 'MET_STRING'"),
        ("BinaryData = True", "BinaryData = False", "as text"),
        ("DimSize", "Size", "no field 'DimSize'"),
        ("53 37", "53 38", "ends early"),
        ("53 37", "53000 37000", "37000 rows x 53000 columns"),
        ("53 37", "53 37 99999999", "more than 5000 a file"),
        ("53 37", "53 x", "damaged"),
        ("BinaryData = True", "CompressedData = True", "damaged"),
        ("ElementDataFile", "File", "no end of the MetaImage header"),
    ],
)
def test_what_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=message):
        read(tmp_path, mha(old, new))
