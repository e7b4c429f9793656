"""The results table: one row per frame, including failed ones, in the order of the inputs.

Tasks that measure several structures in an image have a parts table beside it, one row per structure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from usseg_monai.files.table import GrowingTable, Row, one_line
from usseg_monai.geometry.runs import Runs
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging import Place
from usseg_monai.measuring.result import Measurement, Status
from usseg_monai.tasks import Task
from usseg_monai.tasks.record import CLIP_TABLE

__all__ = [
    "COMMON_COLUMNS",
    "TABLE",
    "FrameRows",
    "Located",
    "Table",
    "column_names",
    "failed_row",
    "open_table",
    "part_column_names",
    "part_rows",
    "part_table",
    "result_row",
    "row_spacing",
]

TABLE = "results.csv"
"""Name of the table in the output folder."""

COMMON_COLUMNS = ("file", "frame", "status", "message", "confidence", "unlikeness", "source_distance", "spacing_mm_row", "spacing_mm_col")
"""Columns before the task's own."""

Located = tuple[Place, tuple[int, int]]
"""Where and when a frame was taken, and ``(rows, cols)`` of its picture."""


class FrameRows(NamedTuple):
    """The rows of a frame.

    Attributes:
        row: row of the results table.
        parts: rows of the parts table; empty for tasks without one.
        located: for tasks with studies, if the file states it; for tasks with clips, of the frames of clips.
        from_nifti: whether the file is NIfTI, whose geometry a volume of the masks gets.
        mask: of a frame of a clip, until the clip's results are written.
    """

    row: Row
    parts: Sequence[Row] = ()
    located: Located | None = None
    from_nifti: bool = False
    mask: Runs | None = None


def column_names(task: Task) -> tuple[str, ...]:
    """All columns of a task's table, in order."""
    return (*COMMON_COLUMNS, *(column.name for column in task.columns))


def result_row(task: Task, file: str, frame: int, spacing: Spacing | None, measurement: Measurement) -> Row:
    """The row of a measured frame.

    Args:
        task: the task.
        file: the input's name in the results.
        frame: index from 0.
        spacing: ``(row, col)`` in mm, ``None`` if unknown.
        measurement: measurement of the frame's mask.
    """
    row, col = spacing or (None, None)
    common = {
        "file": file,
        "frame": frame,
        "status": measurement.status.value,
        "message": one_line(measurement.message),
        **measurement.trust,
        "spacing_mm_row": row,
        "spacing_mm_col": col,
    }
    return {**{name: common[name] for name in COMMON_COLUMNS}, **{column.name: measurement.values[column.name] for column in task.columns}}


def failed_row(task: Task, file: str, frame: int, message: str) -> Row:
    """The row of a frame that could not be read or processed; the message says why."""
    nothing = Measurement({column.name: None for column in task.columns}, Status.FAILED, message)
    return result_row(task, file, frame, None, nothing)


def part_table(path: Path, task: Task) -> Path:
    """The table of parts that stands beside a results table.

    >>> from usseg_monai.tasks.breast.record import BREAST
    >>> part_table(Path("out/results.csv"), BREAST).as_posix()
    'out/lesions.csv'
    """
    return path.with_name(f"{task.part_name}s.csv")


def part_column_names(task: Task) -> tuple[str, ...]:
    """All columns of a task's parts table, in order: file and frame, number within the image, measurements."""
    return ("file", "frame", task.part_name, *(column.name for column in task.part_columns))


def part_rows(task: Task, file: str, frame: int, measurement: Measurement) -> list[Row]:
    """One row per part of a measured frame, numbered from 1; file and frame as in its `result_row`."""
    return [
        {"file": file, "frame": frame, task.part_name: number, **{column.name: part[column.name] for column in task.part_columns}}
        for number, part in enumerate(measurement.parts, 1)
    ]


class Table:
    """The results table, and the parts table if the task has one; see `open_table`."""

    def __init__(self, rows: GrowingTable, parts: GrowingTable | None, begin: Callable[[str, tuple[str, ...]], GrowingTable]) -> None:
        self._rows, self._parts, self._begin = rows, parts, begin
        self._clips: GrowingTable | None = None

    def append(self, row: Row, parts: Sequence[Row] = ()) -> None:
        """Add a frame's row and those of its parts, one write per table. Parts are written first, so a row never lacks its parts.

        Raises:
            OutputError: the disk is full; the incomplete write is undone.
        """
        if parts and self._parts is not None:
            self._parts.append(parts)
        self._rows.append([row])

    def append_clip(self, row: Row) -> None:
        """Add the row of a clip to the table of clips, which the first one begins.

        Raises:
            OutputError: the disk is full; the incomplete write is undone.
        """
        if self._clips is None:
            self._clips = self._begin(CLIP_TABLE, tuple(row))
        self._clips.append([row])


@contextmanager
def open_table(path: Path, task: Task) -> Iterator[Table]:
    """Start a new table, replacing an existing one, and keep it open for rows; likewise the parts table, for tasks that have one.

    Raises:
        OutputError: a table cannot be written.
    """
    with ExitStack() as files:
        rows = files.enter_context(GrowingTable.begin(path, column_names(task)))
        parts = files.enter_context(GrowingTable.begin(part_table(path, task), part_column_names(task))) if task.part_name else None
        yield Table(rows, parts, lambda name, columns: files.enter_context(GrowingTable.begin(path.with_name(name), columns)))


def row_spacing(row: Row) -> Spacing | None:
    """The spacing ``(row, col)`` in mm that a row of the table states; ``None`` if it states none.

    >>> row_spacing({"spacing_mm_row": 0.2, "spacing_mm_col": 0.1}), row_spacing({"spacing_mm_row": None})
    ((0.2, 0.1), None)
    """
    down, right = row.get("spacing_mm_row"), row.get("spacing_mm_col")
    return (float(down), float(right)) if isinstance(down, (int, float)) and isinstance(right, (int, float)) else None
