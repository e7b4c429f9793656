"""Allows one run at a time in an output folder, and detects if the folder is replaced during the run."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock

from usseg_monai.errors import OutputError
from usseg_monai.files.write import write_text

__all__ = ["HeldFolder", "join_folder", "lock_folder"]

_NAME = ".lock"
_NO_LOCKS = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK}  # from file systems without locks, such as some on clusters


class HeldFolder:
    """An output folder locked by this process; see `lock_folder`. Thread-safe.

    If the folder is removed, renamed or replaced during a run, results would be lost or written elsewhere; then `check` raises.

    Attributes:
        path: path of the folder.
        real: a path that leads to this very folder even after it is renamed or replaced, on systems that have such paths.
        used: whether an earlier run locked it.
        on_written: called with the relative paths of files once they are written.
    """

    def __init__(self, path: Path, descriptor: int, *, used: bool) -> None:
        self.path, self.used = path, used
        self.on_written: Callable[[Sequence[Path]], None] = lambda files: None
        self._lock = Lock()
        self._watched: dict[Path, os.stat_result] = {path / _NAME: os.fstat(descriptor)}
        self._descriptors: list[int] = []
        self.real = path
        if os.name == "posix":
            self._descriptors.append(os.open(path, os.O_RDONLY | os.O_DIRECTORY))
            by_descriptor = Path(f"/proc/self/fd/{self._descriptors[0]}")  # on Linux
            self.real = by_descriptor if by_descriptor.is_dir() else path
        self.check()  # the opened folder must be the one that holds the lock

    @contextmanager
    def writing(self, *files: Path) -> Iterator[Path]:
        """Check the folder, and yield a path that leads to this very folder even if it is renamed or replaced meanwhile.

        Args:
            files: relative paths of the files to be written below it; their folders are created as needed.

        Raises:
            OutputError: the folder was replaced, or cannot be written to.
        """
        self.check()
        try:
            for file in files:
                self._make_folder_of(file)
            yield self.real
        except OutputError as error:
            self.check()
            raise OutputError(str(error).replace(str(self.real), str(self.path))) from error
        self.on_written(files)

    def write_text(self, name: str, text: str) -> None:
        """Write a text file directly into the folder, even if one of its subfolders is lost; the folder is never created again.

        Raises:
            OutputError: the folder is gone, or the disk is full.
        """
        try:
            there = os.path.samestat(os.stat(self.real / _NAME), self._watched[self.path / _NAME])
        except OSError:
            there = False
        if not there:
            raise self._lost(self.path)
        try:
            write_text(self.real / name, text)
        except OutputError as error:
            raise OutputError(str(error).replace(str(self.real), str(self.path))) from error

    def watch(self, *files: Path) -> None:
        """Add existing files that the run keeps open to those that `check` covers."""
        with self._lock:
            for file in files:
                try:
                    self._watched[file] = os.lstat(file)
                except OSError as error:
                    raise self._lost(file) from error

    def check(self) -> None:
        """Raise `OutputError` if the folder, or a part of it in use, was moved or replaced."""
        with self._lock:
            for path, known in self._watched.items():
                try:
                    same = os.path.samestat(os.lstat(path), known)
                except OSError:
                    same = False
                if not same:
                    raise self._lost(path)

    def close(self) -> None:
        """Release the folder."""
        for descriptor in self._descriptors:
            os.close(descriptor)

    def _make_folder_of(self, file: Path) -> None:
        """Create the folders above a file as needed, but never this folder itself; a link on the way is refused."""
        here = self.real
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
        """Add a subfolder to those that `check` covers; its open descriptor keeps its inode number from being reused."""
        with self._lock:
            if self.path / name in self._watched:
                return
            try:
                if os.name == "posix":
                    self._descriptors.append(os.open(self.real / name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW))
                self._watched[self.path / name] = os.lstat(self.real / name)
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
    """Lock an output folder for one run; the folder is created as needed.

    The lock belongs to the operating system and ends with the process, so a killed run never blocks others. The lock file stays: removing
    it would let two other runs in. On a file system without locks, the folder is used without one.

    Raises:
        OutputError: another run holds the lock, or the folder cannot be written to.

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
        with closing(HeldFolder(folder, descriptor, used=used)) as held:
            yield held
    finally:
        os.close(descriptor)


@contextmanager
def join_folder(folder: Path) -> Iterator[HeldFolder]:
    """Use an output folder that another process has locked for a run: that of a worker, which writes masks and overlays into it.

    Raises:
        OutputError: no run has locked this folder, or it cannot be written to.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with lock_folder(folder), join_folder(folder) as joined:
    ...     joined.check()
    """
    try:
        descriptor = os.open(folder / _NAME, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror}); workers need the output folder under the same path") from error
    try:
        with closing(HeldFolder(folder, descriptor, used=True)) as held:
            yield held
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
