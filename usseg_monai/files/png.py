"""PNG files of 8 or 16 bits, written atomically."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.files.write import atomic_path

__all__ = ["encode_png", "write_png"]

_BAND = 128  # rows of a picture that are filtered at a time
_PNG_LEVEL = 1  # measured on HC18 overlays and masks: a third of the time of level 6, files a few kB larger


def write_png(path: str | Path, pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> None:
    """Write a PNG.

    Args:
        path: target; folders are made as needed.
        pixels: as for `encode_png`.

    Raises:
        OutputError: no permission, no space, a folder is in the way.
    """
    data = encode_png(pixels)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def encode_png(pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> bytes:
    """The bytes of a PNG file.

    Args:
        pixels: uint8 or uint16 ``(rows, cols)`` grey, or uint8 ``(rows, cols, 3)`` RGB.

    >>> encode_png(np.zeros((2, 3), np.uint8))[1:4]
    b'PNG'
    """
    if pixels.dtype == np.uint8 and pixels.ndim == 3:
        return _rgb_png(pixels)
    if pixels.dtype not in (np.uint8, np.uint16) or pixels.ndim != 2:
        raise TypeError(f"pixels of type {pixels.dtype} and shape {pixels.shape}; a PNG takes uint8, or uint16 for grey")
    from PIL import Image

    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, format="PNG", compress_level=_PNG_LEVEL)
    return encoded.getvalue()


def _rgb_png(pixels: npt.NDArray[Any]) -> bytes:
    """RGB as PNG (ISO/IEC 15948), each row minus the one above it (filter 2).

    Pillow tries five filters on each row: on overlays, whose rows are often equal, this takes twice the time for the same size.
    """
    rows, cols = pixels.shape[:2]
    compressor = zlib.compressobj(_PNG_LEVEL, strategy=zlib.Z_RLE)
    data = []
    for start in range(0, rows, _BAND):
        band = pixels[start : start + _BAND].reshape(-1, 3 * cols)
        above = pixels[start - 1].reshape(1, 3 * cols) if start else np.zeros((1, 3 * cols), np.uint8)
        lines = np.empty((len(band), 3 * cols + 1), np.uint8)
        lines[:, 0] = 2
        np.subtract(band[:1], above, out=lines[:1, 1:])
        np.subtract(band[1:], band[:-1], out=lines[1:, 1:])
        data.append(compressor.compress(lines.data))
    data.append(compressor.flush())
    header = struct.pack(">IIBBBBB", cols, rows, 8, 2, 0, 0, 0)  # 8 bits, RGB
    chunks = ((b"IHDR", header), (b"IDAT", b"".join(data)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind))) for kind, body in chunks
    )
