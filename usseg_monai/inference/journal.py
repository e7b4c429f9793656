"""Resume journal: ``.journal.jsonl`` in the output folder.

The first line holds the digest of the weights and options, and a salt. A line ``{"begun": NAME}`` says that a file's results may be there
under this name from now on; a line ``{"key": ...`` holds one finished file with its rows. Of two lines of one file the last counts. The
journal only grows, so whatever ends a run leaves what was done before it. In memory are only the places of the lines.

What the journal does not hold
    Paths and identifiers of studies: both are digests with the salt, which is random (that of shards follows from the list of inputs: their
    digests agree). Times of the day: those of one run are stored as differences from one of them, which is not stored; to
    compare them with times of other runs, `Journal.restore` reads one of the files again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from usseg_monai.imaging import Place, Spacing, write_text
from usseg_monai.inference.inputs import Input
from usseg_monai.inference.results import FrameRows, Located, Row, append_whole, open_for_appending

__all__ = ["NAME", "Done", "Journal", "Stamp", "first_line", "open_journal", "read_head", "read_outputs", "shared_salt"]

NAME = ".journal.jsonl"

_TIMES = ("acquired_s", "content_s", "series_s")  # of a Place: seconds within the day
_IDENTIFIERS = ("study", "series", "instance")
_DIGITS = 6  # of seconds, as DICOM has them
_FIRST = re.compile(rb'\{"digest": "([^"]*)", "salt": "([0-9a-f]+)"\}\n')
_BEGUN = b'{"begun": '
_DONE = re.compile(rb'\{"key": "([0-9a-f]{32})", "frames": (\d+), "output": ')
_DECODER = json.JSONDecoder()


class Stamp(NamedTuple):
    """Size and time of the last change of a file, by which a changed file is noticed.

    Attributes:
        size: in bytes; -1 for a file that is not there, which no file has.
        changed: in nanoseconds.
    """

    size: int
    changed: int

    @classmethod
    def of(cls, path: str) -> Stamp:
        """Of a file as it is now."""
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            return cls(-1, 0)
        return cls(status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class Done:
    """A finished file.

    Attributes:
        size, changed: of the file before it was read, see `Stamp`.
        file: its name in the results.
        output: its name among masks and overlays.
        spacing_mm: ``(row, col)`` from the datalist that named it.
        rows: its rows of the table.
        parts: its rows of the table of parts.
        places: of each frame the place, and ``(rows, cols)`` of its picture, where the task makes studies of them and the file tells.
        clock: names the time that those of the places are relative to; empty where they have none, or are times of the day again.
    """

    size: int
    changed: int
    file: str
    output: str
    spacing_mm: Spacing | None
    rows: Sequence[Row]
    parts: Sequence[Row]
    places: Sequence[Located | None]
    clock: str = ""

    def is_of(self, item: Input, stamp: Stamp) -> bool:
        """Whether that is the file, unchanged since, and under the same names."""
        known = (self.size, self.changed, self.file, self.output, self.spacing_mm)
        return known == (*stamp, item.file, item.output, item.spacing_mm)

    def frames(self) -> Iterator[FrameRows]:
        """What the tables say of each frame."""
        for row, located in zip(self.rows, self.places, strict=True):
            yield FrameRows(row, [part for part in self.parts if part["frame"] == row["frame"]], located)


class _Index(NamedTuple):
    """What is in memory of a journal.

    Attributes:
        salt: of its digests.
        end: where its last whole line ends; 0 for no such journal.
        offsets: where the last line of each file begins, by its key.
        begun: hashes of the names of results that were begun, and no line says that they were finished.
    """

    salt: str
    end: int
    offsets: dict[int, int]
    begun: set[int]


class Journal:
    """An open journal; see `open_journal`."""

    def __init__(self, path: Path, descriptor: int, index: _Index, reader: BinaryIO) -> None:
        self._path, self._descriptor, self._index, self._reader, self._salt = path, descriptor, index, reader, index.salt
        self._clock = secrets.token_hex(4)
        self._starts: dict[str, float] = {}  # times of the day that the clocks count from

    def conceal(self, place: Place) -> Place:
        """The same place with salted identifiers, comparable with those of this journal, and times as exact as the journal's."""
        identifiers: dict[str, Any] = {name: _digest(self._salt, found, 16) for name in _IDENTIFIERS if (found := getattr(place, name))}
        times: dict[str, Any] = {name: round(found, _DIGITS) for name in _TIMES if (found := getattr(place, name)) is not None}
        return replace(place, **identifiers, **times)

    def begin(self, item: Input) -> None:
        """Note that results of a file may be there from now on; raises `OutputError` where there is no room."""
        append_whole(self._descriptor, self._path, json.dumps({"begun": item.output}) + "\n")

    def add(self, item: Input, stamp: Stamp, frames: Sequence[FrameRows]) -> None:
        """Note a finished file, with concealed places; raises `OutputError` where there is no room."""
        start = self._starts.get(self._clock, next(_times(frame.located for frame in frames), None))
        if start is not None:
            self._starts[self._clock] = start
        places = [frame.located and [_facts(frame.located[0], start), frame.located[1]] for frame in frames]
        facts = {
            "key": self._key(item),
            "frames": len(frames),
            "output": item.output,
            "size": stamp.size,
            "changed": stamp.changed,
            "file": item.file,
            "spacing_mm": item.spacing_mm,
            "rows": [frame.row for frame in frames],
            "parts": [part for frame in frames for part in frame.parts],
            "places": places,
            "clock": self._clock if any(True for _ in _times(frame.located for frame in frames)) else "",
        }
        append_whole(self._descriptor, self._path, json.dumps(facts) + "\n")

    def find(self, item: Input) -> Done | None:
        """What an earlier run with the same options noted of an input; its times may be relative, see `restore`."""
        key = self._key(item)
        offset = self._index.offsets.get(int(key[:15], 16))
        if offset is None:
            return None
        self._reader.seek(offset)
        try:
            found, done = _parse(self._reader.readline())
        except (ValueError, TypeError, KeyError, AttributeError):  # a line that is none of ours: its file is done again
            return None
        return done if found == key else None

    def knows(self, item: Input) -> bool:
        """Whether an earlier run with the same options may have left results of an input."""
        return int(self._key(item)[:15], 16) in self._index.offsets or hash(item.output) in self._index.begun

    def restore(self, done: Done, read_place: Callable[[int], Place | None]) -> Done | None:
        """A finished file with its times of the day; ``None`` where they cannot be had, so that the file has to be done again.

        Args:
            done: as `find` gives it, of a file that has not changed.
            read_place: reads the place of one of its frames from the file.
        """
        if not done.clock:
            return done
        if done.clock not in self._starts:
            frame = next(index for index, located in enumerate(done.places) if any(True for _ in _times([located])))
            stored, real = done.places[frame], read_place(frame)
            if stored is None or real is None:
                return None
            pairs = [(getattr(real, name), getattr(stored[0], name)) for name in _TIMES]
            starts = [now - then for now, then in pairs if now is not None and then is not None]
            if not starts:
                return None
            self._starts[done.clock] = round(starts[0], _DIGITS)
        start = self._starts[done.clock]
        return replace(done, places=[located and (_shifted(located[0], start), located[1]) for located in done.places], clock="")

    def _key(self, item: Input) -> str:
        return _digest(self._salt, item.absolute, 32)


