"""NIfTI 1 and 2 in one file, plain or gzip: nibabel reads the header, this module the samples, so that a bomb is never inflated whole.

Pictures are never rotated or mirrored: a mask lies on the voxels that were read. The affine states which axis runs across the slices
(`usseg_monai.imaging.formats.axes`); usually it is axis 2, and then axis 0 runs along the columns of the picture, axis 1 along its rows
(MONAI's ``(W, H)``). Axis 3 counts phases. An axis 4 of 3 or 4 whole numbers holds the colours of a pixel.

Where the voxels lie, by the standard (https://nifti.nimh.nih.gov): the sform if ``sform_code`` is set, else the qform if ``qform_code``
is, else ``pixdim`` alone. A matrix that cannot be an affine is skipped. Positions are DICOM's (left, posterior, superior).
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from usseg_monai.errors import ImageError
from usseg_monai.geometry.spacing import is_spacing
from usseg_monai.imaging.formats.axes import Axes, Grid, find_axes, frame_place
from usseg_monai.imaging.formats.volume import Bytes, Inflated, Plain, Volume
from usseg_monai.imaging.frames import Frames
from usseg_monai.imaging.limits import Limits

__all__ = ["NiftiGrid", "is_nifti", "open_nifti", "read_grid"]

_MILLIMETRES = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}  # by xyzt_units; 0: unknown, millimetres by convention
_MILLISECONDS = {8: 1000.0, 16: 1.0, 24: 0.001}
_LONGEST_EXTENSION = 16 << 20  # bytes between header and voxels
_VECTORS = {1007, 2003, 2004}  # intent: vector, RGB, RGBA
_COLOURS = (3, 4)
_SPACE = (0, 1, 2)
_HEAD = 1 << 16  # bytes in which a header ends, compressed or not


def is_nifti(head: bytes) -> bool:
    """Whether the first 348 bytes (inflated) are the header of a NIfTI file that holds its voxels."""
    return head[344:348] == b"n+1\0" or head[4:8] == b"n+2\0"


def open_nifti(data: bytes | memoryview, limits: Limits) -> Frames:
    """Open a NIfTI file.

    Args:
        data: the whole file, gzip or not.
        limits: bounds of a frame and of the file.
    """
    source: Bytes = Inflated(data) if data[:2] == b"\x1f\x8b" else Plain(data)
    header = _read_header(source)
    size, dtype, channel = _size_and_type(header)
    grid = _grid(header, tuple(axis + (channel == 0) for axis in _SPACE))
    axes = find_axes(size, grid, stated=_stated_slice(header, channel), channel=channel)
    slope, intercept = header.get_slope_inter()
    step_ms = _MILLISECONDS.get(int(header["xyzt_units"]) & 0x38, math.nan) * float(header["pixdim"][4])
    return Volume(
        format="nifti",
        size=size,
        dtype=dtype,
        bytes=source,
        axes=axes,
        offset=_offset(header),
        spacing_mm=grid.spacing_mm(axes),
        slope=1.0 if slope is None else float(slope),
        intercept=0.0 if intercept is None else float(intercept),
        place=lambda index: frame_place(index, size, axes, grid, step_ms=step_ms),
    ).frames(limits)


class NiftiGrid(NamedTuple):
    """The grid of a file, without the axis of colours.

    Attributes:
        header: nibabel's.
        size: along every axis, at least three.
        axes: what these are.
    """

    header: Any
    size: tuple[int, ...]
    axes: Axes


def read_grid(path: Path) -> NiftiGrid | None:
    """The grid of a file that `open_nifti` has opened before; ``None`` if it is not a NIfTI file.

    Raises:
        ImageError: the file has changed.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_HEAD)
        source: Bytes = Inflated(data) if data[:2] == b"\x1f\x8b" else Plain(data)
        if not is_nifti(bytes(source.read(0, 348))):
            return None
        header = _read_header(source)
    except (OSError, ImageError, zlib.error):
        return None
    size, _, channel = _size_and_type(header)
    grid = _grid(header, tuple(axis + (channel == 0) for axis in _SPACE))
    axes = find_axes(size, grid, stated=_stated_slice(header, channel), channel=channel)
    if channel is None:
        return NiftiGrid(header, size, axes)
    col, row, across = (axis if axis is None else axis - (axis > channel) for axis in (axes.col, axes.row, axes.slice))
    assert col is not None and row is not None
    return NiftiGrid(header, (*size[:channel], *size[channel + 1 :]), Axes(col, row, across))


