"""The bytes of a file: read where it is small, mapped where it is large; never from a pipe or a device."""

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

READ_AT_MOST = 1 << 20
"""Bytes up to which `mapped` reads a file, which costs less than mapping it."""


class BufferFile(io.RawIOBase):
    """A buffer as a file, for libraries that read files: nothing is copied but what they read.

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
    """The whole file, ``None`` where it has more than `most` bytes.

    Raises:
        ImageError: empty, too large, no regular file, unreadable, or changed meanwhile.
    """
    with _opened(path, limits) as (file, size):
        if size > most:
            return None
        return _whole(file, size)


def mapped(path: str | os.PathLike[str] | bytes, limits: Limits) -> memoryview:
    """The whole file; a large one is mapped, so that only what is looked at takes memory.

    To touch a mapped file that was cut meanwhile ends the process (SIGBUS): use it where that does no harm.

    Raises:
        ImageError: as `read_small`.
    """
    with _opened(path, limits) as (file, size):
        if size > READ_AT_MOST:
            return memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))
        return memoryview(_whole(file, size))


@contextmanager
def _opened(path: str | os.PathLike[str] | bytes, limits: Limits) -> Iterator[tuple[IO[bytes], int]]:
    """The file, open, and its size, once it is clear that it may be read."""
    try:
        _check_regular(os.stat(path))  # before it is opened: opening a pipe, a device or a tape may wait, or do something
        # and again after: what is there may be another by now. Without O_NONBLOCK a named pipe would keep us waiting for a writer
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
            status = os.fstat(file.fileno())
            _check_regular(status)
            if status.st_size > limits.max_file_bytes:
                raise ImageError(
                    f"{status.st_size} bytes: more than {limits.max_file_bytes}; split the file, or read it with Limits(max_file_bytes=...)"
                )
            if not status.st_size:
                raise ImageError("the file is empty (0 bytes); copy or export it again")
            yield file, status.st_size
    except OSError as error:
        raise ImageError(f"cannot be read ({error.strerror or error})") from error


def _check_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ImageError("not a regular file; give an image file")


def _whole(file: IO[bytes], size: int) -> bytes:
    data = file.read(size + 1)
    if len(data) != size:
        raise ImageError("its size changed while it was read; wait until it is copied, then predict it again")
    return data