@contextmanager
def open_journal(folder: Path, digest: str, *, resume: bool, salt: str = "") -> Iterator[Journal]:
    """Open a folder's journal, and keep it open: to go on with it if it is of the same options, else begun anew.

    Args:
        folder: of the results.
        digest: of the weights and options.
        resume: whether what is there may be gone on with.
        salt: of a journal that is begun, hexadecimal; random unless given.

    Raises:
        OutputError: it cannot be written.
    """
    path = folder / NAME
    index = _index(path, digest) if resume else None
    end = index.end if index else 0
    if index is None:
        index = _Index(salt or secrets.token_hex(16), 0, {}, set())
        write_text(path, first_line(digest, index.salt))
    with open_for_appending(path) as descriptor, path.open("rb") as reader:
        if end:
            with suppress(OSError):  # what a crash tore off would tear the next line too
                os.ftruncate(descriptor, end)
        yield Journal(path, descriptor, index, reader)


def first_line(digest: str, salt: str) -> str:
    """How the journal of a run with that digest of weights and options begins.

    >>> first_line("ab12", "00ff")
    '{"digest": "ab12", "salt": "00ff"}\\n'
    """
    return json.dumps({"digest": digest, "salt": salt}) + "\n"


def shared_salt(inputs_digest: str) -> str:
    """The salt that all shards of one list of inputs have."""
    return _digest("salt", inputs_digest, 32)


