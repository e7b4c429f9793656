"""One run at a time in an output folder."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from usseg_monai.errors import OutputError

__all__ = ["lock_folder"]

_NAME = ".lock"
_NO_LOCKS = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK}  # of a file system that has none, as some of clusters


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold an output folder, made as needed, for one run.

    The lock is the system's and ends with the process, however that ends: a killed run is in nobody's way. Its file stays, since to
    remove it would let two others in. A file system that has no locks is used without.

    Raises:
        OutputError: another run holds it, or it cannot be written to.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with lock_folder(folder), lock_folder(folder):  # doctest: +ELLIPSIS
    ...     pass
    Traceback (most recent call last):
    usseg_monai.errors.OutputError: ...: another run writes into this folder; wait for its end, or give another output folder
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror}); give another output folder") from error
    try:
        try:
            _lock(descriptor)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                busy = f"{folder}: another run writes into this folder; wait for its end, or give another output folder"
                raise OutputError(busy) from error
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
