"""The only module for CSV: tables that grow by whole rows and are read back as they were written, and tables of other programs.

Tables written here are safe to open in a spreadsheet.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from usseg_monai.errors import OutputError, UsageError, quoted
from usseg_monai.files.bounded_text import lines_of
from usseg_monai.files.write import write_text

__all__ = [
    "UNREADABLE",
    "GrowingTable",
    "Row",
    "Sheet",
    "Value",
    "append_whole",
    "cell_text",
    "check_columns",
    "csv_line",
    "csv_rows",
    "one_line",
    "open_for_appending",
    "read_sheet",
    "read_table",
    "read_text_cell",
    "table_text",
    "text_cell",
    "write_table",
]

Value = float | int | str | None
"""A cell; ``None`` is "not known" and stays empty, never 0."""

Row = dict[str, Value]
"""A row, by column; it has every column of the table, with ``None`` for unknown values."""

_TEXTS = {"file", "status", "message", "study"}

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""First characters of a text that a spreadsheet may take for a formula, and the apostrophe that prevents this."""

_MOST_LINES = 2_000_000
_DELIMITERS = ",;\t"
_SEPARATOR = re.compile(r"sep=([,;\t])", re.IGNORECASE)

UNREADABLE = (OSError, UnicodeDecodeError, csv.Error)
"""Exceptions of a file that cannot be read as a table."""


def one_line(text: str) -> str:
    """The text without line breaks, which would split a row.

    >>> one_line("first\\nsecond")
    'first second'
    """
    return " ".join(text.split())


class GrowingTable:
    """A CSV file that grows by whole rows."""

    def __init__(self, path: Path, columns: tuple[str, ...], descriptor: int) -> None:
        self._path, self._columns, self._descriptor = path, columns, descriptor

    @classmethod
    @contextmanager
    def begin(cls, path: Path, columns: tuple[str, ...]) -> Iterator[GrowingTable]:
        write_text(path, _line(columns))
        with open_for_appending(path) as descriptor:
            yield cls(path, columns, descriptor)

    def append(self, rows: Sequence[Row]) -> None:
        append_whole(self._descriptor, self._path, "".join(_line([row[name] for name in self._columns]) for row in rows))


@contextmanager
def open_for_appending(path: Path) -> Iterator[int]:
    """Descriptor of a file that only grows; `OutputError` if it cannot be opened."""
    try:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); give another output folder") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def append_whole(descriptor: int, path: Path, text: str) -> None:
    """Append a text to a file, wholly or not at all; `OutputError` if that fails."""
    data = text.encode("utf-8", "backslashreplace")  # file names may hold bytes that are not text
    size = os.fstat(descriptor).st_size
    try:
        written = os.write(descriptor, data)
        while written < len(data):
            written += os.write(descriptor, data[written:])
    except OSError as error:
        with suppress(OSError):  # the drive may be read-only by now
            os.ftruncate(descriptor, size)
        raise OutputError(f"{path}: cannot be written ({error.strerror}); make room, or give another output folder") from error


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Value]]) -> None:
    """Write a whole table; `OutputError` if it cannot be written."""
    write_text(path, table_text(columns, rows))


def table_text(columns: Sequence[str], rows: Sequence[Mapping[str, Value]]) -> str:
    """A whole table as text.

    >>> table_text(("file", "area_mm2"), [{"file": "=1.png", "area_mm2": 2.5}])
    "file,area_mm2\\n'=1.png,2.5\\n"
    """
    return "".join([_line(tuple(columns)), *(_line([row[name] for name in columns]) for row in rows)])


def read_table(path: Path) -> Iterator[Row]:
    """Read a table back, row by row: numbers with the digits that were written, ``None`` for unknown values.

    Raises:
        OutputError: it cannot be read.

    >>> import tempfile
    >>> table = Path(tempfile.mkdtemp(), "results.csv")
    >>> write_table(table, ("file", "lesions", "area_mm2"), [{"file": "7", "lesions": 2, "area_mm2": None}])
    >>> list(read_table(table))
    [{'file': '7', 'lesions': 2, 'area_mm2': None}]
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, strict=True):
                if None in row or None in row.values():
                    raise ValueError(f"a row of {quoted(row[next(iter(row))])} does not have one cell per column")
                yield {name: read_text_cell(text) if name in _TEXTS else _value(text) for name, text in row.items()}
    except (OSError, ValueError, csv.Error) as error:
        raise OutputError(f"{path} cannot be read as a table ({error}); run the command that made it again") from error


def _value(text: str) -> Value:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text or None


def csv_line(cells: Sequence[str]) -> str:
    """One line of a CSV table, ending with a line feed; cells with line breaks of any kind are quoted.

    >>> csv_line(["a\\rb.png", "0"])
    '"a\\rb.png",0\\n'
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)  # the writer quotes a line break only if it occurs in its line terminator
    return text.getvalue()[:-2] + "\n"


