"""DICOM's run-length code (PS3.5, annex G), decoded by Pillow's decoder for the same code, within the size of the frame."""

from __future__ import annotations

from itertools import pairwise
from struct import unpack_from
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from usseg_monai.errors import ImageError

__all__ = ["decode_rle"]

_HEADER = 64


def decode_rle(frame: memoryview, rows: int, cols: int, samples: int, bits_allocated: int) -> npt.NDArray[Any]:
    """Unsigned samples of a frame, ``(rows, cols)`` or ``(rows, cols, samples)``.

    Args:
        frame: header and segments; for each sample, its bytes from the highest to the lowest.
        rows, cols, samples, bits_allocated: as the header of the file declares them.

    Raises:
        ImageError: wrong number of segments, or segments that are truncated or out of order.
    """
    size = bits_allocated // 8
    if len(frame) < _HEADER or bits_allocated % 8 or size not in (1, 2, 4, 8):
        raise ImageError("run-length coded pixels without a readable header; the file is damaged, export it again")
    count, *offsets = unpack_from("<16I", frame)
    if count != samples * size:
        raise ImageError(f"{count} run-length segments, {samples * size} were declared; the file is damaged, export it again")
    bounds = [*offsets[:count], len(frame)]
    if bounds[0] < _HEADER or any(first > second for first, second in pairwise(bounds)):
        raise ImageError("run-length segments out of order; the file is damaged, export it again")
    shape = (rows, cols) if samples == 1 else (rows, cols, samples)
    decoded = np.empty((*shape, size), np.uint8)  # highest byte first
    planes = decoded.reshape(rows * cols, samples * size)
    for index in range(count):
        planes[:, index] = _unpack(bytes(frame[bounds[index] : bounds[index + 1]]), rows * cols)
    return decoded.view(f">u{size}")[..., 0]


def _unpack(segment: bytes, length: int) -> npt.NDArray[np.uint8]:
    """`length` bytes of a segment. Pillow gets one long line, as some writers let runs cross the rows; excess bytes are ignored."""
    try:
        line = Image.frombytes("L", (length, 1), segment, "packbits", "L")
    except ValueError:
        raise ImageError("run-length coded pixels are cut; copy or export the file again") from None
    values: npt.NDArray[np.uint8] = np.asarray(line)[0]
    return values
