"""NRRD, against ITK and the text of the format."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
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
        ("spacings: 0,5 0,25", None),
        ("space directions: (a,0) (0,b)", None),
        ("kinds: domain", None),
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


def slicer(array: npt.NDArray[Any], *fields: str) -> bytes:
    """A packed NRRD; `array` as stored, the slowest axis first."""
    lines = ["NRRD0005", f"type: {array.dtype.name}", f"dimension: {array.ndim}", f"sizes: {' '.join(map(str, array.shape[::-1]))}"]
    return ("\n".join([*lines, "encoding: gzip", "endian: little", *fields]) + "\n\n").encode() + gzip.compress(array.tobytes())


def frames_of(tmp_path: Path, data: bytes) -> list[GreyImage]:
    path = tmp_path / "file.nrrd"
    path.write_bytes(data)
    return list(read_frames(path))


CINE = np.stack(
    [np.stack([picture() // (1 + phase + 2 * number) for number in range(3)]) for phase in range(2)]
)  # phases, slices, rows, cols
DIRECTIONS = "(0.5,0,0) (0,0.25,0) (0,0,8)"


@pytest.mark.parametrize(
    ("where", "fields"),
    [
        (3, ["space: left-posterior-superior", f"space directions: none {DIRECTIONS}", "kinds: list domain domain domain"]),
        (3, ["space: left-posterior-superior", f"space directions: none {DIRECTIONS}"]),
        (3, ["spacings: nan 0.5 0.25 8"]),
        (3, ["spacings: 40 0.5 0.25 8", 'units: "ms" "mm" "mm" "mm"', "kinds: time domain domain domain"]),
        (0, [f"space directions: {DIRECTIONS} none", "kinds: domain domain domain list"]),
        (0, ["spacings: 0.5 0.25 8 nan", "kinds: space space space none"]),
        (0, ["spacings: 0.5 0.25 8 40"]),
        (0, ["space: right-anterior-superior-time", "space directions: (0.5,0,0,0) (0,0.25,0,0) (0,0,8,0) (0,0,0,40)"]),
    ],
)
def test_phases_wherever_their_axis_stands(where: int, fields: list[str], tmp_path: Path) -> None:
    frames = frames_of(tmp_path, slicer(np.moveaxis(CINE, 0, where), *fields))
    assert len(frames) == 6
    for image in frames:
        assert image.spacing_mm == SPACING_MM and image.place is not None and image.place.position_mm is not None
        number, phase = round(image.place.position_mm[2] / 8), image.place.number
        np.testing.assert_array_equal(image.pixels, CINE[phase, number])
        assert image.place.time_ms == (40.0 * phase if "units" in " ".join(fields) else None)  # type: ignore[operator]


def test_a_slice_axis_that_is_not_the_third(tmp_path: Path) -> None:
    stored = CINE[0].transpose(1, 0, 2)  # rows, slices, cols
    frames = frames_of(tmp_path, slicer(stored, "space directions: (0.5,0,0) (0,0,8) (0,0.5,0)", "kinds: domain domain domain"))
    np.testing.assert_array_equal([image.pixels for image in frames], CINE[0])
    assert frames[0].spacing_mm == (0.5, 0.5)
    assert [image.place and image.place.position_mm for image in frames] == [(0, 0, 0), (0, 0, 8), (0, 0, 16)]


@pytest.mark.parametrize(
    ("space", "sign"),
    [
        ("left-posterior-superior", (1, 1)),
        ("right-anterior-superior", (-1, -1)),
        ("ras", (-1, -1)),
        ("left-anterior-superior", (1, -1)),
        ("scanner-xyz", (1, 1)),
    ],
)
def test_positions_are_in_the_space_of_dicom(space: str, sign: tuple[int, int], tmp_path: Path) -> None:
    frames = frames_of(tmp_path, slicer(CINE[0], f"space: {space}", f"space directions: {DIRECTIONS}", "space origin: (1,2,3)"))
    assert [image.place and image.place.position_mm for image in frames] == [(sign[0], 2 * sign[1], 3 + 8 * index) for index in range(3)]


def test_pictures_without_a_third_axis_have_no_place(tmp_path: Path) -> None:
    assert frames_of(tmp_path, slicer(picture(), "spacings: 0.5 0.25"))[0].place is None
    assert [image.place for image in frames_of(tmp_path, slicer(CINE[0], "spacings: 0.5 0.25 nan"))] == [None] * 3


@pytest.mark.parametrize("kind", ["vector", "RGB-color", "3-color"])
def test_colours_before_the_slices(kind: str, tmp_path: Path) -> None:
    array = np.stack([CINE[0]] * 3, axis=-1)
    fields = [f"kinds: {kind} domain domain domain", f"space directions: none {DIRECTIONS}"]
    frames = frames_of(tmp_path, slicer(array, *fields))
    np.testing.assert_array_equal([image.pixels for image in frames], CINE[0])
    assert frames[0].spacing_mm == SPACING_MM


@pytest.mark.parametrize(
    "kind", ["complex", "HSV-color", "quaternion", "3-gradient", "covariant-vector", "3D-symmetric-matrix", "3D-masked-symmetric-matrix"]
)
def test_samples_that_are_no_grey_values(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=f"an axis of kind '{kind.lower()[:20]}"):
        frames_of(tmp_path, slicer(np.ones((20, 20, 7), np.uint8), f"kinds: {kind} domain domain"))


def test_vectors_of_two_and_two_axes_of_vectors(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="2 channels"):
        frames_of(tmp_path, slicer(np.ones((20, 20, 2), np.uint8), "kinds: vector domain domain"))
    with pytest.raises(ImageError, match="2 axes of colours"):
        frames_of(tmp_path, slicer(np.ones((20, 20, 3, 3), np.uint8), "kinds: vector vector domain domain"))


@pytest.mark.parametrize(("length", "is_read"), [(1 << 16, True), ((1 << 16) + 1, False)])
def test_headers_of_64_kilobytes(length: int, is_read: bool, tmp_path: Path) -> None:
    without = len(nrrd("# ", samples=b""))
    data = nrrd("# " + "x" * (length - without))
    if is_read:
        np.testing.assert_array_equal(read(tmp_path, data).pixels, picture())
    else:
        with pytest.raises(ImageError, match="no end of the NRRD header"):
            read(tmp_path, data)


@pytest.mark.parametrize(("unit", "step_ms"), [("s", 2000.0), ("sec", 2000.0), ("ms", 2.0), ("msec", 2.0), ("us", 0.002), ("usec", 0.002)])
def test_units_of_time(unit: str, step_ms: float, tmp_path: Path) -> None:
    fields = ["spacings: 2 0.5 0.25 8", f'units: "{unit}" "mm" "mm" "mm"', "kinds: time domain domain domain"]
    for image in frames_of(tmp_path, slicer(np.moveaxis(CINE, 0, 3), *fields)):
        assert image.place is not None and image.place.number is not None
        assert image.place.time_ms == pytest.approx(step_ms * image.place.number)
