"""MetaImage, against ITK and the text of the format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
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
        ("53 37", "53 37 99999999", "more than 5000 per file"),
        ("53 37", "53 x", "damaged"),
        ("BinaryData = True", "CompressedData = True", "damaged"),
        ("ElementDataFile", "File", "no end of the MetaImage header"),
    ],
)
def test_what_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=message):
        read(tmp_path, mha(old, new))


def frames_of(tmp_path: Path, array: npt.NDArray[Any], **fields: str) -> list[GreyImage]:
    """Frames of an uncompressed MHA; `array` as stored, the slowest axis first."""
    header = {"ObjectType": "Image", "NDims": str(array.ndim), "BinaryData": "True"}
    header |= {"DimSize": " ".join(map(str, array.shape[::-1]))} | fields | {"ElementType": "MET_UCHAR", "ElementDataFile": "LOCAL"}
    path = tmp_path / "file.mha"
    path.write_bytes("".join(f"{name} = {value}\n" for name, value in header.items()).encode() + array.tobytes())
    return list(read_frames(path))


CINE = np.stack(
    [np.stack([picture() // (1 + phase + 2 * number) for number in range(3)]) for phase in range(2)]
)  # phases, slices, rows, cols


@pytest.mark.parametrize(
    "fields",
    [
        {"ElementSpacing": "0.5 0.25 8 40"},
        {"ElementSize": "0.5 0.25 8 40"},
        {"ElementSpacing": "0.5 0.25 8 1", "ElementSize": "9 9 9 9"},
        {"ElementSpacing": "0.5 0.25 8 1", "TransformMatrix": "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1", "Offset": "0 0 0 0"},
    ],
)
def test_phases_along_the_fourth_axis(fields: dict[str, str], tmp_path: Path) -> None:
    frames = frames_of(tmp_path, CINE, **fields)
    np.testing.assert_array_equal([image.pixels for image in frames], CINE.reshape(6, *picture().shape))
    assert {image.spacing_mm for image in frames} == {SPACING_MM}
    places = [image.place for image in frames if image.place]
    assert [place.position_mm for place in places] == 2 * [(0, 0, 0), (0, 0, 8), (0, 0, 16)]
    assert [place.number for place in places] == [0, 0, 0, 1, 1, 1]


def test_a_turned_stack(tmp_path: Path) -> None:
    """Columns run towards z, rows towards x, slices towards y: a written row of the matrix is the direction of an axis."""
    frames = frames_of(tmp_path, CINE[0], ElementSpacing="0.5 0.25 8", TransformMatrix="0 0 1 1 0 0 0 1 0", Offset="1 2 3")
    assert [image.place and image.place.position_mm for image in frames] == [(1, 2, 3), (1, 10, 3), (1, 18, 3)]
    assert frames[0].place is not None and frames[0].place.normal == (0.0, 1.0, 0.0) and frames[0].spacing_mm == SPACING_MM


def test_the_same_stack_of_itks(tmp_path: Path) -> None:
    import itk

    image = itk.image_from_array(CINE[0])
    image.SetSpacing([0.5, 0.25, 8.0])
    image.SetDirection(itk.matrix_from_array(np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])))
    image.SetOrigin([1.0, 2.0, 3.0])
    for suffix in (".mha", ".nrrd", ".nii.gz"):
        path = tmp_path / f"itk{suffix}"
        itk.imwrite(image, str(path))
        for index, frame in enumerate(read_frames(path)):
            assert frame.place is not None and frame.spacing_mm == pytest.approx(SPACING_MM)
            assert frame.place.position_mm == pytest.approx(tuple(image.TransformIndexToPhysicalPoint([0, 0, index])), abs=1e-5)
            assert frame.place.normal == pytest.approx((0.0, 1.0, 0.0), abs=1e-6)


def test_a_slice_axis_that_is_not_the_third(tmp_path: Path) -> None:
    frames = frames_of(tmp_path, CINE[0].transpose(1, 0, 2), ElementSpacing="0.5 8 0.5", TransformMatrix="1 0 0 0 0 1 0 1 0")
    np.testing.assert_array_equal([image.pixels for image in frames], CINE[0])
    assert [image.place and image.place.position_mm for image in frames] == [(0, 0, 0), (0, 0, 8), (0, 0, 16)]


@pytest.mark.parametrize("matrix", ["0 0 0 0 0 0 0 0 0", "nan 0 0 0 1 0 0 0 1", "1 0 0", "2 0 0 0 2 0 0 0 2"])
def test_a_matrix_that_is_no_direction_is_passed_over(matrix: str, tmp_path: Path) -> None:
    frames = frames_of(tmp_path, CINE[0], ElementSpacing="0.5 0.25 8", TransformMatrix=matrix)
    assert frames[1].spacing_mm == SPACING_MM and frames[1].place is not None and frames[1].place.position_mm == (0, 0, 8)


def test_one_odd_number_costs_the_millimetres_only(tmp_path: Path) -> None:
    for fields in ({"ElementSpacing": "0,5 0,25 8"}, {"ElementSpacing": "0.5 0.25 8", "Offset": "a b c"}, {"Offset": ""}):
        np.testing.assert_array_equal([image.pixels for image in frames_of(tmp_path, CINE[0], **fields)], CINE[0])


@pytest.mark.parametrize(("length", "is_read"), [(1 << 16, True), ((1 << 16) + 1, False)])
def test_headers_of_64_kilobytes(length: int, is_read: bool, tmp_path: Path) -> None:
    comment = "Comment = \n"
    data = (comment[:-1] + "x" * (length - len(HEADER) - len(comment)) + "\n" + HEADER).encode() + picture().tobytes()
    data = HEADER.splitlines(keepends=True)[0].encode() + data.replace(b"ObjectType = Image\n", b"")
    if is_read:
        np.testing.assert_array_equal(read(tmp_path, data).pixels, picture())
    else:
        with pytest.raises(ImageError, match="no end of the MetaImage header"):
            read(tmp_path, data)
