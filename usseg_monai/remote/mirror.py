"""Keeps an address like a local working folder: what is written there is uploaded, what is removed there is removed.

Records and tables grow, and objects cannot: they live in the working folder, which stays after the run. It has the same name for the same
address, so a killed run resumes in it; on another machine it is fetched from the address first. Objects are uploaded whole. The file
``.uploaded`` in the folder lists what the address has.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import re
import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path

from usseg_monai.errors import ImageError, OutputError, UssegError
from usseg_monai.files.write import atomic_path
from usseg_monai.remote.address import unusable_name
from usseg_monai.remote.store import Facts, store_of

__all__ = ["Mirror", "working_folder"]

RECORDS_EVERY_SECONDS = 120.0
"""Time between uploads of records and tables; longer if they take more than a twentieth of it."""

_UPLOADED = ".uploaded"
_AT_A_TIME = 8
_BATCH = 1000  # names whose work is planned at once
_WAITING = 64  # files; then the run waits for the store
_TOP = re.compile(r"[^./][^/]*\.(csv|html|json|jsonl)")
_LARGEST_RECORD = 16 << 20
_REMOVED = hash(None)


def working_folder(address: str) -> Path:
    """The local working folder of an output address: below ``XDG_CACHE_HOME``, else ``~/.cache``, the same one every time.

    >>> working_folder("s3://bucket/out").parent.name, working_folder("s3://bucket/out").name.partition("-")[0]
    ('usseg-monai', 'out')
    """
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    store = os.environ.get("AWS_ENDPOINT_URL", "")  # another store may have an equal address
    digest = hashlib.sha256(f"{store}\n{address}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
    name = re.sub(r"[^\w.-]", "_", address.rpartition("/")[2])[:40]
    return Path(cache, "usseg-monai", f"{name}-{digest}")


class Mirror:
    """An address that is kept like its working folder, by a run that holds the folder.

    Args:
        address: of the output.
        folder: the working folder.
        folders: names of the folders in it that are mirrored; files with the ending of a record or table are, too.
        record: name of the file that every output has; its ``started`` shows which of two states is the later one.

    All methods raise `OutputError` if the store cannot be used.
    """

    def __init__(self, address: str, folder: Path, folders: Collection[str], record: str) -> None:
        self.address, self.folder = address, folder
        self._store, self._folders, self._record = store_of(address), frozenset(folders), record
        self._waiting: queue.Queue[str | None] = queue.Queue(_WAITING)
        self._error: OutputError | None = None
        self._threads: list[threading.Thread] = []
        self._ended, self._recorded = threading.Event(), threading.Event()
        self._journal = threading.Lock()

    def begin(self, *, contents: bool) -> None:
        """Make the working folder that of the last run at the address, wherever that was.

        Args:
            contents: fetch whole files; else their names are enough, because they are to be removed.

        Raises:
            OutputError: the address holds files that no run wrote.
        """
        try:
            there = self._listed()
            theirs = self._started_there(there[self._record]) if self._record in there else ""
        except ImageError as error:
            raise OutputError(str(error)) from error
        ours = _started(self.folder / self._record)
        if there and not theirs and not ours:
            raise OutputError(f"{self.address} holds {min(there)}, which no run wrote: it could be overwritten; give another address")
        if theirs > ours:
            self._fetch(there, contents=contents)
        else:
            known = ((name, stamp) for name, stamp in self._uploaded() if stamp and name in there and there[name].size == stamp[0])
            _write_lines(self.folder / _UPLOADED, (_line(name, stamp) for name, stamp in known))

    def start(self) -> None:
        """Upload from now on what is published, and the records every few minutes."""
        for work in (*[self._upload_published] * _AT_A_TIME, self._upload_records_now_and_then):
            self._threads.append(threading.Thread(target=work, name="usseg-upload"))
            self._threads[-1].start()

    def publish(self, files: Sequence[Path]) -> None:
        """Upload files of the working folder, soon; waits while many are due. Files that do not exist are ignored."""
        for file in files:
            self._raise_error()
            self._waiting.put(file.as_posix())

    def finish(self) -> None:
        """Upload everything that the address lacks, remove what the folder has no longer, and upload the records, the run's last."""
        self._stop(drain=True)
        self._raise_error()
        uploaded: dict[int, int] = {}
        for name, stamp in self._uploaded():
            uploaded[hash(name)] = hash(stamp)
        gone = {name for name, _ in self._uploaded() if uploaded[hash(name)] != _REMOVED and not os.path.lexists(self.folder / name)}
        _each(self._upload, (name for name in self._local() if uploaded.get(hash(name)) != hash(_stamp(self.folder / name))))
        _each(self._remove, gone)
        self.upload_records()

    def leave(self) -> None:
        """After an error: upload the records as they are, if the store can be used; the rest waits for the next run."""
        self._stop(drain=False)
        if self._error is None:
            with suppress(UssegError):
                self.upload_records()

    def upload_records(self) -> None:
        """Upload tables and records, the run's last: an address that says that a run is finished has everything."""
        names = [path.name for path in self.folder.iterdir() if _TOP.fullmatch(path.name)]
        for name in sorted(names, key=lambda name: (name == self._record, name)):
            self._upload(name)

    def _upload_published(self) -> None:
        self._recorded.wait()  # results without a record would be taken for those of another origin
        while (name := self._waiting.get()) is not None:
            if self._error is None:
                self._noting_errors(partial(self._upload, name))

    def _upload_records_now_and_then(self) -> None:
        pause = 0.1  # soon: an address that cannot be written to ends the run before it works for hours
        while not self._ended.wait(pause):
            if (self.folder / self._record).exists():
                begun = time.monotonic()
                self._noting_errors(self.upload_records)
                self._recorded.set()
                pause = max(RECORDS_EVERY_SECONDS, 20 * (time.monotonic() - begun))

    def _noting_errors(self, upload: Callable[[], None]) -> None:
        """Keep an error for the thread that publishes next."""
        try:
            upload()
        except OutputError as error:
            self._error = error
        except Exception as error:  # else the run would wait for this thread without an end
            self._error = OutputError(f"{self.address}: unexpected {type(error).__name__} while uploading; run again with --resume")

    def _upload(self, name: str) -> None:
        path = self.folder / name
        stamp = _stamp(path)
        if stamp is None:  # removed meanwhile
            return
        try:
            self._store.put(path, f"{self.address}/{name}")
        except OutputError:
            if path.exists():
                raise
            return
        self._note(name, stamp)

    def _remove(self, name: str) -> None:
        self._store.remove(f"{self.address}/{name}")
        self._note(name, None)

    def _note(self, name: str, stamp: tuple[int, int] | None) -> None:
        try:
            with self._journal, (self.folder / _UPLOADED).open("a", encoding="utf-8") as journal:
                journal.write(_line(name, stamp))
        except OSError as error:
            raise OutputError(f"{self.folder}: the working folder cannot be written ({error.strerror}); make room in it") from error

    def _uploaded(self) -> Iterator[tuple[str, tuple[int, int] | None]]:
        """Stamp of each object when it was uploaded, or ``None`` when it was removed, in this order."""
        with suppress(OSError), (self.folder / _UPLOADED).open(encoding="utf-8") as lines:
            for line in lines:
                with suppress(ValueError, TypeError, IndexError):  # the last line of a killed process
                    name, stamp = json.loads(line)
                    yield name, None if stamp is None else (stamp[0], stamp[1])

    def _listed(self) -> dict[str, Facts]:
        """What the address holds, by name."""
        start = f"{self.address}/"
        listed = ((address.removeprefix(start), facts) for address, facts in self._store.list(self.address).items())
        return {name: facts for name, facts in listed if self._is_mirrored(name)}

    def _local(self) -> Iterator[str]:
        """Names of the files in the working folder that are mirrored and no records."""
        for top in self._folders:
            for here, _, files in os.walk(self.folder / top):
                yield from (Path(here, name).relative_to(self.folder).as_posix() for name in files if not name.startswith("."))

    def _is_mirrored(self, name: str) -> bool:
        top, _, below = name.partition("/")
        return not unusable_name(f"x://{name}") and (top in self._folders if below else _TOP.fullmatch(name) is not None)

    def _started_there(self, facts: Facts) -> str:
        """When the last run at the address started."""
        place = self.folder / f"{_UPLOADED}-{self._record}"
        if facts.size <= _LARGEST_RECORD:
            self._store.get(f"{self.address}/{self._record}", place)
            started = _started(place)
            place.unlink()
            if started:
                return started
        raise OutputError(f"{self.address}/{self._record} is not the record of a run and would be overwritten: give another address")

    def _fetch(self, there: dict[str, Facts], *, contents: bool) -> None:
        """Replace what the working folder holds."""
        for path in self.folder.iterdir():
            if path.name in self._folders:
                shutil.rmtree(path)
            elif _TOP.fullmatch(path.name) or path.name == _UPLOADED:
                path.unlink()

        def get(name: str) -> None:
            with atomic_path(self.folder / name) as temporary:
                if contents or "/" not in name:
                    self._store.get(f"{self.address}/{name}", temporary)
                else:
                    temporary.touch()

        _each(get, sorted(there, key=lambda name: name == self._record))  # the record last: a fetch that is cut short begins again
        stamps = ((name, _stamp(self.folder / name)) for name in there)
        _write_lines(self.folder / _UPLOADED, (_line(name, stamp) for name, stamp in stamps))

    def _stop(self, *, drain: bool) -> None:
        self._ended.set()
        if drain and not self._recorded.is_set():
            self._noting_errors(lambda: self._upload(self._record))
        self._recorded.set()
        if not drain:
            with suppress(queue.Empty):
                while True:
                    self._waiting.get_nowait()
        for _ in range(_AT_A_TIME):
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error


def _each(work: Callable[[str], None], names: Iterable[str]) -> None:
    """Do the work for many names, several at a time."""
    waiting = iter(names)
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        while batch := list(islice(waiting, _BATCH)):
            for _ in threads.map(work, batch):
                pass


def _line(name: str, stamp: tuple[int, int] | None) -> str:
    return json.dumps([name, stamp]) + "\n"


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(lines)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns


def _started(record: Path) -> str:
    """When a run started, as its record says; empty if there is no record."""
    try:
        facts = json.loads(record.read_bytes())
        return str(facts["started"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return ""
