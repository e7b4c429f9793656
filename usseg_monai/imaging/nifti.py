"""NIfTI 1 and 2 in one file, plain or gzip: the header by nibabel, the samples by us, so that a bomb is never inflated whole.

Axes are kept as stored: axis 0 runs along the columns of the picture, axis 1 along its rows (MONAI's ``(W, H)``), every further index is a
frame. No turn by the affine: a mask lies on the voxels that were read. Axis 2 counts slices, axis 3 phases.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from usseg_monai.errors import ImageError
from usseg_monai.imaging.frames import Frames
from usseg_monai.imaging.image import Place, is_spacing
from usseg_monai.imaging.limits import Limits
from usseg_monai.imaging.volume import Bytes, Inflated, Plain, Volume, trusted_spacing

_MILLISECONDS = {"sec": 1000.0, "msec": 1.0, "usec": 0.001}
_LONGEST_STEP_MS = 1e6  # between two phases of a heart beat, generously
_MILLIMETRES = {"mm": 1.0, "meter": 1000.0, "micron": 0.001, "unknown": 1.0}


def is_nifti(head: bytes) -> bool:
    """Whether the first 348 bytes (inflated) are the header of a NIfTI file that holds its voxels."""
    return head[344:348] == b"n+1\0" or head[4:8] == b"n+2\0"


def open_nifti(data: bytes, limits: Limits) -> Frames:
    """Open a NIfTI file.

    Args:
        data: the whole file, gzip or not.
        limits: bounds of a frame and of the file.
    """
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    source: Bytes = Inflated(data) if data.startswith(b"\x1f\x8b") else Plain(data)
    kind: Any = Nifti1Header if bytes(source.read(0, 348))[344:348] == b"n+1\0" else Nifti2Header
    # single-file headers; check=False: nibabel would write its findings to the terminal
    header = kind(bytes(source.read(0, kind.template_dtype.itemsize)), check=False)
    size = tuple(int(n) for n in header.get_data_shape())
    while len(size) > 2 and size[-1] == 1:
        size = size[:-1]
    dtype = header.get_data_dtype()
    channels = 1
    if dtype.names:  # RGB24 and RGBA32 are records of bytes
        channels, dtype = len(dtype.names), np.dtype(np.uint8)
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise ImageError(f"samples of type {dtype}: only whole and real numbers of at most 64 bits are read")
    offset = float(header["vox_offset"])
    if not math.isfinite(offset) or offset < header.template_dtype.itemsize:
        raise ImageError(f"voxels at byte {offset:g}, inside the header; the file is damaged, export it again")
    slope, intercept = header.get_slope_inter()
    unit, time_unit = header.get_xyzt_units()
    col, row, distance = (_MILLIMETRES.get(unit, math.nan) * float(zoom) for zoom in header["pixdim"][1:4])
    spacing = trusted_spacing(row, col)
    step_ms = _MILLISECONDS.get(time_unit, math.nan) * float(header["pixdim"][4])
    slices = size[2] if len(size) > 2 else 1

    def place(index: int) -> Place:
        phase, number = divmod(index, slices)
        known = spacing is not None and is_spacing(distance, distance)
        position = (0.0, 0.0, number * distance) if known else None
        time_ms = phase * step_ms if 0 < step_ms <= _LONGEST_STEP_MS else None
        return Place(position_mm=position, normal=(0.0, 0.0, 1.0), time_ms=time_ms, number=phase)

    return Volume(
        format="nifti",
        size=size,
        dtype=dtype,
        bytes=source,
        offset=int(offset),
        channels=channels,
        spacing_mm=spacing,
        slope=1.0 if slope is None else float(slope),
        intercept=0.0 if intercept is None else float(intercept),
        place=place,
    ).frames(limits)
