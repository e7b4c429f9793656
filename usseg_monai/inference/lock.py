"""One run at a time in an output folder, which stays the same folder from its start to its end."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from usseg_monai.errors import OutputError

__all__ = ["HeldFolder", "lock_folder"]

_NAME = ".lock"
_NO_LOCKS = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK}  # of a file system that has none, as some of clusters


class HeldFolder:
    """An output folder that this process holds; see `lock_folder`. May be used from several threads at once.

    The folder may be removed, renamed or replaced during a run. Then results would be lost, or written to another place: `check` raises.

    Attributes:
        path: of the folder.
        used: whether an earlier run held it.
    """

    def __init__(self, path: Path, descriptor: int, *, used: bool) -> None:
        self.path, self.used = path, used
        self._lock = Lock()
        self._watched: dict[Path, os.stat_result] = {path / _NAME: os.fstat(descriptor)}
        self._descriptors: list[int] = []
        self._real = path
        if os.name == "posix":
            self._descriptors.append(os.open(path, os.O_RDONLY | os.O_DIRECTORY))
            by_descriptor = Path(f"/proc/self/fd/{self._descriptors[0]}")  # of Linux
            self._real = by_descriptor if by_descriptor.is_dir() else path
        self.check()  # the lock lies in the folder that was opened

    @contextmanager
    def writing(self, *files: Path) -> Iterator[Path]:
        """Check the folder, and give a path to it that leads to no other, even if the folder is renamed or replaced meanwhile.

        Args:
            files: that will be written below it, relative to it; their folders are made as needed.

        Raises:
            OutputError: the folder is not what it was, or cannot be written to.
        """
        self.check()
        try:
            for file in files:
                self._make_folder_of(file)
            yield self._real
        except OutputError as error:
            self.check()
            raise OutputError(str(error).replace(str(self._real), str(self.path))) from error

    def watch(self, *files: Path) -> None:
        """Include files in `check` that are there by now and that the run keeps open."""
        with self._lock:
            for file in files:
                try:
                    self._watched[file] = os.lstat(file)
                except OSError as error:
                    raise self._lost(file) from error

    def check(self) -> None:
        """Raise `OutputError` if the folder, or a part of it that is in use, is not where it was or is another by now."""
        with self._lock:
            for path, known in self._watched.items():
                try:
                    same = os.path.samestat(os.lstat(path), known)
                except OSError:
                    same = False
                if not same:
                    raise self._lost(path)

    def close(self) -> None:
        """Give the folder up."""
        for descriptor in self._descriptors:
            os.close(descriptor)

    def _make_folder_of(self, file: Path) -> None:
        """Make the folders above a file, as needed; a link on the way is refused, and this folder is not made again."""
        here = self._real
        for depth, part in enumerate(file.parts[:-1]):
            here = here / part
            try:
                os.mkdir(here)
            except FileExistsError:
                if os.path.islink(here) or not os.path.isdir(here):
                    raise OutputError(f"{here} cannot be written to: it is a link or a file; remove it or give another folder") from None
            except OSError as error:
                raise OutputError(f"{here}: cannot be written ({error.strerror}); give another output folder, or make room") from error
            if depth == 0 and self.path / part not in self._watched:
                self._watch_folder(part)

    def _watch_folder(self, name: str) -> None:
        """Watch a folder; while its descriptor is open, no other folder gets its number."""
        with self._lock:
            if self.path / name in self._watched:
                return
            try:
                if os.name == "posix":
                    self._descriptors.append(os.open(self._real / name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW))
                self._watched[self.path / name] = os.lstat(self._real / name)
            except OSError as error:
                raise self._lost(self.path / name) from error

    def _lost(self, path: Path) -> OutputError:
        place = path.parent if path.name == _NAME else path
        return OutputError(
            f"{place} cannot be written any longer: it was removed, renamed or replaced during the run; "
            "run the command again, with --resume if the folder is put back"
        )


@contextmanager
def lock_folder(folder: Path) -> Iterator[HeldFolder]:
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
        used = os.path.lexists(folder / _NAME)
        descriptor = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), 0o666)
    except OSError as error:
        reason = f"{_NAME} in it is a link" if error.errno == errno.ELOOP else error.strerror
        raise OutputError(f"{folder}: cannot be written ({reason}); give another output folder") from error
    try:
        try:
            _lock(descriptor)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                busy = f"{folder}: another run writes into this folder; wait for its end, or give another output folder"
                raise OutputError(busy) from error
        held = HeldFolder(folder, descriptor, used=used)
        try:
            yield held
        finally:
            held.close()
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
