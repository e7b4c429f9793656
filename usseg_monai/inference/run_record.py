"""``run.json``: what was run, with what, on what, and what became of it.

It is whole JSON at every moment, whatever ends the run: what is added to it takes the place of its last lines, in one write that ends with
these lines anew. So it may list a million inputs without ever holding them in memory, one a line.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from usseg_monai import __version__
from usseg_monai.errors import OutputError
from usseg_monai.imaging import write_text
from usseg_monai.tasks import bundle_path

__all__ = [
    "NAME",
    "RESULT_FOLDERS",
    "STATES",
    "InputRecord",
    "RunRecord",
    "bundle_version",
    "is_run_record",
    "now",
    "open_run_record",
    "read_run_record",
    "versions",
]

NAME = "run.json"
RESULT_FOLDERS = frozenset(("masks", "overlays", "probabilities", "nifti", "studies"))
"""Names of all folders that a run may write its results to, beside its record."""

STATES = ("done", "failed", "skipped")
"""What can become of an input: all frames processed; some not; or none tried: an earlier run was done with it, it is a mask, or it holds
no picture."""

_LIBRARIES = {"onnxruntime": "onnxruntime", "numpy": "numpy", "PIL": "pillow", "torch": "torch", "monai": "monai"}
_HEAD = b'{\n "task": "'
_BEGIN, _ENTRY, _END = ' "inputs": [', "\n  ", "\n ],\n"  # how the list of inputs stands between the other lines


@dataclass(frozen=True)
class InputRecord:
    """The outcome of one input.

    Attributes:
        number: in the list of all inputs of the command, its shards together, from 0; ``None`` for masks, which are no inputs.
        file: its name in the results.
        state: one of `STATES`.
        reason: of ``failed`` and ``skipped``; empty otherwise.
        output: its name among masks and overlays, without suffix; empty for what has no row in the table.
        frames: number of its rows in the table.
        parts: number of its rows in the table of parts; not written where there are none.
        path: absolute path of the file; empty, and not written, unless asked for.
    """

    number: int | None
    file: str
    state: str
    reason: str = ""
    output: str = ""
    frames: int = 0
    parts: int = 0
    path: str = ""

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps({name: value for name, value in asdict(self).items() if value or name not in ("parts", "path")})


class _Written(NamedTuple):
    """What surely stands in the file: inputs up to ``end``, the lines behind them, and how many inputs of each state."""

    end: int
    tail: str
    counts: Counter[str]


class RunRecord:
    """A run record that grows; see `open_run_record`. An input in whose `add` an interrupt came may be missing; nothing else is.

    Attributes:
        total: number of inputs that the run is to account for.
    """

    def __init__(self, path: Path, head: str, started: datetime, total: int) -> None:
        self.total = total
        self._path, self._started = path, started
        counts = Counter[str]()
        self._written = _Written(len(head), self._tail_of("running", counts), counts)
        write_text(path, head + self._written.tail)
        try:
            self._descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise _cannot_be_written(path, error) from error

    @property
    def counts(self) -> Counter[str]:
        """Of those accounted for, by state."""
        return self._written.counts

    def add(self, item: InputRecord) -> None:
        """Account for an input; raises `OutputError` where there is no room, and what was there stays."""
        separator = "," if self.counts else ""
        self._write(separator + _ENTRY + item.to_json(), "running", self.counts + Counter([item.state]))

    def end(self, state: str) -> None:
        """Say how the run ended: ``finished``, ``interrupted`` or ``failed``."""
        self._write("", state, self.counts)

    def close(self) -> None:
        """Close the file as it is."""
        os.close(self._descriptor)

    def _write(self, entry: str, state: str, counts: Counter[str]) -> None:
        end, tail = self._written.end, self._tail_of(state, counts)
        try:
            behind = os.fstat(self._descriptor).st_size - end - len(entry)  # nothing of the old lines is left behind the new ones
            _overwrite(self._descriptor, end, entry + tail.ljust(behind), self._written.tail)
        except OSError as error:
            raise _cannot_be_written(self._path, error) from error
        self._written = _Written(end + len(entry), tail, counts)  # at once: an interrupt comes before it or after it

    def _tail_of(self, state: str, counts: Counter[str]) -> str:
        """What stands behind the inputs: all that changes while they are added."""
        moment = now()
        facts = {
            "state": state,
            "finished": None if state == "running" else moment.isoformat(timespec="seconds"),
            "seconds": round((moment - self._started).total_seconds(), 3),
            "counts": {**{kind: counts[kind] for kind in STATES}, "not_reached": self.total - counts.total()},
            "versions": versions(),
        }
        return _END + json.dumps(facts, indent=1)[2:] + "\n"


@contextmanager
def open_run_record(folder: Path, facts: Mapping[str, Any], started: datetime, total: int) -> Iterator[RunRecord]:
    """Begin ``run.json``, in place of one that is there, and keep it open.

    Args:
        folder: of the results.
        facts: what holds for the whole run, ready for JSON.
        started: when it began.
        total: number of inputs that it is to account for.

    Raises:
        OutputError: it cannot be written.
    """
    head = json.dumps({**facts, "started": started.isoformat(timespec="seconds")}, indent=1).removesuffix("\n}")
    record = RunRecord(folder / NAME, f"{head},\n{_BEGIN}", started, total)
    try:
        yield record
    finally:
        record.close()


@contextmanager
def read_run_record(folder: Path) -> Iterator[tuple[dict[str, Any], Iterator[InputRecord]]]:
    """Read a folder's run record: what it says of the run, and its inputs one by one.

    Raises:
        OutputError: there is none, or it was not written by this version.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with open_run_record(folder, {"task": "nerve"}, now(), total=2) as record:
    ...     record.add(InputRecord(0, "a.png", "done"))
    >>> with read_run_record(folder) as (facts, inputs):
    ...     facts["task"], facts["counts"]["not_reached"], [item.file for item in inputs]
    ('nerve', 1, ['a.png'])
    """
    path = folder / NAME
    try:
        lines = path.open("rb")
    except OSError as error:
        raise _no_record(path, error) from error
    with lines:
        facts = _read_facts(path, lines)
        lines.seek(0)
        yield facts, _read_inputs(path, lines)


def is_run_record(path: Path) -> bool:
    """Whether a file begins as a run record does; it is not read to its end. A link is none."""
    try:
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            return file.read(len(_HEAD)) == _HEAD
    except OSError:
        return False


def versions() -> dict[str, str]:
    """Versions of this package, of Python and of the libraries in use; those that were not needed were not loaded and are not named.

    >>> {"numpy", "python", "usseg-monai"} <= versions().keys()
    True
    """
    # A module that another thread is just importing has no version yet.
    loaded = {name: number for module, name in _LIBRARIES.items() if (number := getattr(sys.modules.get(module), "__version__", None))}
    return {"usseg-monai": __version__, "python": platform.python_version(), **loaded}


def bundle_version(task: str) -> str | None:
    """Version of a task's bundle, ``None`` where its metadata cannot be read. JSON only: nothing in it is run."""
    try:
        metadata = json.loads((bundle_path(task) / "configs" / "metadata.json").read_text(encoding="utf-8"))
        return str(metadata["version"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def now() -> datetime:
    """The time, with its zone."""
    return datetime.now(timezone.utc)


def _read_facts(path: Path, lines: BinaryIO) -> dict[str, Any]:
    """All but the inputs."""
    outside: list[bytes] = []
    within = False
    try:
        for line in lines:
            if within:
                within = not line.startswith(_END.strip("\n").encode())
            elif line.startswith(_BEGIN.encode()):
                within = True
            else:
                outside.append(line)
        facts = json.loads(b"".join(outside))
        if not isinstance(facts, dict) or "counts" not in facts:
            raise ValueError("it does not say what became of a run")
    except (OSError, ValueError, RecursionError) as error:
        raise _no_record(path, error) from error
    return facts


def _read_inputs(path: Path, lines: BinaryIO) -> Iterator[InputRecord]:
    try:
        for line in lines:
            if line.startswith(_ENTRY.strip("\n").encode() + b'{"number"'):
                yield InputRecord(**json.loads(line.rstrip().rstrip(b",")))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise _no_record(path, error) from error


def _no_record(path: Path, error: Exception) -> OutputError:
    reason = error.strerror if isinstance(error, OSError) else error
    return OutputError(f"{path} is no run record of this version ({reason}); give a folder that 'usseg predict' wrote")


def _cannot_be_written(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path}: cannot be written ({error.strerror}); make room, or give another output folder")


def _overwrite(descriptor: int, offset: int, text: str, old: str) -> None:
    """Put a text in the place of another, which is the end of a file and comes back where there is no room."""
    data = text.encode()
    try:
        os.lseek(descriptor, offset, os.SEEK_SET)
        written = os.write(descriptor, data)
        while written < len(data):
            written += os.write(descriptor, data[written:])
    except OSError:
        with suppress(OSError):
            os.lseek(descriptor, offset, os.SEEK_SET)
            os.write(descriptor, old.encode())
            os.ftruncate(descriptor, offset + len(old))
        raise
