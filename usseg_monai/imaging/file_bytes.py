"""The bytes of a file: small files are read, large ones mapped; pipes and devices are refused."""

from __future__ import annotations

import io
import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from usseg_monai.errors import ImageError
from usseg_monai.imaging.limits import Limits

__all__ = ["READ_AT_MOST", "BufferFile", "mapped", "read_small", "small"]

READ_AT_MOST = 1 << 20
"""Largest file in bytes that `mapped` reads, which costs less than mapping it."""


class BufferFile(io.RawIOBase):
    """A buffer as a file, for libraries that read files; only what they read is copied.

    >>> BufferFile(b"abcdef").read(2)
    b'ab'
    """

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: len(self._data)}[whence]
        if start + offset < 0:
            raise ValueError(f"a position before the beginning: {start + offset}")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, target: object) -> int:
        view = memoryview(target)  # type: ignore[arg-type]
        part = self._data[self._at : self._at + len(view)]
        view[: len(part)] = part
        self._at += len(part)
        return len(part)


def read_small(path: str | os.PathLike[str], limits: Limits, most: int) -> bytes | None:
    """The whole file, ``None`` if it has more than `most` bytes.

    Raises:
        ImageError: empty, too large, not a regular file, unreadable, or changed meanwhile.
    """
    with _opened(path, limits) as (file, size):
        if size > most:
            return None
        return _whole(file, size)


def small(content: bytes, limits: Limits, most: int) -> bytes | None:
    """Like `read_small`, for file content that is already in memory."""
    _check_size(len(content), limits)
    return content if len(content) <= most else None


def mapped(path: str | os.PathLike[str] | bytes, limits: Limits) -> memoryview:
    """The whole file; a large one is mapped, so that only the parts read take memory.

    Reading a mapped file that was truncated meanwhile kills the process (SIGBUS): use this only where that does no harm.

    Raises:
        ImageError: see `read_small`.
    """
    with _opened(path, limits) as (file, size):
        if size > READ_AT_MOST:
            return memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))
        return memoryview(_whole(file, size))


@contextmanager
def _opened(path: str | os.PathLike[str] | bytes, limits: Limits) -> Iterator[tuple[IO[bytes], int]]:
    """Open a file and yield it with its size, after checking that it may be read."""
    try:
        _check_regular(os.stat(path))  # before opening: opening a pipe, a device or a tape may block or have side effects
        # and again after: the file may be another one by now. Without O_NONBLOCK, opening a named pipe waits for a writer
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
            status = os.fstat(file.fileno())
            _check_regular(status)
            _check_size(status.st_size, limits)
            yield file, status.st_size
    except OSError as error:
        raise ImageError(f"cannot be read ({error.strerror or error})") from error


def _check_size(size: int, limits: Limits) -> None:
    limits.check_bytes("", size)
    if not size:
        raise ImageError("the file is empty (0 bytes); copy or export it again")


def _check_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ImageError("not a regular file; give an image file")


def _whole(file: IO[bytes], size: int) -> bytes:
    data = file.read(size + 1)
    if len(data) != size:
        raise ImageError("its size changed while it was read; wait until it is copied, then predict it again")
    return data
