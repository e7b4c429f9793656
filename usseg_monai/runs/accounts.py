"""The account file of a run, ``accounts.jsonl`` in the output folder: the outcome of every input, one line of JSON per input.

A run only appends to the file, so nothing that was done is lost however the run ends. ``--resume`` and ``usseg merge`` read it, and the
results of an earlier run are recognised by it. Its lines:

``{"accounts": 1, "digest": ..., "salt": ...}``
    The first line: the format version, the digest of weights and options, and the salt of all digests in the file.
``{"begun": NAME}``
    Results with this name may exist from now on.
``{"number": ...``
    The outcome of one input, see `Account`, in the order of the inputs.
``{"earlier": ...``
    The outcome of one input in an earlier run with the same options. A run that resumes begins its file with these lines, and writes a new
    line for each input when its turn comes. So nothing is done twice, and each input has one line that begins with ``number``.

Absolute paths are written only on request (``path``). The key of an input is a salted digest of its path. Identifiers and times are
concealed, see `usseg_monai.runs.concealed`. The salt is random; that of shards is derived from the list of inputs, so that their digests
agree. Only the offsets of the lines are kept in memory.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from usseg_monai.errors import OutputError
from usseg_monai.files.table import append_whole, open_for_appending
from usseg_monai.files.write import atomic_path
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging import Place
from usseg_monai.inputs.naming import Input
from usseg_monai.runs.concealed import Concealer, parse_places, salted_digest
from usseg_monai.runs.table import FrameRows

__all__ = [
    "ACCOUNTS",
    "STATES",
    "Account",
    "Accounts",
    "count_states",
    "open_accounts",
    "read_accounts",
    "read_head",
    "read_outputs",
    "shared_salt",
]

ACCOUNTS = "accounts.jsonl"
"""Name of the account file in the output folder."""

STATES = ("done", "failed", "skipped")
"""The outcomes of an input: all frames were processed; some failed; or the input was skipped, because an earlier run finished it, it is a
mask, or it holds no picture."""

_DAMAGED = (ValueError, TypeError, KeyError, AttributeError, RecursionError)  # that parsing a damaged line may raise
_HEAD = re.compile(rb'\{"accounts": 1, "digest": "([^"]*)", "salt": "([0-9a-f]+)"\}\n')
_BEGUN, _NUMBER, _EARLIER = b'{"begun": ', b'{"number": ', b'{"earlier": '
_STATE = re.compile(rb'"state": "([a-z]+)"')
_PATH = b', "path": "'
# A quote inside a JSON string is preceded by a backslash, so none of these patterns can match inside a name.
_DONE = re.compile(rb', "output": ("(?:[^"\\]|\\.)*"), "frames": (\d+), "parts": \d+, "key": "([0-9a-f]{32})"')


@dataclass(frozen=True)
class Account:
    """The outcome of one input; until it is finished, what is known when its turn comes.

    Attributes:
        number: index from 0 in the list of all inputs of the command, across its shards; ``None`` for masks, which are not inputs.
        file: name of the input in the results.
        output: name of its masks and overlays, without suffix; empty if it has no row in the table.
        state: one of `STATES`; empty while the input is being processed.
        reason: why it was ``failed`` or ``skipped``; empty otherwise.
        frames: its rows in the tables, one element per frame.
        key: salted digest of its path, under which a later run finds it; empty for masks.
        stamp: size and time of the file before it was read, see `Input.stamp`.
        spacing_mm: ``(row, col)`` from the datalist that names it.
        clock: identifies the reference of relative times in the frames' places; empty if there are no times, or if they are times of day.
        path: absolute path of the file; empty unless asked for.
    """

    number: int | None
    file: str
    output: str = ""
    state: str = ""
    reason: str = ""
    frames: tuple[FrameRows, ...] = ()
    key: str = ""
    stamp: tuple[int, int] = (-1, 0)
    spacing_mm: Spacing | None = None
    clock: str = ""
    path: str = ""

    @property
    def parts(self) -> int:
        """Number of its rows in the parts table."""
        return sum(len(frame.parts) for frame in self.frames)

    def is_of_same_file(self, other: Account) -> bool:
        """Whether the other account is for the same, unchanged file with the same names."""
        mine, theirs = ((own.key, own.stamp, own.file, own.output, own.spacing_mm) for own in (self, other))
        return mine == theirs


@dataclass
class _Index:
    """The part of an account file that is kept in memory.

    Attributes:
        offsets: offset of the last line of each finished file, by a prefix of its key; whole keys would take several times the memory.
        begun: hashes of the names of results that were begun but not finished.
    """

    offsets: dict[int, int] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)

    def note(self, line: bytes, place: int) -> None:
        """Index a line, unless it is damaged or no later run needs it."""
        with suppress(*_DAMAGED):
            if line.startswith(_BEGUN):
                self.begun.add(hash(json.loads(line)["begun"]))
            elif found := _finished(line):
                self.offsets[_short(found[2])] = place
                self.begun.discard(hash(found[0]))


class Accounts:
    """The account file of the current run; see `open_accounts`."""

    def __init__(self, path: Path, descriptor: int, reader: BinaryIO, index: _Index, salt: str) -> None:
        self._path, self._descriptor, self._reader, self._index = path, descriptor, reader, index
        self._concealer = Concealer(salt)
        self.conceal = self._concealer.conceal

    def open(self, number: int, item: Input) -> Account:
        """The account of an input whose turn it is."""
        key = salted_digest(self._concealer.salt, item.absolute, 32)
        return Account(number, item.file, item.output, key=key, stamp=item.stamp(), spacing_mm=item.spacing_mm)

    def begin(self, account: Account) -> None:
        """Record that results of an input may exist from now on; raises `OutputError` if the disk is full."""
        append_whole(self._descriptor, self._path, json.dumps({"begun": account.output}) + "\n")

    def add(self, account: Account) -> None:
        """Write the outcome of an input, with concealed places; raises `OutputError` if the disk is full."""
        append_whole(self._descriptor, self._path, json.dumps(self._facts(account)) + "\n")

    def find(self, account: Account) -> Account | None:
        """The account of the same path from an earlier run with the same options; its times may be relative, see `restore`."""
        offset = self._index.offsets.get(_short(account.key))
        if offset is None:
            return None
        self._reader.seek(offset)
        try:
            found = _parse(self._reader.readline())
        except _DAMAGED:  # a damaged line: process the file again
            return None
        return found if found.key == account.key else None

    def knows(self, account: Account) -> bool:
        """Whether results of an input may exist from an earlier run with the same options."""
        return _short(account.key) in self._index.offsets or hash(account.output) in self._index.begun

    def restore(self, account: Account, read_place: Callable[[int], Place | None]) -> Account | None:
        """The account with times of day restored; ``None`` if that is impossible, so that the file must be processed again.

        Args:
            account: account of an unchanged file.
            read_place: reads the place of the frame with this index from the file.
        """
        if not account.clock:
            return account
        places = self._concealer.restore([frame.located for frame in account.frames], account.clock, read_place)
        if places is None:
            return None
        frames = (frame._replace(located=located) for frame, located in zip(account.frames, places, strict=True))
        return replace(account, frames=tuple(frames), clock="")

    def _facts(self, account: Account) -> dict[str, Any]:
        """An account as a JSON object. Rows, and what a later run compares, are included only if there are rows; the path comes last."""
        facts: dict[str, Any] = {name: getattr(account, name) for name in ("number", "file", "state", "reason")}
        if account.frames:
            places, clock = self._concealer.store([frame.located for frame in account.frames], account.clock)
            facts |= {
                "output": account.output,
                "frames": len(account.frames),
                "parts": account.parts,
                "key": account.key,
                "stamp": account.stamp,
                "spacing_mm": account.spacing_mm,
                "rows": [frame.row for frame in account.frames],
                "part_rows": [frame.parts for frame in account.frames],
                "places": places,
                "clock": clock,
            }
        return facts | ({"path": account.path} if account.path else {})


@contextmanager
def open_accounts(folder: Path, digest: str, *, resume: bool, salt: str = "") -> Iterator[Accounts]:
    """Start a new account file in a folder, replacing an existing one, and keep it open.

    Args:
        folder: output folder.
        digest: digest of the weights and options.
        resume: take over the outcomes of earlier runs with the same digest.
        salt: hexadecimal salt of a file that takes nothing over; random by default.

    Raises:
        OutputError: it cannot be written.
    """
    path, earlier = folder / ACCOUNTS, read_head(folder)
    index = _Index()
    takes_over = resume and earlier is not None and earlier[0] == digest
    salt = earlier[1] if takes_over and earlier is not None else salt or secrets.token_hex(16)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write((json.dumps({"accounts": 1, "digest": digest, "salt": salt}) + "\n").encode())
        if takes_over:
            index = _take_over(path, file)
    with open_for_appending(path) as descriptor, path.open("rb") as reader:
        yield Accounts(path, descriptor, reader, index, salt)


def read_accounts(folder: Path) -> Iterator[Account]:
    """The outcomes of a run's inputs, in order; an incomplete last line, which a killed run may leave, is ignored.

    Raises:
        OutputError: there is no account file of this version, or a line in it is damaged.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with open_accounts(folder, "ab12", resume=False) as accounts:
    ...     accounts.add(Account(0, "a.png", state="skipped", reason="no picture"))
    >>> [(account.file, account.state) for account in read_accounts(folder)]
    [('a.png', 'skipped')]
    """
    path = folder / ACCOUNTS
    if read_head(folder) is None:
        raise OutputError(
            f"{path}, which lists the inputs of a run, is missing, damaged or of another version: run the command that made {folder} again"
        )
    for number, line in enumerate(_lines(path), 1):
        if line.endswith(b"\n") and not line.startswith((_BEGUN, _EARLIER)) and number > 1:
            try:
                account = _parse(line)
            except _DAMAGED as error:
                raise OutputError(f"{path}: line {number} is damaged ({error}); run the command that made {folder} again") from error
            yield account


def count_states(folder: Path) -> Counter[str]:
    """Number of inputs by state in a folder's account file; empty if there is no file."""
    states = (_STATE.search(line) for line in _lines(folder / ACCOUNTS) if line.startswith(_NUMBER) and line.endswith(b"}\n"))
    return Counter(state[1].decode() for state in states if state)


