"""NIfTI, against nibabel."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pytest

from tests.imaging.samples import COLS, ROWS, SPACING_MM, nifti_bytes, picture, sample
from usseg_monai.errors import ImageError
from usseg_monai.imaging import read_frames, read_image


def write(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "file.nii"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", ">i2", "i4", "f4", "f8"])
def test_types(dtype: str, tmp_path: Path) -> None:
    image = read_image(write(tmp_path, nifti_bytes(picture().astype(dtype))))
    np.testing.assert_array_equal(image.pixels, picture())


def test_slices_are_frames_in_order(tmp_path: Path) -> None:
    volume = np.stack([picture(), picture() // 2, picture() // 3], axis=2)
    for suffix in (".nii", ".nii.gz"):
        path = write(tmp_path, nifti_bytes(volume, suffix=suffix))
        for index, image in enumerate(read_frames(path)):
            np.testing.assert_array_equal(image.pixels, volume[..., index])
            assert image.spacing_mm == SPACING_MM and image.source.frames == 3
        np.testing.assert_array_equal(read_image(path, frame=2).pixels, volume[..., 2])


def nifti(pixels: npt.NDArray[Any], *, version: int = 1, byte_order: str = "<", gzipped: bool = False, **fields: Any) -> bytes:
    """A NIfTI file with these header fields; `pixels` are the array as stored, the slowest axis first, their axes reversed in the file."""
    kind = nibabel.Nifti1Header if version == 1 else nibabel.Nifti2Header
    header = kind(endianness=byte_order)
    header.set_data_dtype(pixels.dtype)
    header.set_data_shape(pixels.shape[::-1])
    header["vox_offset"] = header.template_dtype.itemsize + 4
    header["magic"] = b"n+1" if version == 1 else b"n+2\0\r\n\x1a\n"
    for name, value in fields.items():
        header[name] = value
    data = header.binaryblock + bytes(4) + pixels.astype(byte_order + pixels.dtype.str[1:]).tobytes()
    return gzip.compress(data) if gzipped else data


def affine(matrix: Any) -> dict[str, Any]:
    """Fields of a sform of 3 x 4 numbers."""
    x, y, z = np.asarray(matrix, float)
    return {"sform_code": 1, "srow_x": x, "srow_y": y, "srow_z": z}


STACK = np.stack([picture() // divisor for divisor in (1, 2, 3)])  # (slices, rows, cols)
UPRIGHT = [[0.5, 0, 0, 10], [0, 0.25, 0, 20], [0, 0, 8, 30]]  # steps of a column, a row, a slice; and the first voxel


def pixdim(*steps: float) -> list[float]:
    return [*steps, *[1.0] * (8 - len(steps))]


@pytest.mark.parametrize(("distance", "position"), [(8.0, (0.0, 0.0, 8.0)), (0.0, None), (1e30, None), (float("nan"), None)])
def test_positions_of_slices(distance: float, position: tuple[float, ...] | None, tmp_path: Path) -> None:
    data = nifti(STACK, pixdim=pixdim(1, 0.5, 0.25, distance))
    image = read_image(write(tmp_path, data), frame=1)
    assert image.place is not None and image.place.position_mm == position and image.spacing_mm == SPACING_MM


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("byte_order", ["<", ">"])
@pytest.mark.parametrize("steps", [(1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (-9.0, -9.0, -9.0), (9.0, 9.0, 9.0), (float("nan"),) * 3])
def test_the_sform_has_the_word_where_its_code_is_set(steps: tuple[float, ...], byte_order: str, version: int, tmp_path: Path) -> None:
    data = nifti(STACK, version=version, byte_order=byte_order, pixdim=pixdim(1, *steps), xyzt_units=2, **affine(UPRIGHT))
    path = write(tmp_path, data)
    for index, image in enumerate(read_frames(path)):
        np.testing.assert_array_equal(image.pixels, STACK[index])
        assert image.spacing_mm == SPACING_MM and image.place is not None
        assert image.place.position_mm == (-10.0, -20.0, 30.0 + 8 * index) and image.place.normal == (0.0, 0.0, 1.0)


@pytest.mark.parametrize(("units", "factor"), [(0, 1.0), (1, 1000.0), (2, 1.0), (3, 0.001), (7, None)])
def test_units_of_the_affine(units: int, factor: float | None, tmp_path: Path) -> None:
    matrix = np.array(UPRIGHT) / (factor or 1)
    image = read_image(write(tmp_path, nifti(STACK, xyzt_units=units, **affine(matrix))), frame=2)
    assert image.spacing_mm == (None if factor is None else pytest.approx(SPACING_MM)) and image.place is not None
    assert image.place.position_mm == (None if factor is None else pytest.approx((-10.0, -20.0, 46.0)))


def test_the_qform_has_the_word_where_no_sform_has(tmp_path: Path) -> None:
    """A quarter turn about x and a mirrored last axis, against nibabel."""
    half = float(np.sqrt(0.5))
    turn: dict[str, Any] = {"quatern_b": half, "quatern_c": 0.0, "quatern_d": 0.0, "qoffset_x": 1, "qoffset_y": 2, "qoffset_z": 3}
    for handedness in (1.0, -1.0):
        data = nifti(STACK, qform_code=1, pixdim=pixdim(handedness, 0.5, 0.25, 8.0), **turn)
        expected = nibabel.Nifti1Header(data[:348]).get_qform()
        path = write(tmp_path, data)
        for index, image in enumerate(read_frames(path)):
            assert image.spacing_mm == pytest.approx(SPACING_MM) and image.place is not None
            assert image.place.position_mm == pytest.approx(tuple(np.array([-1, -1, 1]) * (expected @ [0, 0, index, 1])[:3]), abs=1e-5)
    broken = nifti(STACK, pixdim=pixdim(1, 9, 9, 9), qform_code=1, **{**turn, "quatern_b": float("nan")})
    assert read_image(write(tmp_path, broken)).spacing_mm == (9.0, 9.0)  # what cannot be an affine is passed over


@pytest.mark.parametrize(
    "matrix", [np.zeros((3, 4)), np.full((3, 4), np.nan), [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]], np.full((3, 4), 1e30)]
)
def test_a_sform_that_cannot_be_one_is_passed_over(matrix: Any, tmp_path: Path) -> None:
    image = read_image(write(tmp_path, nifti(STACK, pixdim=pixdim(1, 0.5, 0.25, 8.0), **affine(matrix))), frame=1)
    assert image.spacing_mm == SPACING_MM and image.place is not None and image.place.position_mm == (0.0, 0.0, 8.0)


def test_pixels_of_a_sheared_affine_have_no_millimetres(tmp_path: Path) -> None:
    image = read_image(write(tmp_path, nifti(STACK, **affine([[0.5, 0.1, 0, 0], [0, 0.25, 0, 0], [0, 0, 8, 0]]))), frame=1)
    assert image.spacing_mm is None and image.place is not None and image.place.position_mm is None


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("order", ["zyx", "yzx", "yxz", "xyz"])  # of the array, the slowest axis first; x runs along columns
def test_the_affine_tells_which_axis_runs_across_the_slices(order: str, gzipped: bool, tmp_path: Path) -> None:
    thick = [[0.5, 0, 0, 0], [0, 0.5, 0, 0], [0, 0, 8, 0]]
    phases = np.stack([STACK, STACK[::-1]])  # (phases, slices, rows, cols)
    stored = phases.transpose(0, *("zyx".index(axis) + 1 for axis in order))
    columns = np.array(thick)[:, ["xyz".index(axis) for axis in order[::-1]] + [3]]
    data = nifti(stored, gzipped=gzipped, pixdim=pixdim(1, 1, 1, 1, 40), xyzt_units=2 + 16, **affine(columns))
    frames = list(read_frames(write(tmp_path, data)))
    assert len(frames) == 6
    for image in frames:
        assert image.place is not None and image.place.position_mm is not None and image.spacing_mm == (0.5, 0.5)
        phase, number = image.place.number, round(image.place.position_mm[2] / 8)
        assert phase is not None and image.place.time_ms == 40 * phase and abs(image.place.normal[2]) == 1  # type: ignore[index]
        np.testing.assert_array_equal(image.pixels, phases[phase, number])


def test_arrays_without_an_affine_whose_third_axis_cannot_be_the_slices(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"9 x 53 x 37 voxels: which axis runs across the slices cannot be determined .*affine"):
        read_image(write(tmp_path, nifti(np.zeros((37, 53, 9), np.uint8), pixdim=pixdim(1, 0, 0, 0))))


@pytest.mark.parametrize("stated", [1, 2, 3])
def test_a_header_that_states_the_axis_of_the_slices(stated: int, tmp_path: Path) -> None:
    cube = np.random.default_rng(0).integers(0, 255, (9, 10, 11), np.uint8)
    data = nifti(cube, pixdim=pixdim(1, 2, 2, 2), dim_info=stated << 4)
    assert read_image(write(tmp_path, data)).source.frames == (11, 10, 9)[stated - 1]


@pytest.mark.parametrize("intent", [1007, 2003, 0])
@pytest.mark.parametrize("channels", [3, 4])
def test_colours_along_the_fifth_axis(channels: int, intent: int, tmp_path: Path) -> None:
    rgb = np.stack([picture(), picture() // 2, picture() // 3, np.full_like(picture(), 9)][:channels])
    image = read_image(write(tmp_path, nifti(rgb[:, None, None], intent_code=intent, pixdim=pixdim(1, 0.5, 0.25))))
    assert image.source.frames == 1 and image.spacing_mm == SPACING_MM
    luma = 0.299 * rgb[0].astype(float) + 0.587 * rgb[1].astype(float) + 0.114 * rgb[2].astype(float)
    assert np.abs(image.pixels - luma).max() <= 0.5001


def test_colours_of_several_slices_and_of_a_last_axis_that_is_called_a_vector(tmp_path: Path) -> None:
    colours = np.stack([STACK] * 3)[:, None]  # (channels, 1, slices, rows, cols)
    for gzipped in (False, True):
        frames = list(read_frames(write(tmp_path, nifti(colours, intent_code=1007, gzipped=gzipped))))
        np.testing.assert_array_equal([image.pixels for image in frames], STACK)
    for array in (colours[:, 0, 0], colours[:, 0, :1]):
        assert read_image(write(tmp_path, nifti(array, intent_code=1007))).source.frames == 1


@pytest.mark.parametrize(
    ("components", "dtype", "intent"), [(2, "u1", 1007), (2, "u1", 0), (6, "f4", 1005), (3, "f4", 1007), (3, "f4", 1006), (5, "u1", 2003)]
)
def test_vectors_that_are_no_colours(components: int, dtype: str, intent: int, tmp_path: Path) -> None:
    array = np.ones((components, 1, 1, 20, 20), dtype)
    with pytest.raises(ImageError, match=f"a vector of {components} components"):
        read_image(write(tmp_path, nifti(array, intent_code=intent)))


@pytest.mark.parametrize(("offset", "read"), [(352 + (16 << 20) - 4, True), (352 + (16 << 20), False), (4.9e9, False)])
def test_voxels_far_behind_the_header(offset: float, read: bool, tmp_path: Path) -> None:
    data = nifti(picture(), vox_offset=np.float32(offset))
    path = write(tmp_path, gzip.compress(data[:352] + bytes(int(offset) - 352 if read else 0) + data[352:], 1))
    if read:
        np.testing.assert_array_equal(read_image(path).pixels, picture())
    else:
        with pytest.raises(ImageError, match="more than 16777216 bytes behind the header"):
            read_image(path)


def test_a_wrong_checksum_of_the_gzip_stream(tmp_path: Path) -> None:
    good = nifti(STACK, gzipped=True)
    for at in range(-8, 0):  # the checksum, then the length
        data = bytearray(good)
        data[at] ^= 1
        with pytest.raises(ImageError, match="damaged"):
            list(read_frames(write(tmp_path, bytes(data))))


def test_a_single_slice_is_one_frame(tmp_path: Path) -> None:
    image = read_image(write(tmp_path, nifti_bytes(picture()[..., None])))
    assert image.pixels.shape == (ROWS, COLS) and image.source.frames == 1


def test_stored_values_are_scaled(tmp_path: Path) -> None:
    path = write(tmp_path, nifti_bytes(picture().astype(np.int16), slope=0.5, intercept=-10))
    image = read_image(path)
    assert image.pixels.min() == -10
    np.testing.assert_array_equal(image.pixels, nibabel.load(path).get_fdata().T)


def test_colour(tmp_path: Path) -> None:
    rgb = np.zeros((ROWS, COLS), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    for name in "RGB":
        rgb[name] = picture()
    np.testing.assert_array_equal(read_image(write(tmp_path, nifti_bytes(rgb))).pixels, picture())


def test_nifti_2(tmp_path: Path) -> None:
    path = tmp_path / "two.nii"
    image = nibabel.Nifti2Image(picture().T, np.diag([0.5, 0.25, 1, 1]))
    nibabel.save(image, path)
    np.testing.assert_array_equal(read_image(path).pixels, picture())


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1), ("meter", 1000), ("micron", 0.001), ("unknown", 1)])
def test_units_of_the_spacing(unit: str, factor: float, tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(picture().T, np.diag([0.5, 0.25, 1, 1]))
    image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / "a.nii")
    assert read_image(tmp_path / "a.nii").spacing_mm == pytest.approx((0.25 * factor, 0.5 * factor))


def test_no_spacing_is_unknown_not_one(tmp_path: Path) -> None:
    assert read_image(write(tmp_path, nifti_bytes(picture(), spacing_mm=None))).spacing_mm is None


def test_nan(tmp_path: Path) -> None:
    pixels = picture().astype(np.float32)
    pixels[0, :5] = np.nan
    with pytest.raises(ImageError, match="5 of 1961 pixels are NaN"):
        read_image(write(tmp_path, nifti_bytes(pixels)))


def test_complex(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="complex64"):
        read_image(write(tmp_path, nifti_bytes(picture().astype(np.complex64))))


@pytest.mark.parametrize("offset", [0.0, 100.0, -1.0, float("nan")])
def test_voxels_inside_the_header(offset: float, tmp_path: Path) -> None:
    data = bytearray(sample("nifti"))
    data[108:112] = np.float32(offset).tobytes()
    with pytest.raises(ImageError, match="inside the header"):
        read_image(write(tmp_path, bytes(data)))


def test_a_gzip_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    data = bytearray(sample("nifti"))
    data[42:46] = np.array([30_000, 30_000], "<i2").tobytes()
    with pytest.raises(ImageError, match="30000 rows x 30000 columns"):
        read_image(write(tmp_path, gzip.compress(bytes(data) + bytes(20_000_000), 1)))


def test_fewer_voxels_than_declared(tmp_path: Path) -> None:
    data = sample("nifti")[:-1]
    for file in (data, gzip.compress(data)):
        with pytest.raises(ImageError, match="ends early"):
            read_image(write(tmp_path, file))


@pytest.mark.parametrize(("unit", "step_ms"), [(8, 2000.0), (16, 2.0), (24, 0.002), (0, None), (32, None)])
def test_units_of_time(unit: int, step_ms: float | None, tmp_path: Path) -> None:
    phases = np.stack([np.stack([picture()] * 2)] * 2)
    fields: dict[str, Any] = {"xyzt_units": unit | 2, "pixdim": [1, 0.5, 0.5, 8.0, 2.0, 0, 0, 0]}
    images = list(read_frames(write(tmp_path, nifti(phases, **fields))))
    times = [image.place.time_ms for image in images if image.place is not None]
    assert times == ([None] * 4 if step_ms is None else pytest.approx([0.0, 0.0, step_ms, step_ms]))
