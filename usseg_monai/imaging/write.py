"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import OutputError

_TEMPORARY = re.compile(r"\.[0-9a-f]{16}(\..*)?")
_BAND = 128  # rows of a picture that are filtered at a time
_PNG_LEVEL = 1  # measured on HC18 overlays and masks: a third of the time of level 6, files a few kB larger


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary file name beside `path`, renamed to `path` when the block ends well, removed when it does not.

    Folders are made as needed. A link at `path` is replaced, never followed. The block must only write: its `OSError` becomes an
    `OutputError`.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "new" / "a.txt"
    >>> with atomic_path(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    path = Path(path)
    temporary = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")  # the suffix stays: some writers choose the format by it
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); give another output folder, or make room in this one"
        ) from error
    finally:
        with suppress(OSError):  # nothing is left there after success
            temporary.unlink()


def is_temporary(name: str) -> bool:
    """Whether a file's name is one that `atomic_path` gives: what is found under it was left by a killed process.

    >>> is_temporary(".0123456789abcdef.png"), is_temporary(".journal.jsonl"), is_temporary("0123456789abcdef.png")
    (True, False, False)
    """
    return _TEMPORARY.fullmatch(name) is not None


def write_png(path: str | Path, pixels: npt.NDArray[np.uint8]) -> None:
    """Write an 8-bit PNG.

    Args:
        path: target; folders are made as needed.
        pixels: uint8, ``(rows, cols)`` grey or ``(rows, cols, 3)`` RGB.

    Raises:
        OutputError: no permission, no space, a folder is in the way.
    """
    from PIL import Image

    if pixels.dtype != np.uint8:
        raise TypeError(f"pixels of type {pixels.dtype}; a PNG takes uint8")
    if pixels.ndim == 3:
        data = _rgb_png(pixels)
        with atomic_path(path) as temporary:
            temporary.write_bytes(data)
        return
    with atomic_path(path) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG", compress_level=_PNG_LEVEL)


def _rgb_png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """RGB as PNG (ISO/IEC 15948), each row less the one above it (filter 2).

    Pillow tries five filters on each row: on overlays, whose rows are often equal, that takes twice the time for the same size.
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


def write_text(path: str | Path, text: str) -> None:
    """Write text in UTF-8 with the line ends it has; raises `OutputError` as `write_png` does.

    Names of files may hold bytes that are no UTF-8; they are written as ``\\udcXX``.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))
