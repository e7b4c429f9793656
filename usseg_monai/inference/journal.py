"""Memory of what is done, by which an interrupted run goes on: ``.journal.jsonl`` in the output folder.

The first line holds the digest of the weights and options, each further line one finished file with its rows; of two lines of one file the
last counts. The journal only grows, so that whatever ends a run leaves what was done before it. What it holds stays on the disk: of a
million files only the places of their lines are in memory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from usseg_monai.imaging import Place, Spacing, write_text
from usseg_monai.inference.inputs import Input
from usseg_monai.inference.results import FrameRows, Located, Row, append_whole, open_for_appending

__all__ = ["NAME", "Done", "Journal", "Stamp", "first_line", "open_journal"]

NAME = ".journal.jsonl"

_PATH = '{"path": '  # how the line of a file begins: its path can be had without parsing the rest


class Stamp(NamedTuple):
    """By what a file is known to be as it was.

    Attributes:
        size: in bytes; -1 for a file that is not there, which no file has.
        changed: time of its last change, in nanoseconds.
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
    """A file that a run was done with.

    Attributes:
        path: absolute path of the file.
        size, changed: of the file before it was read, as in `Stamp`.
        file: its name in the results.
        output: its name among masks and overlays.
        spacing_mm: ``(row, col)`` from the datalist that named it.
        rows: its rows of the table.
        parts: its rows of the table of parts.
        places: of each frame the place, and ``(rows, cols)`` of its picture, where the task makes studies of them and the file tells.
    """

    path: str
    size: int
    changed: int
    file: str
    output: str
    spacing_mm: Spacing | None
    rows: Sequence[Row]
    parts: Sequence[Row]
    places: Sequence[Located | None]

    @classmethod
    def of(cls, item: Input, stamp: Stamp, frames: Sequence[FrameRows]) -> Done:
        """Put together what came of a file's frames."""
        parts = [part for frame in frames for part in frame.parts]
        places = [frame.located for frame in frames]
        return cls(item.absolute, *stamp, item.file, item.output, item.spacing_mm, [frame.row for frame in frames], parts, places)

    def is_of(self, item: Input, stamp: Stamp) -> bool:
        """Whether that is the file, unchanged since, and under the same names."""
        known = (self.path, self.size, self.changed, self.file, self.output, self.spacing_mm)
        return known == (item.absolute, *stamp, item.file, item.output, item.spacing_mm)

    def frames(self) -> Iterator[FrameRows]:
        """What the tables say of each frame."""
        for row, located in zip(self.rows, self.places, strict=True):
            yield FrameRows(row, [part for part in self.parts if part["frame"] == row["frame"]], located)


class Journal:
    """A journal that is open; see `open_journal`."""

    def __init__(self, path: Path, descriptor: int, offsets: Mapping[int, int], reader: BinaryIO) -> None:
        self._path, self._descriptor, self._offsets, self._reader = path, descriptor, offsets, reader

    def add(self, done: Done) -> None:
        """Note a file; raises `OutputError` where there is no room."""
        places = [located and [asdict(located[0]), located[1]] for located in done.places]
        append_whole(self._descriptor, self._path, json.dumps({**vars(done), "places": places}) + "\n")

    def find(self, item: Input) -> Done | None:
        """What an earlier run under the same options was done with, of an input's path; ``None`` where it was not."""
        path = item.absolute
        offset = self._offsets.get(hash(path))
        if offset is None:
            return None
        self._reader.seek(offset)
        try:
            done = _parse(self._reader.readline())
        except (ValueError, TypeError, KeyError, AttributeError):  # a line that is none of ours: its file is done again
            return None
        return done if done.path == path else None


@contextmanager
def open_journal(folder: Path, digest: str, *, resume: bool) -> Iterator[Journal]:
    """Open a folder's journal, and keep it open: to go on with it if it is of the same options, else begun anew.

    Args:
        folder: of the results.
        digest: of the weights and options.
        resume: whether what is there may be gone on with.

    Raises:
        OutputError: it cannot be written.
    """
    path = folder / NAME
    offsets, end = _index(path, digest) if resume else ({}, 0)
    if end == 0:
        write_text(path, first_line(digest))
    with open_for_appending(path) as descriptor, path.open("rb") as reader:
        if end:
            with suppress(OSError):  # what a crash tore off would tear the next line too
                os.ftruncate(descriptor, end)
        yield Journal(path, descriptor, offsets, reader)


def first_line(digest: str) -> str:
    """How the journal of a run with that digest of weights and options begins.

    >>> first_line("ab12")
    '{"digest": "ab12"}\\n'
    """
    return json.dumps({"digest": digest}) + "\n"


def _index(path: Path, digest: str) -> tuple[dict[int, int], int]:
    """Where the last line of each file begins, by the hash of its path, and where the last whole line ends; 0 for no such journal."""
    offsets: dict[int, int] = {}
    decoder, end = json.JSONDecoder(), 0
    with suppress(OSError, ValueError), path.open("rb") as lines:  # no journal, or from here on none of ours: what was read before counts
        if next(lines, b"") != first_line(digest).encode():
            return {}, 0
        end = len(first_line(digest))
        for line in lines:
            if not (line.startswith(_PATH.encode()) and line.endswith(b"}\n")):
                break
            file, _ = decoder.raw_decode(line.decode(), len(_PATH))
            offsets[hash(file)] = end  # a path costs several times its hash; `Journal.find` compares the path
            end += len(line)
    return offsets, end


def _parse(line: bytes) -> Done:
    facts: dict[str, Any] = json.loads(line)
    spacing_mm = facts["spacing_mm"] and tuple(facts["spacing_mm"])
    places = [located and (_place(located[0]), tuple(located[1])) for located in facts["places"]]
    return Done(**{**facts, "spacing_mm": spacing_mm, "places": places})


def _place(facts: dict[str, Any]) -> Place:
    vectors: dict[str, Any] = {name: tuple(value) for name, value in facts.items() if isinstance(value, list)}
    return Place(**{**facts, **vectors})
