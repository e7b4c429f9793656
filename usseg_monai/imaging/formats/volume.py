"""Arrays that follow a header: the common part of NIfTI, NRRD and MetaImage.

Slices are read one by one, also from compressed files: a file that inflates to gigabytes costs the memory of one slice.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError, quoted
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging.formats.axes import Axes
from usseg_monai.imaging.frames import Frames
from usseg_monai.imaging.grey import check_channels
from usseg_monai.imaging.image import Place
from usseg_monai.imaging.limits import Limits

__all__ = ["LONGEST_AXIS", "MOST_AXES", "Bytes", "Inflated", "Plain", "Volume"]

MOST_AXES = 16
"""Most axes of an array, as in NRRD; NIfTI has 7 and MetaImage 10."""

LONGEST_AXIS = (1 << 31) - 1
"""Samples."""

_CHUNK = 1 << 16
_LARGEST_BLOCK = 128 << 20  # bytes that are inflated at once for pictures whose pixels are not contiguous


class Bytes(Protocol):
    """Access to the bytes after a header."""

    def read(self, offset: int, length: int) -> bytearray | memoryview:
        """Exactly `length` bytes from `offset` on; `ImageError` if the file ends early."""
        ...


class Plain:
    """Uncompressed bytes of the file."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)

    def read(self, offset: int, length: int) -> memoryview:
        part = self._data[offset : offset + length]
        if len(part) < length:
            raise _truncated(length, len(part))
        return part


class Inflated:
    """Bytes of a gzip or zlib stream, inflated only as far as requested. Going back restarts from the beginning.

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
        self._ahead = self._inflate(1)  # one step further: if the stream ends here, its checksum is compared now
        if not self._ahead and not self._engine.eof:
            raise ImageError("the compressed stream ends early, before its checksum; copy or export it again")
        return result

    def _restart(self) -> None:
        self._engine = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: gzip or zlib, as the first bytes say
        self._position = self._fed = 0
        self._pending = self._ahead = b""

    def _pull(self, most: int) -> bytes:
        """The next bytes, at least 1 and at most `most`; empty at the end."""
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
        """The next compressed bytes, in small parts, because zlib copies what it does not consume."""
        part = bytes(self._data[self._fed : self._fed + _CHUNK])
        self._fed += len(part)
        return part


@dataclass(frozen=True)
class Volume:
    """An array with its description.

    Attributes:
        format: decoder's name.
        size: along every axis, the one that changes fastest first.
        dtype: of one sample, with its byte order.
        bytes: access to the samples.
        axes: what the axes are; those that are neither columns, rows nor channels count frames.
        offset: of the first sample within `bytes`.
        spacing_mm: ``(row, col)`` or ``None``.
        slope, intercept: grey value = stored value x slope + intercept.
        place: maps the index of a frame to where and when it was taken, ``None`` for files that do not state it.
    """

    format: str
    size: tuple[int, ...]
    dtype: np.dtype[Any]
    bytes: Bytes
    axes: Axes = field(default_factory=Axes)
    offset: int = 0
    spacing_mm: Spacing | None = None
    slope: float = 1.0
    intercept: float = 0.0
    place: Callable[[int], Place] | None = None

    def frames(self, limits: Limits) -> Frames:
        """Check the size and give access to the frames."""
        if len(self.size) > MOST_AXES:
            raise ImageError(f"{len(self.size)} axes: at most {MOST_AXES} are read; export one picture, volume or cine per file")
        if any(length > LONGEST_AXIS for length in self.size):
            raise ImageError(f"an axis of {quoted(max(self.size))} samples: at most {LONGEST_AXIS} can be counted; the header is damaged")
        if len(self.size) < 2 or min(self.size) < 1:
            raise ImageError(f"size {' x '.join(map(str, self.size)) or 'missing'}: at least two axes, none of them empty, are needed")
        check_channels(self.channels)
        count = math.prod(self.size[axis] for axis in self.axes.others(len(self.size)))
        rows, cols = self.size[self.axes.row], self.size[self.axes.col]
        limits.check(rows, cols, count)
        limits.check_samples(rows, cols, self.channels * self.dtype.itemsize)
        self._check_inflated(limits)
        unpacks_to = self._ends_at() if isinstance(self.bytes, Inflated) else 0
        return Frames(self.format, count, self.spacing_mm, self._loader(), self.place, unpacks_to)

    @property
    def channels(self) -> int:
        """Number of samples per pixel."""
        return 1 if self.axes.channel is None else self.size[self.axes.channel]

    def _check_inflated(self, limits: Limits) -> None:
        if not isinstance(self.bytes, Inflated):
            return
        limits.check_bytes("inflates to ", self._ends_at(), "split it, or save its samples in fewer bits")
        if self._frames_of_block() > 1 and self._block_bytes() > _LARGEST_BLOCK:
            raise ImageError(
                f"the axes of its pictures are not the fastest axes, and {self._block_bytes()} bytes would have to be inflated at once, "
                f"more than {_LARGEST_BLOCK}; unpack it first, or save it with the slices along the third axis"
            )

    def _ends_at(self) -> int:
        return self.offset + math.prod(self.size) * self.dtype.itemsize

    def _in_block(self) -> tuple[int, ...]:
        """Sizes of the axes that have to be read together for one picture: up to the slowest of its axes."""
        own = (self.axes.col, self.axes.row, -1 if self.axes.channel is None else self.axes.channel)
        return self.size[: max(own) + 1]

    def _block_bytes(self) -> int:
        return math.prod(self._in_block()) * self.dtype.itemsize

    def _frames_of_block(self) -> int:
        block = self._in_block()
        return math.prod(block[axis] for axis in self.axes.others(len(block)))

    def _loader(self) -> Callable[[int], npt.NDArray[Any]]:
        block, length, frames = self._in_block(), self._block_bytes(), self._frames_of_block()
        order = [axis for axis in (self.axes.row, self.axes.col, self.axes.channel) if axis is not None]
        last: dict[int, npt.NDArray[Any]] = {}  # the block that was read last, by its number

        def load(index: int) -> npt.NDArray[Any]:
            number, within = divmod(index, frames)
            if number not in last:
                last.clear()
                samples = np.frombuffer(self.bytes.read(self.offset + number * length, length), self.dtype)
                axes = self.axes.others(len(block))
                last[number] = samples.reshape(block, order="F").transpose(*axes, *order)
            where = np.unravel_index(within, last[number].shape[: -len(order)], order="F")
            picture = np.ascontiguousarray(last[number][where])
            if frames == 1:
                last.clear()  # it holds no further frame
            if (self.slope, self.intercept) == (1.0, 0.0):
                return picture
            with np.errstate(over="ignore", invalid="ignore"):
                scaled: npt.NDArray[np.float32] = picture.astype(np.float32) * np.float32(self.slope) + np.float32(self.intercept)
            return scaled

        return load


def _truncated(wanted: int, found: int) -> ImageError:
    return ImageError(f"the file ends early: {wanted} bytes were declared, {found} are there; copy or export it again")
