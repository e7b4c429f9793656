"""Memory of what is done, by which an interrupted run goes on: ``.journal.jsonl`` in the output folder.

The first line holds the digest of the weights and options, each further line one finished file with its rows. The file only grows, so that
whatever ends a run leaves what was done before it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from usseg_monai.imaging import write_text
from usseg_monai.inference.inputs import Input
from usseg_monai.inference.results import Row, append_whole, open_for_appending

__all__ = ["Done", "Journal", "open_journal", "read_journal"]

_NAME = ".journal.jsonl"


@dataclass(frozen=True)
class Done:
    """A file that a run was done with.

    Attributes:
        path: absolute path of the file.
        size: of the file, in bytes.
        changed: time of its last change, in nanoseconds.
        file: its name in the results.
        output: its name among masks and overlays.
        rows: its rows of the table.
        parts: its rows of the table of parts.
    """

    path: str
    size: int
    changed: int
    file: str
    output: str
    rows: list[Row]
    parts: list[Row]

    @classmethod
    def of(cls, item: Input, rows: list[Row], parts: list[Row]) -> Done:
        """Describe a file as it is now. A file that is gone has size -1, which no file has."""
        path = item.path.absolute()
        try:
            status = path.stat()
        except OSError:
            return cls(str(path), -1, 0, item.file, item.output, rows, parts)
        return cls(str(path), status.st_size, status.st_mtime_ns, item.file, item.output, rows, parts)


class Journal:
    """A journal that is open for writing; see `open_journal`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor

    def add(self, done: Done) -> None:
        """Note a file; raises `OutputError` where there is no room."""
        append_whole(self._descriptor, self._path, _line(vars(done)))


@contextmanager
def open_journal(folder: Path, digest: str, kept: Iterable[Done]) -> Iterator[Journal]:
    """Begin a folder's journal, with what is kept of an earlier one, and keep it open.

    Raises:
        OutputError: it cannot be written.
    """
    path = folder / _NAME
    write_text(path, "".join([_line({"digest": digest}), *(_line(vars(done)) for done in kept)]))
    with open_for_appending(path) as descriptor:
        yield Journal(path, descriptor)


def read_journal(folder: Path, digest: str) -> dict[str, Done]:
    """What an earlier run with the same weights and options was done with, by absolute path; nothing without such a run."""
    found: dict[str, Done] = {}
    try:
        with (folder / _NAME).open(encoding="utf-8") as lines:
            if json.loads(next(lines, "null")) == {"digest": digest}:
                for line in lines:
                    done = Done(**json.loads(line))
                    found[done.path] = done
    except (OSError, ValueError, TypeError):  # no journal, none of ours, or a last line that a crash tore: what was read before it counts
        pass
    return found


def _line(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts) + "\n"