def text_cell(text: str) -> str:
    """Text as a table cell: with an apostrophe in front if a spreadsheet could take it for a formula.

    An apostrophe gets one, too, so that `read_table` can remove it. Bytes of file names that are not UTF-8 are written as ``\\udcXX``.

    >>> text_cell("=1+1.png"), text_cell("'a.png"), text_cell("1.png")
    ("'=1+1.png", "''a.png", '1.png')
    """
    text = text.encode("utf-8", "backslashreplace").decode()
    return f"'{text}" if text.startswith(_FORMULA) else text


def read_text_cell(cell: str) -> str:
    """The text of a cell that `text_cell` wrote.

    >>> read_text_cell("'=1+1.png"), read_text_cell("1.png")
    ('=1+1.png', '1.png')
    """
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _line(values: list[Value] | tuple[str, ...]) -> str:
    return csv_line([cell_text(value) for value in values])


def cell_text(value: Value) -> str:
    """Text of a cell: six significant digits, more than pixels can resolve.

    >>> cell_text(251.2599999), cell_text(12345678.0), cell_text(None)
    ('251.26', '12345678', '')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1e6 else f"{value:.6g}"
    return text_cell(value) if isinstance(value, str) else str(value)


@contextmanager
def csv_rows(path: Path) -> Iterator[csv.DictReader[str]]:
    """Open a table with a line of column names; if it is unreadable, also while its rows are read, this raises `UsageError`."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            yield csv.DictReader(lines_of(stream, str(path), most=_MOST_LINES))
    except UNREADABLE as error:
        raise UsageError(f"{path} cannot be read as a table: {error}") from error


def check_columns(reader: csv.DictReader[str], path: Path, wanted: Sequence[str], owner: str) -> None:
    """Raise `UsageError` unless a table has the columns of its owner's table."""
    if not set(wanted) <= set(reader.fieldnames or ()):
        raise UsageError(f"{path} has the columns {quoted(reader.fieldnames)}: {owner} table has {list(wanted)}")


@dataclass(frozen=True)
class Sheet:
    """A table of another program.

    Attributes:
        names: of its columns, without surrounding white space.
        rows: number of the line, from 1, and cells of each further row; a row may have more or fewer cells than there are columns.
    """

    names: Sequence[str]
    rows: Iterable[tuple[int, list[str]]]


def read_sheet(stream: TextIO, name: str) -> Sheet:
    """Read a table whose columns are separated by commas, semicolons or tabs, with or without a spreadsheet's line ``sep=;`` in front.

    Args:
        stream: the text, opened with ``newline=""``; rows are read from it as they are needed.
        name: of the file, for messages.

    Raises:
        UsageError: too many lines, or one that is too long. `UNREADABLE` is raised if this is not a table, also while rows are read.

    >>> sheet = read_sheet(io.StringIO("file; size\\na.png;0,2\\n"), "table.csv")
    >>> sheet.names, list(sheet.rows)
    (['file', 'size'], [(2, ['a.png', '0,2'])])
    """
    lines = lines_of(stream, name, most=_MOST_LINES)
    header = next(lines, "")
    stated = _SEPARATOR.fullmatch(header.strip(" \r\n"))
    if stated:
        header = next(lines, "")
    heads = {delimiter: next(csv.reader([header], delimiter=delimiter), []) for delimiter in (stated[1] if stated else _DELIMITERS)}
    delimiter = max(heads, key=lambda delimiter: len(heads[delimiter]))
    rows = enumerate(csv.reader(lines, delimiter=delimiter), 3 if stated else 2)
    return Sheet([head.strip() for head in heads[delimiter]], rows)
