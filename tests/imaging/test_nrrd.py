"""NRRD, against ITK and the text of the format."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.imaging.samples import COLS, ROWS, SPACING_MM, itk_bytes, picture, sample
from usseg_monai.errors import ImageError
from usseg_monai.imaging import GreyImage, read_frames, read_image

HEADER = ["NRRD0005", "# a comment: no field", "type: uchar", "dimension: 2", f"sizes: {COLS} {ROWS}", "encoding: raw"]


def read(tmp_path: Path, data: bytes) -> GreyImage:
    path = tmp_path / "file.nrrd"
    path.write_bytes(data)
    return read_image(path)


def nrrd(*fields: str, replace: tuple[str, str] = ("", ""), end: str = "\n", samples: bytes = picture().tobytes()) -> bytes:
    return (end.join([*HEADER, *fields]).replace(*replace) + 2 * end).encode() + samples


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "f4", "f8"])
def test_types(dtype: str, compress: bool, tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(tmp_path, itk_bytes(picture().astype(dtype), ".nrrd", compress=compress)).pixels, picture())


def test_slices_are_frames(tmp_path: Path) -> None:
    volume = np.stack([picture(), picture() // 2])
    path = tmp_path / "volume.nrrd"
    path.write_bytes(itk_bytes(volume, ".nrrd", spacing_mm=(3.0, *SPACING_MM), compress=True))
    frames = list(read_frames(path))
    np.testing.assert_array_equal([frame.pixels for frame in frames], volume)
    assert frames[1].spacing_mm == SPACING_MM


def test_colour(tmp_path: Path) -> None:
    image = read(tmp_path, itk_bytes(np.dstack([picture()] * 3), ".nrrd", vector=True))
    np.testing.assert_array_equal(image.pixels, picture())
    assert image.spacing_mm == SPACING_MM


def test_wrong_channel_count(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="2 channels"):
        read(tmp_path, itk_bytes(np.dstack([picture()] * 2), ".nrrd", vector=True))


def test_lines_may_end_as_on_windows(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(tmp_path, nrrd(end="\r\n")).pixels, picture())


def test_big_endian(tmp_path: Path) -> None:
    data = nrrd("endian: big", replace=("uchar", "ushort"), samples=picture().astype(">u2").tobytes())
    np.testing.assert_array_equal(read(tmp_path, data).pixels, picture())


def test_gzip(tmp_path: Path) -> None:
    data = nrrd(replace=("raw", "gzip"), samples=gzip.compress(picture().tobytes()))
    np.testing.assert_array_equal(read(tmp_path, data).pixels, picture())


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("spacings: 0.5 0.25", (0.25, 0.5)),
        ("spacings: nan nan", None),
        ("spacings: 1 1", None),
        ("space directions: (0.3,0.4) (-0.8,0.6)", (1.0, 0.5)),
        ("space directions: none none", None),
        ('space directions: (0.5,0) (0,0.25)\nspace units: "mm" "mm"', (0.25, 0.5)),
        ('space directions: (0.5,0) (0,0.25)\nspace units: "um" "um"', None),
        ("content: nothing", None),
    ],
)
def test_spacing(field: str, expected: tuple[float, float] | None, tmp_path: Path) -> None:
    assert read(tmp_path, nrrd(field)).spacing_mm == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("fields", "replace", "message"),
    [
        (["data file: /etc/passwd"], ("", ""), "in another file"),
        (["datafile: other.raw"], ("", ""), "in another file"),
        (["byte skip: -1"], ("", ""), "byte skip"),
        ([], ("uchar", "block"), "samples of type 'block'"),
        ([], ("raw", "bzip2"), "encoding 'bzip2'"),
        ([], ("encoding", "nothing"), "no field 'encoding'"),
        ([], ("37", "38"), "ends early"),
        ([], ("53 37", "53000 37000"), "37000 rows x 53000 columns"),
        ([], ("53 37", "53"), "at least two axes"),
        ([], ("53 37", "many"), "damaged"),
    ],
)
def test_what_is_refused(fields: list[str], replace: tuple[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=message):
        read(tmp_path, nrrd(*fields, replace=replace))


def test_a_header_without_end(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no end of the NRRD header"):
        read(tmp_path, b"NRRD0004\n" + b"type: uchar\n" * 20_000)


def test_a_gzip_bomb_is_read_no_further_than_its_picture(tmp_path: Path) -> None:
    head, _, _ = sample("nrrd_gz").partition(b"\n\n")
    data = head + b"\n\n" + gzip.compress(picture().tobytes() + bytes(50_000_000), 1)
    np.testing.assert_array_equal(read(tmp_path, data).pixels, picture())
