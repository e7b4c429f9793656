"""Masks as NIfTI files: grids of known places and grids of files."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
import pytest

from usseg_monai.errors import ImageError, OutputError
from usseg_monai.geometry.types import MaskArray
from usseg_monai.imaging import Limits, Place, read_frames
from usseg_monai.imaging.formats.nifti_mask import MaskGrid, write_nifti_mask, write_nifti_mask_like

_ANY = Limits(min_side=1)
MASKS = [(np.arange(6 * 9).reshape(6, 9) % (3 + index) == 0).astype(np.uint8) * 255 for index in range(6)]


def place(x: float, y: float, z: float) -> Place:
    return Place(position_mm=(x, y, z), normal=(0, 0, 1), orientation=(1, 0, 0, 0, 1, 0))


def test_slices_and_phases(tmp_path: Path) -> None:
    grid = MaskGrid((6, 9), 3, 2, (0.5, 0.25), place(1, 2, 3), place(1, 2, 19), 40.0)
    write_nifti_mask(tmp_path / "a.nii.gz", grid, iter(MASKS))
    image = nibabel.load(tmp_path / "a.nii.gz")
    assert image.shape == (9, 6, 3, 2)
    for index, mask in enumerate(MASKS):
        assert np.array_equal(np.asanyarray(image.dataobj)[..., index % 3, index // 3], mask.T > 0)
    assert image.affine.tolist() == [[-0.25, 0, 0, -1], [0, -0.5, 0, -2], [0, 0, 8, 3], [0, 0, 0, 1]]
    assert image.header.get_zooms() == (0.25, 0.5, 8.0, 40.0) and int(image.header["sform_code"]) == 1
    assert image.header.get_slope_inter() == (None, None)
    write_nifti_mask(tmp_path / "b.nii.gz", grid, iter(MASKS))
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_one_slice_is_as_thick_as_can_be_told(tmp_path: Path) -> None:
    write_nifti_mask(tmp_path / "a.nii.gz", MaskGrid((6, 9), 1, 1, (0.5, 0.25), place(1, 2, 3), place(1, 2, 3)), MASKS[:1])
    image = nibabel.load(tmp_path / "a.nii.gz")
    assert image.shape == (9, 6, 1) and image.affine.diagonal().tolist() == [-0.25, -0.5, 1, 1]


def test_sides_beyond_what_nifti_1_can_say(tmp_path: Path) -> None:
    wide = np.zeros((8, 40_000), np.uint8)
    wide[3, 39_999] = 1
    write_nifti_mask(tmp_path / "a.nii.gz", MaskGrid(wide.shape, spacing_mm=(0.5, 0.5)), [wide])
    (frame,) = read_frames(tmp_path / "a.nii.gz")
    assert np.array_equal(frame.pixels, wide) and frame.spacing_mm == (0.5, 0.5)


def test_the_grid_of_a_colour_file_has_no_colours(tmp_path: Path) -> None:
    colours = np.zeros((9, 6, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    nibabel.save(nibabel.Nifti1Image(colours, np.diag([0.5, 0.25, 8, 1])), tmp_path / "rgb.nii")
    assert len(list(read_frames(tmp_path / "rgb.nii", limits=_ANY))) == 3
    assert write_nifti_mask_like(tmp_path / "a.nii.gz", tmp_path / "rgb.nii", MASKS[:3], 3)
    image = nibabel.load(tmp_path / "a.nii.gz")
    assert image.shape == (9, 6, 3) and np.array_equal(np.asanyarray(image.dataobj)[..., 2], MASKS[2].T > 0)


def test_other_files_have_no_such_grid(tmp_path: Path) -> None:
    for name, data in (("a.png", b"\x89PNG"), ("empty", b""), ("gz.nii.gz", b"\x1f\x8b\x08damaged")):
        (tmp_path / name).write_bytes(data)
        assert not write_nifti_mask_like(tmp_path / "x.nii.gz", tmp_path / name, MASKS, 6)
    assert not write_nifti_mask_like(tmp_path / "x.nii.gz", tmp_path / "missing.nii", MASKS, 6)
    assert not (tmp_path / "x.nii.gz").exists()


def test_a_file_that_changed_is_refused(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((9, 6, 5), np.uint8), np.diag([0.5, 0.25, 8, 1])), tmp_path / "a.nii")
    with pytest.raises(ImageError, match=r"a\.nii: it changed while it was predicted; do it again"):
        write_nifti_mask_like(tmp_path / "x.nii.gz", tmp_path / "a.nii", MASKS, 6)


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "in_the_way").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        write_nifti_mask(tmp_path / "in_the_way" / "a.nii.gz", MaskGrid((6, 9)), MASKS[:1])


def test_a_mask_that_cannot_be_read_leaves_nothing(tmp_path: Path) -> None:
    def masks() -> Iterator[MaskArray]:
        yield MASKS[0]
        raise ImageError("damaged")

    with pytest.raises(ImageError):
        write_nifti_mask(tmp_path / "a.nii.gz", MaskGrid((6, 9), 2), masks())
    assert list(tmp_path.iterdir()) == []


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    other = np.zeros((5, 9), np.uint8)
    with pytest.raises(ImageError, match="a mask has 5 x 9 pixels, its picture 6 x 9"):
        write_nifti_mask(tmp_path / "x.nii.gz", MaskGrid((6, 9), 2), [MASKS[0], other])
    nibabel.save(nibabel.Nifti1Image(np.zeros((9, 6, 2), np.uint8), np.diag([0.5, 0.25, 8, 1])), tmp_path / "a.nii")
    with pytest.raises(ImageError, match="a mask has 5 x 9 pixels, its picture 6 x 9"):
        write_nifti_mask_like(tmp_path / "x.nii.gz", tmp_path / "a.nii", [MASKS[0], other], 2)
    assert not (tmp_path / "x.nii.gz").exists()


@pytest.mark.parametrize(("cols", "header_bytes"), [(32_767, 348), (32_768, 540)])
def test_nifti_2_begins_where_nifti_1_ends(cols: int, header_bytes: int, tmp_path: Path) -> None:
    write_nifti_mask(tmp_path / "a.nii.gz", MaskGrid((8, cols), spacing_mm=(0.5, 0.5)), [np.zeros((8, cols), np.uint8)])
    assert int.from_bytes(gzip.decompress((tmp_path / "a.nii.gz").read_bytes())[:4], "little") == header_bytes
