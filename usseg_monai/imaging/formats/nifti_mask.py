"""Masks as NIfTI: on the grid of a NIfTI file, or of slices whose places are known, so that viewers can overlay them on the pictures.

They are written slice by slice: a mask of a thousand frames costs the memory of one. The structure is 1. Only the grid of a source's
header is copied: descriptions may name a patient.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from usseg_monai.errors import ImageError, printable
from usseg_monai.files.write import atomic_path
from usseg_monai.geometry.types import MaskArray, Spacing
from usseg_monai.imaging.formats.nifti import NiftiGrid, read_grid
from usseg_monai.imaging.image import Place

__all__ = ["MaskGrid", "write_nifti_mask", "write_nifti_mask_like"]

_MOST_OF_NIFTI_1 = 32767  # voxels along an axis
_GZIP_LEVEL = 3
_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # from DICOM's left, posterior, superior
_NEARLY_1 = float(np.nextafter(np.float32(1), np.float32(2)))


@dataclass(frozen=True)
class MaskGrid:
    """Where the pixels of masks lie.

    Attributes:
        shape: ``(rows, cols)`` of a mask.
        slices, phases: number of slices in each phase, and number of phases.
        spacing_mm: ``(row, col)``, ``None`` if unknown.
        first, last: places of the first and the last slice; without them the grid is that of a picture alone.
        step_ms: between two phases; 0 if unknown.
    """

    shape: tuple[int, int]
    slices: int = 1
    phases: int = 1
    spacing_mm: Spacing | None = None
    first: Place | None = None
    last: Place | None = None
    step_ms: float = 0.0

    def affine(self) -> np.ndarray:
        """From ``(col, row, slice)`` to right, anterior, superior in mm, ``(4, 4)``; a pixel of unknown size is 1 mm.

        >>> MaskGrid((10, 20), spacing_mm=(0.5, 0.25)).affine().diagonal().tolist()
        [-0.25, -0.5, 1.0, 1.0]
        """
        down, right = self.spacing_mm or (1.0, 1.0)
        if self.spacing_mm == (1.0, 1.0):  # readers take exactly 1 x 1 for an unknown size
            down = right = _NEARLY_1
        steps = np.eye(4)
        first, last = self.first, self.last
        if first is None or last is None or first.position_mm is None or last.position_mm is None or first.orientation is None:
            steps[:3, 0], steps[:3, 1] = (right, 0, 0), (0, down, 0)
            return _TO_RAS @ steps
        along, across = np.array(first.orientation[:3]), np.array(first.orientation[3:])
        steps[:3, 0], steps[:3, 1] = along * right, across * down
        steps[:3, 3] = first.position_mm
        between = (np.array(last.position_mm) - first.position_mm) / max(self.slices - 1, 1)
        steps[:3, 2] = between if self.slices > 1 else np.cross(along, across)
        return _TO_RAS @ steps


def write_nifti_mask(path: Path, grid: MaskGrid, masks: Iterable[MaskArray]) -> None:
    """Write masks: all slices of the first phase, then those of the second, and so on.

    Args:
        path: target, ``.nii.gz``; folders are made as needed.
        grid: of the masks.
        masks: ``(rows, cols)``, nonzero is structure; one per slice and phase.

    Raises:
        ImageError: a mask has the wrong size.
        OutputError: it cannot be written.
    """
    rows, cols = grid.shape
    size = (cols, rows, grid.slices, grid.phases) if grid.phases > 1 else (cols, rows, grid.slices)
    header = _header(size)
    affine = grid.affine()
    header.set_zooms((*np.linalg.norm(affine[:3, :3], axis=0), grid.step_ms)[: len(size)])
    header.set_qform(affine, code=1)
    header.set_sform(affine, code=1)
    header.set_xyzt_units("mm" if grid.spacing_mm else None, "msec" if grid.phases > 1 else None)
    _write(path, header, map(_voxels, _checked(masks, grid.shape)))


def write_nifti_mask_like(path: Path, source: Path, masks: Iterable[MaskArray], count: int) -> bool:
    """Write the masks of all frames of a NIfTI file on its own grid; ``False`` if the source is not a NIfTI file.

    Args:
        path: target, ``.nii.gz``.
        source: file that was read.
        masks: of its frames, in order.
        count: number of masks.

    Raises:
        ImageError: the source has changed since it was read, or a mask has the wrong size.
        OutputError: it cannot be written.
    """
    known = read_grid(source)
    if known is None:
        return False
    if math.prod(known.size[axis] for axis in known.axes.others(len(known.size))) != count:
        raise ImageError(f"{printable(source.name)}: it changed while it was predicted; do it again")
    header = _header(known.size)
    for name in ("pixdim", "qform_code", "sform_code", "xyzt_units", "dim_info", *_FORMS):
        header[name] = known.header[name]
    masks = _checked(masks, (known.size[known.axes.row], known.size[known.axes.col]))
    if (known.axes.col, known.axes.row) == (0, 1):
        _write(path, header, map(_voxels, masks))
    else:
        volume = np.zeros(known.size, np.uint8, order="F")
        for mask, place in zip(masks, _places(known), strict=True):
            volume[place] = (mask != 0).T if known.axes.col < known.axes.row else mask != 0
        _write(path, header, [volume.tobytes(order="F")])
    return True


_FORMS = ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z")


def _checked(masks: Iterable[MaskArray], shape: tuple[int, int]) -> Iterator[MaskArray]:
    """The masks, after checking that each has the size of its picture: it may have been changed."""
    for mask in masks:
        if mask.shape != shape:
            raise ImageError(f"a mask has {mask.shape[0]} x {mask.shape[1]} pixels, its picture {shape[0]} x {shape[1]}")
        yield mask


def _voxels(mask: MaskArray) -> bytes:
    voxels: bytes = (mask != 0).astype(np.uint8).tobytes()
    return voxels


def _places(known: NiftiGrid) -> Iterable[tuple[slice | int, ...]]:
    """Where each frame lies in the array."""
    others = known.axes.others(len(known.size))
    for index in np.ndindex(*(known.size[axis] for axis in reversed(others))):  # the last axis changes fastest
        at = dict(zip(reversed(others), index, strict=True))
        yield tuple(at.get(axis, slice(None)) for axis in range(len(known.size)))


def _header(size: Sequence[int]) -> Any:
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    kind = Nifti1Header if max(size) <= _MOST_OF_NIFTI_1 else Nifti2Header
    header: Any = kind()
    header.set_data_shape(size)
    header.set_data_dtype(np.uint8)
    return header


def _write(path: Path, header: Any, parts: Iterable[bytes]) -> None:
    header["magic"] = type(header).single_magic
    header["vox_offset"] = type(header).single_vox_offset
    with (
        atomic_path(path) as temporary,
        temporary.open("wb") as file,
        gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) as packed,
    ):
        packed.write(header.binaryblock.ljust(int(header["vox_offset"]), b"\0"))
        for part in parts:
            packed.write(part)
