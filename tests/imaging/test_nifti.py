"""NIfTI, against nibabel."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np
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


@pytest.mark.parametrize(("distance", "position"), [(8.0, (0.0, 0.0, 8.0)), (0.0, None), (1e30, None), (float("nan"), None)])
def test_positions_of_slices(distance: float, position: tuple[float, ...] | None, tmp_path: Path) -> None:
    data = bytearray(nifti_bytes(np.stack([picture()] * 2, axis=2)))
    data[88:92] = np.float32(distance).tobytes()  # pixdim[3]
    place = read_image(write(tmp_path, bytes(data)), frame=1).place
    assert place is not None and place.position_mm == position


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
