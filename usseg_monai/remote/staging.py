"""Copies of objects in a temporary folder, for as long as they are read.

Decoders need regular local files. The folder is that of this process, in ``TMPDIR``; it goes with the process. What killed processes left
is removed by the next one.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from usseg_monai.errors import ImageError, OutputError, printable
from usseg_monai.remote.store import store_of

__all__ = ["staged"]

_PREFIX = "usseg-staged-"
_LOCK = ".lock"


@contextmanager
def staged(address: str, size: int) -> Iterator[str]:
    """The path of a local copy of an object, with its name; it is removed at the end.

    Args:
        address: of an object whose name can be that of a file.
        size: number of bytes that it must have.

    Raises:
        ImageError: the object is gone or was changed.
        OutputError: the store does not answer, or there is no room.
    """
    root = _folder(os.getpid())
    name = address.rpartition("/")[2]
    if shutil.disk_usage(root).free < size:
        raise OutputError(
            f"{root.parent}: no room to stage {printable(address)} ({size} bytes); make room, or set TMPDIR to a larger folder"
        )
    folder = Path(tempfile.mkdtemp(dir=root))
    try:
        store_of(address).get(address, folder / name)
        if (found := (folder / name).stat().st_size) != size:
            raise ImageError(f"{printable(name)}: {found} bytes, and {size} when it was listed: it changes; run again with --resume")
        yield str(folder / name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@cache
def _folder(process: int) -> Path:
    """The folder of this process, which holds a lock as long as the process lives."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if os.name == "posix":
        import fcntl

        for left in folder.parent.glob(f"{_PREFIX}*/{_LOCK}"):
            with suppress(OSError), left.open("rb+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left.parent, ignore_errors=True)
        descriptor = os.open(folder / "new", os.O_RDWR | os.O_CREAT)  # stays open
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.rename(folder / "new", folder / _LOCK)  # now it is held, so nobody takes the folder for a left one
    return folder
