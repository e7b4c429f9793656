"""Arrays that lie behind a header: what NIfTI, NRRD and MetaImage have in common.

Slices are read one by one, compressed ones too: a file that inflates to gigabytes costs the memory of one slice.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError
from usseg_monai.imaging.frames import Frames
from usseg_monai.imaging.image import Place, Spacing, is_spacing
from usseg_monai.imaging.limits import Limits

_CHUNK = 1 << 16


class Bytes(Protocol):
    """Access to the bytes behind a header."""

    def read(self, offset: int, length: int) -> bytearray | memoryview:
        """Exactly `length` bytes from `offset` on; `ImageError` where the file ends before."""
        ...


class Plain:
    """Bytes as they lie in the file."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)

    def read(self, offset: int, length: int) -> memoryview:
        part = self._data[offset : offset + length]
        if len(part) < length:
            raise _truncated(length, len(part))
        return part


class Inflated:
    """Bytes of a gzip or zlib stream, inflated only as far as they are asked for. Going back starts again from the beginning.

    >>> Inflated(zlib.compress(b"abcdef")).read(2, 3)
    bytearray(b'cde')
    """

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self._restart()

    def read(self, offset: int, length: int) -> bytearray:
        if offset < self._position:
            self._restart()
        while self._position < offset:
            if not self._pull(min(offset - self._position, 16 * _CHUNK)):
                raise _truncated(offset, self._position)
        result = bytearray()
        while len(result) < length:
            part = self._pull(min(length - len(result), 16 * _CHUNK))
            if not part:
                raise _truncated(length, len(result))
            result += part
        self._ahead = self._inflate(1)  # one step further: where the stream ends here, its checksum is compared now
        return result

    def _restart(self) -> None:
        self._engine = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: gzip or zlib, as the first bytes say
        self._position = self._fed = 0
        self._pending = self._ahead = b""

    def _pull(self, most: int) -> bytes:
        """The next bytes, at least 1 and at most `most`; none at the end."""
        part, self._ahead = (self._ahead, b"") if self._ahead else (self._inflate(most), b"")
        self._position += len(part)
        return part

    def _inflate(self, most: int) -> bytes:
        while True:
            if self._engine.eof:  # a gzip file may have several members
                self._pending = self._engine.unused_data or self._feed()
                if not self._pending.startswith(b"\x1f\x8b"):
                    return b""
                self._engine = zlib.decompressobj(zlib.MAX_WBITS | 32)
            self._pending = self._pending or self._feed()
            ended = not self._pending
            part = self._engine.decompress(self._pending, most)
            self._pending = self._engine.unconsumed_tail
            if part or ended:
                return part

    def _feed(self) -> bytes:
        """The next compressed bytes: in small parts, because zlib copies what it leaves over."""
        part = bytes(self._data[self._fed : self._fed + _CHUNK])
        self._fed += len(part)
        return part


@dataclass(frozen=True)
class Volume:
    """A described array.

    Attributes:
        format: decoder's name.
        size: ``(cols, rows)`` or ``(cols, rows, slices, ...)``: the axis that changes fastest comes first. Slices are frames.
        dtype: of one sample, with its byte order.
        channels: samples of a pixel, interleaved.
        offset: of the first sample within `bytes`.
        bytes: where the samples are.
        spacing_mm: ``(row, col)`` or ``None``.
        slope, intercept: grey value = stored value x slope + intercept.
        place: index of a slice to where and when it was taken, ``None`` for formats that do not tell.
    """

    format: str
    size: tuple[int, ...]
    dtype: np.dtype[Any]
    bytes: Bytes
    offset: int = 0
    channels: int = 1
    spacing_mm: Spacing | None = None
    slope: float = 1.0
    intercept: float = 0.0
    place: Callable[[int], Place] | None = None

    def frames(self, limits: Limits) -> Frames:
        """Check the size and give access to the slices."""
        if len(self.size) < 2 or min(self.size) < 1:
            raise ImageError(f"size {' x '.join(map(str, self.size)) or 'missing'}: at least two axes, none of them empty, are needed")
        if self.channels not in (1, 3, 4):
            raise ImageError(f"{self.channels} channels: only grey (1), RGB (3) and RGBA (4) are read; save it as a grey picture")
        cols, rows = self.size[:2]
        count = math.prod(self.size[2:])
        limits.check(rows, cols, count)
        length = rows * cols * self.channels * self.dtype.itemsize
        shape = (rows, cols) if self.channels == 1 else (rows, cols, self.channels)

        def load(index: int) -> npt.NDArray[Any]:
            samples = np.frombuffer(self.bytes.read(self.offset + index * length, length), self.dtype).reshape(shape)
            if (self.slope, self.intercept) == (1.0, 0.0):
                return samples
            with np.errstate(over="ignore", invalid="ignore"):
                scaled: npt.NDArray[np.float32] = samples.astype(np.float32) * np.float32(self.slope) + np.float32(self.intercept)
            return scaled

        return Frames(self.format, count, self.spacing_mm, load, self.place)


def trusted_spacing(row: float, col: float) -> Spacing | None:
    """Spacing of a header, or ``None`` where it says nothing.

    Exactly 1 x 1 is what writers of these formats put where the spacing is not known (a PNG converted by ITK): an unknown length must not
    become millimetres.

    >>> trusted_spacing(0.2, 0.1), trusted_spacing(1.0, 1.0), trusted_spacing(0.0, 0.1)
    ((0.2, 0.1), None, None)
    """
    return None if row == col == 1.0 or not is_spacing(row, col) else (row, col)


def _truncated(wanted: int, found: int) -> ImageError:
    return ImageError(f"the file ends early: {wanted} bytes were declared, {found} are there; copy or export it again")
