"""The results table: one row per frame, failed ones too, in the order of the inputs.

Tasks that measure several structures in an image have a table of parts beside it, one row per structure.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from usseg_monai.errors import OutputError, quoted
from usseg_monai.imaging import Place, Spacing, write_text
from usseg_monai.measurements.result import Measurement, Status, Value
from usseg_monai.tasks import Task

__all__ = [
    "COMMON_COLUMNS",
    "TABLE",
    "FrameRows",
    "Located",
    "Row",
    "Table",
    "column_names",
    "csv_line",
    "failed_row",
    "open_table",
    "part_column_names",
    "part_rows",
    "part_table",
    "read_table",
    "read_text_cell",
    "result_row",
    "text_cell",
    "write_table",
]

TABLE = "results.csv"
"""Name of the table in the output folder."""

COMMON_COLUMNS = ("file", "frame", "status", "message", "confidence", "unlikeness", "spacing_mm_row", "spacing_mm_col")
"""What stands before the task's own columns."""

Row = dict[str, Value]
"""A row by column; every column of the table is there, unknown values are ``None``."""


Located = tuple[Place, tuple[int, int]]
"""Where and when a frame was taken, and ``(rows, cols)`` of its picture."""

_TEXTS = {"file", "status", "message", "study"}

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""First characters of a text that a spreadsheet may take for a formula, and the apostrophe that keeps it from doing so."""


class FrameRows(NamedTuple):
    """What the tables say of a frame.

    Attributes:
        row: of the results table.
        parts: of the table of parts; none for tasks that have no such table.
        located: for tasks that make studies of frames, where the file tells.
    """

    row: Row
    parts: Sequence[Row] = ()
    located: Located | None = None


def column_names(task: Task) -> tuple[str, ...]:
    """All columns of a task's table, in order."""
    return (*COMMON_COLUMNS, *(column.name for column in task.columns))


def result_row(task: Task, file: str, frame: int, spacing: Spacing | None, measurement: Measurement) -> Row:
    """The row of a measured frame.

    Args:
        task: whose columns the row has.
        file: the input's name in the results.
        frame: index from 0.
        spacing: ``(row, col)`` in mm, ``None`` where unknown.
        measurement: of that frame's mask.
    """
    row, col = spacing or (None, None)
    trust = measurement.confidence, measurement.unlikeness
    common = (file, frame, measurement.status.value, one_line(measurement.message), *trust, row, col)
    return {**dict(zip(COMMON_COLUMNS, common, strict=True)), **{column.name: measurement.values[column.name] for column in task.columns}}


def failed_row(task: Task, file: str, frame: int, message: str) -> Row:
    """The row of a frame that could not be read or processed; the message says why."""
    nothing = Measurement({column.name: None for column in task.columns}, Status.FAILED, message)
    return result_row(task, file, frame, None, nothing)


def part_table(path: Path, task: Task) -> Path:
    """The table of parts that stands beside a results table.

    >>> from usseg_monai.tasks.breast import BREAST
    >>> part_table(Path("out/results.csv"), BREAST).as_posix()
    'out/lesions.csv'
    """
    return path.with_name(f"{task.part_name}s.csv")


def part_column_names(task: Task) -> tuple[str, ...]:
    """All columns of a task's table of parts, in order: where it is, its number in the image, what was measured."""
    return ("file", "frame", task.part_name, *(column.name for column in task.part_columns))


def part_rows(task: Task, file: str, frame: int, measurement: Measurement) -> list[Row]:
    """A row for each part of a measured frame, numbered from 1; file and frame as in its `result_row`."""
    return [
        {"file": file, "frame": frame, task.part_name: number, **{column.name: part[column.name] for column in task.part_columns}}
        for number, part in enumerate(measurement.parts, 1)
    ]


def one_line(text: str) -> str:
    """The text without line breaks, which would tear a row.

    >>> one_line("first\\nsecond")
    'first second'
    """
    return " ".join(text.split())


class _File:
    """A CSV file that grows by whole rows."""

    def __init__(self, path: Path, columns: tuple[str, ...], descriptor: int) -> None:
        self._path, self._columns, self._descriptor = path, columns, descriptor

    @classmethod
    @contextmanager
    def begin(cls, path: Path, columns: tuple[str, ...]) -> Iterator[_File]:
        write_text(path, _line(columns))
        with open_for_appending(path) as descriptor:
            yield cls(path, columns, descriptor)

    def append(self, rows: Sequence[Row]) -> None:
        append_whole(self._descriptor, self._path, "".join(_line([row[name] for name in self._columns]) for row in rows))


class Table:
    """The results table, and the table of parts where the task has one; see `open_table`."""

    def __init__(self, rows: _File, parts: _File | None) -> None:
        self._rows, self._parts = rows, parts

    def append(self, row: Row, parts: Sequence[Row] = ()) -> None:
        """Add a frame's row and those of its parts, each table in one write; the parts of a row that is there are there.

        Raises:
            OutputError: no space is left; what was written in that write is taken back.
        """
        if parts and self._parts is not None:
            self._parts.append(parts)
        self._rows.append([row])


@contextmanager
def open_table(path: Path, task: Task) -> Iterator[Table]:
    """Begin a table, in place of one that is there, and keep it open for rows; so too the table of parts, for tasks that have one.

    Raises:
        OutputError: it cannot be written.
    """
    with ExitStack() as files:
        rows = files.enter_context(_File.begin(path, column_names(task)))
        parts = files.enter_context(_File.begin(part_table(path, task), part_column_names(task))) if task.part_name else None
        yield Table(rows, parts)


@contextmanager
def open_for_appending(path: Path) -> Iterator[int]:
    """Descriptor of a file that only grows; `OutputError` where it cannot be opened."""
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
    """Add a text to the end of a file, wholly or not at all; `OutputError` where it cannot."""
    data = text.encode("utf-8", "backslashreplace")  # file names may hold bytes that are no text
    size = os.fstat(descriptor).st_size
    try:
        written = os.write(descriptor, data)
        while written < len(data):
            written += os.write(descriptor, data[written:])
    except OSError as error:
        with suppress(OSError):  # of a drive that can only be read by now
            os.ftruncate(descriptor, size)
        raise OutputError(f"{path}: cannot be written ({error.strerror}); make room, or give another output folder") from error


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Value]]) -> None:
    """Write a whole table; `OutputError` where it cannot be written."""
    write_text(path, "".join([_line(tuple(columns)), *(_line([row[name] for name in columns]) for row in rows)]))


def read_table(path: Path) -> Iterator[Row]:
    """Read a table back, row by row: numbers with the digits that were written, ``None`` where nothing was known.

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
                    raise ValueError(f"a row of {quoted(row[next(iter(row))])} has not one cell per column")
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
    """Text as a cell of a table holds it: with an apostrophe in front where a spreadsheet could take it for a formula.

    An apostrophe gets one, too, so that `read_table` can remove it again. Bytes of file names that are no UTF-8 are written as ``\\udcXX``.

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
    return csv_line([_cell(value) for value in values])


def _cell(value: Value) -> str:
    """Text of a cell: six significant digits, which is beyond what any pixel can tell.

    >>> _cell(251.2599999), _cell(12345678.0), _cell(None)
    ('251.26', '12345678', '')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1e6 else f"{value:.6g}"
    return text_cell(value) if isinstance(value, str) else str(value)