def _read_header(source: Bytes) -> Any:
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    kind: Any = Nifti1Header if bytes(source.read(0, 348))[344:348] == b"n+1\0" else Nifti2Header
    # single-file headers; check=False, as nibabel would print its findings to the terminal
    return kind(bytes(source.read(0, kind.template_dtype.itemsize)), check=False)


def _size_and_type(header: Any) -> tuple[tuple[int, ...], np.dtype[Any], int | None]:
    """Size along all axes, at least three; type of a sample; the axis that holds the colours of a pixel, if any."""
    size = [int(n) for n in header.get_data_shape()]
    size += [1] * (len(_SPACE) - len(size))
    dtype = header.get_data_dtype()
    if dtype.names:  # RGB24 and RGBA32 are records of bytes
        return (len(dtype.names), *size), np.dtype(np.uint8), 0
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise ImageError(f"samples of type {dtype}: only whole and real numbers of at most 64 bits are read")
    while len(size) > len(_SPACE) and size[-1] == 1:
        size.pop()
    last = len(size) - 1
    if last < 4 and not (int(header["intent_code"]) in _VECTORS and size[last] > 1 and last >= 2):
        return tuple(size), dtype, None
    if last > 4 or size[last] not in _COLOURS or dtype.kind == "f":
        raise ImageError(
            f"a vector of {size[last]} components of type {dtype} at each voxel (axis {last}): only colours, 3 or 4 whole numbers, "
            "have a grey value; save one component as a grey volume"
        )
    if last == 2:  # no axis of slices before the colours
        size.insert(2, 1)
        last = 3
    return tuple(size), dtype, last


def _offset(header: Any) -> int:
    offset = float(header["vox_offset"])
    first = header.template_dtype.itemsize
    if not math.isfinite(offset) or offset < first:
        raise ImageError(f"voxels at byte {offset:g}, inside the header; the file is damaged, export it again")
    if offset > first + _LONGEST_EXTENSION:
        raise ImageError(f"voxels at byte {offset:g}: more than {_LONGEST_EXTENSION} bytes behind the header; save the file again without")
    return int(offset)


def _stated_slice(header: Any, channel: int | None) -> int | None:
    """The axis across the slices that ``dim_info`` states."""
    stated = (int(header["dim_info"]) >> 4 & 3) - 1
    return None if stated < 0 else stated + (channel == 0)


def _grid(header: Any, axes: tuple[int, ...]) -> Grid:
    scale = _MILLIMETRES.get(int(header["xyzt_units"]) & 7, math.nan)
    for matrix in (_sform(header), _qform(header)):
        if matrix is not None and np.isfinite(matrix).all():
            steps = np.array([-1.0, -1.0, 1.0])[:, None] * scale * matrix  # from right, anterior, superior to DICOM's
            lengths = np.linalg.norm(steps[:, :3], axis=0)
            if all(is_spacing(length, length) for length in lengths) and np.linalg.matrix_rank(steps[:, :3] / lengths, tol=1e-3) == 3:
                return Grid(axes, [tuple(column) for column in steps[:, :3].T.tolist()], tuple(steps[:, 3].tolist()))
    return Grid.of_lengths(axes, [scale * abs(float(step)) for step in header["pixdim"][1:4]])


def _sform(header: Any) -> np.ndarray | None:
    """``(3, 4)``, in the file's units."""
    if int(header["sform_code"]) <= 0:
        return None
    return np.array([header["srow_x"], header["srow_y"], header["srow_z"]], float)


def _qform(header: Any) -> np.ndarray | None:
    """``(3, 4)``, in the file's units: method 2 of the standard."""
    if int(header["qform_code"]) <= 0:
        return None
    b, c, d = (float(header[f"quatern_{name}"]) for name in "bcd")
    a = math.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    turn = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    steps = np.abs(np.asarray(header["pixdim"][1:4], float))
    steps[2] *= -1.0 if header["pixdim"][0] < 0 else 1.0
    origin = np.array([[header[f"qoffset_{name}"]] for name in "xyz"], float)
    return np.hstack([turn * steps, origin])