def read_head(folder: Path) -> tuple[str, str] | None:
    """Digest of the options and salt of a folder's journal; ``None`` where there is no journal."""
    with suppress(OSError), _open(folder / NAME) as lines:
        first = _FIRST.fullmatch(lines.readline(1000))
        return (first[1].decode(), first[2].decode()) if first else None
    return None


def read_outputs(folder: Path) -> Iterator[tuple[str, int | None]]:
    """Names of all results that a folder's journal knows of, see `Done.output`, with their number of frames, ``None`` where unknown.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with open_journal(folder, "ab12", resume=False) as journal:
    ...     journal.begin(Input("/in/1.png", "1.png"))
    >>> list(read_outputs(folder))
    [('1', None)]
    """
    begun: set[str] = set()
    with suppress(OSError, ValueError), _open(folder / NAME) as lines:
        for line in lines:
            if line.startswith(_BEGUN):
                begun.add(_string(line, len(_BEGUN)))
            elif match := _DONE.match(line):
                output = _string(line, match.end())
                begun.discard(output)
                yield output, int(match[2])
    for output in begun:
        yield output, None


def _open(path: Path) -> BinaryIO:
    """Open a journal to read it; a link is not followed."""
    return open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)), "rb")


def _index(path: Path, digest: str) -> _Index | None:
    """Where the lines of a journal are; ``None`` where there is no journal of that digest."""
    index = None
    with suppress(OSError), _open(path) as lines:  # no journal, or one that cannot be read on: what was read before counts
        first = _FIRST.fullmatch(lines.readline(1000))
        if first is None or first[1] != digest.encode():
            return None
        index = _Index(first[2].decode(), first.end(), {}, set())
        for line in lines:
            match, begun = _DONE.match(line), line.startswith(_BEGUN)
            if not ((match or begun) and line.endswith(b"}\n")):
                break
            try:
                output = hash(_string(line, match.end() if match else len(_BEGUN)))
            except ValueError:
                break
            if match:
                index.offsets[int(match[1][:15], 16)] = index.end  # a key costs several times its number; `Journal.find` compares the key
                index.begun.discard(output)
            else:
                index.begun.add(output)
            index = index._replace(end=index.end + len(line))
    return index


def _string(line: bytes, start: int) -> str:
    """The JSON string that begins at a place of a line; `ValueError` where there is none."""
    value, _ = _DECODER.raw_decode(line.decode(), start)
    if not isinstance(value, str):
        raise ValueError("no string")
    return value


def _parse(line: bytes) -> tuple[str, Done]:
    facts: dict[str, Any] = json.loads(line)
    key = facts.pop("key")
    del facts["frames"]
    spacing_mm = facts["spacing_mm"] and tuple(facts["spacing_mm"])
    places = [located and (_place(located[0]), tuple(located[1])) for located in facts["places"]]
    return key, Done(**{**facts, "spacing_mm": spacing_mm, "places": places})


def _place(facts: dict[str, Any]) -> Place:
    vectors: dict[str, Any] = {name: tuple(value) for name, value in facts.items() if isinstance(value, list)}
    return Place(**{**facts, **vectors})


def _facts(place: Place, start: float | None) -> dict[str, Any]:
    """A place ready for JSON, its times relative to a start."""
    return asdict(place if start is None else _shifted(place, -start))


def _shifted(place: Place, seconds: float) -> Place:
    return replace(place, **{name: round(found + seconds, _DIGITS) for name in _TIMES if (found := getattr(place, name)) is not None})


def _times(places: Iterator[Located | None] | Sequence[Located | None]) -> Iterator[float]:
    """All times of the day in some places."""
    for located in filter(None, places):
        yield from (found for name in _TIMES if (found := getattr(located[0], name)) is not None)


def _digest(salt: str, text: str, length: int) -> str:
    return hashlib.sha256(f"{salt}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()[:length]