def read_head(folder: Path) -> tuple[str, str] | None:
    """Options digest and salt of a folder's account file; ``None`` if there is no account file of this version."""
    with suppress(OSError), _open(folder / ACCOUNTS) as file:
        head = _HEAD.fullmatch(file.readline(1000))
        return (head[1].decode(), head[2].decode()) if head else None
    return None


def read_outputs(folder: Path) -> Iterator[tuple[str, int | None]]:
    """Names of all results in a folder's account file, see `Account.output`, with their number of frames if known.

    Damaged lines are ignored.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with open_accounts(folder, "ab12", resume=False) as accounts:
    ...     accounts.begin(accounts.open(0, Input("/in/1.png", "1.png")))
    >>> list(read_outputs(folder))
    [('1', None)]
    """
    begun: set[str] = set()
    for line in _lines(folder / ACCOUNTS):
        with suppress(*_DAMAGED):
            if line.startswith(_BEGUN):
                begun.add(str(json.loads(line)["begun"]))
            elif found := _finished(line):
                begun.discard(found[0])
                yield found[0], found[1]
    for output in begun:
        yield output, None


def shared_salt(inputs_digest: str) -> str:
    """The salt shared by all shards of one list of inputs."""
    return salted_digest("salt", inputs_digest, 32)


def _take_over(path: Path, file: BinaryIO) -> _Index:
    """Copy what a run needs from an earlier account file: the last line of each file, and the names of unfinished results."""
    index = _Index()
    for position, line in enumerate(_lines(path)):
        index.note(line, position)
    unwritten = set(index.begun)
    for position, line in enumerate(_lines(path)):
        with suppress(*_DAMAGED):
            if line.startswith(_BEGUN):
                name = hash(json.loads(line)["begun"])
                if name in unwritten:
                    unwritten.discard(name)
                    file.write(line)
            elif (found := _finished(line)) and index.offsets.get(_short(found[2])) == position:  # the last line of its file
                index.offsets[_short(found[2])] = file.tell()
                file.write(_EARLIER + line.partition(b": ")[2].partition(_PATH)[0].removesuffix(b"}\n") + b"}\n")
    return index


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, as far as it can be read; none if there is no file."""
    with suppress(OSError), _open(path) as file:
        yield from file


def _open(path: Path) -> BinaryIO:
    """Open an account file for reading, without following a link."""
    return open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)), "rb")


def _finished(line: bytes) -> tuple[str, int, bytes] | None:
    """Name of the results, number of frames and key from the line of an input that has rows."""
    if not (line.startswith((_NUMBER, _EARLIER)) and line.endswith(b"}\n")):
        return None
    match = _DONE.search(line)
    return (json.loads(match[1]), int(match[2]), match[3]) if match else None


def _short(key: str | bytes) -> int:
    return int(key[:15], 16)


def _parse(line: bytes) -> Account:
    """Parse a line into an account."""
    facts: dict[str, Any] = json.loads(line)
    number = facts["earlier" if "earlier" in facts else "number"]
    account = Account(number, facts["file"], state=facts["state"], reason=facts["reason"], path=facts.get("path", ""))
    if not (isinstance(number, int | None) and isinstance(account.file, str) and account.state in STATES):
        raise ValueError("it does not state the outcome of an input")
    if "key" not in facts:
        return account
    frames = [FrameRows(*frame) for frame in zip(facts["rows"], facts["part_rows"], parse_places(facts["places"]), strict=True)]
    if not all(isinstance(frame.row, dict) and all(isinstance(part, dict) for part in frame.parts) for frame in frames):
        raise ValueError("a row is not an object")
    size, changed = facts["stamp"]
    return replace(
        account,
        output=facts["output"],
        frames=tuple(frames),
        key=facts["key"],
        stamp=(size, changed),
        spacing_mm=facts["spacing_mm"] and tuple(facts["spacing_mm"]),
        clock=facts["clock"],
    )
