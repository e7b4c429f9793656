"""The content of a page of pictures and numbers; `usseg_monai.report.page` renders it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.files.table import Row, Value
from usseg_monai.measuring.result import Status
from usseg_monai.tasks import Task
from usseg_monai.tasks.showcase import Figure, Tolerance

__all__ = ["SHEET_FROM", "Case", "Chapter", "Miss", "Misses", "Picture", "Report", "Section", "rank"]

SHEET_FROM = 25
"""So many pictures of a section are shown small."""

_WORST_FIRST = [*Status][::-1]


def rank(status: Status) -> int:
    """Place of a status, from what cannot be believed to what nothing speaks against.

    >>> [status.value for status in sorted(Status, key=rank)][:3]
    ['failed', 'unlike_training_data', 'low_confidence']
    """
    return _WORST_FIRST.index(status)


@dataclass(frozen=True)
class Picture:
    """A picture as the page shows it.

    Attributes:
        jpeg: the picture, encoded.
        size: rows and columns in which the outlines are given.
        outlines: kind (``found``, ``measured`` or ``truth``) and polyline ``(n, 2)`` of ``(row, col)``; pixel centres are whole numbers.
        link: path of a larger picture, relative to the page; empty if there is none.
    """

    jpeg: bytes
    size: tuple[int, int]
    outlines: Sequence[tuple[str, npt.NDArray[np.float64]]] = ()
    link: str = ""


@dataclass(frozen=True)
class Case:
    """One measured frame.

    Attributes:
        name: heading, such as the file's name; unique within a chapter.
        status: of the measurement.
        message: its reason; may be empty.
        values: by the task's columns.
        confidence: expected Dice, ``None`` if unknown.
        truth: true values by column; may be empty. Class probabilities are 1 for the true class, 0 for the others.
        dice: with the true mask, ``None`` if unknown.
        picture: ``None`` if there is none to show.
    """

    name: str
    status: Status
    message: str
    values: Mapping[str, Value]
    confidence: float | None = None
    truth: Mapping[str, float] = field(default_factory=dict)
    dice: float | None = None
    picture: Picture | None = None

    @classmethod
    def of_row(cls, name: str, task: Task, row: Row, **more: Any) -> Case:
        """From a row of the task's results table.

        Args:
            name: heading.
            task: of the table.
            row: of the table.
            more: further attributes.
        """
        values = {column.name: row[column.name] for column in task.columns}
        confidence = row["confidence"]
        known = float(confidence) if isinstance(confidence, (int, float)) else None
        return cls(name, Status(row["status"]), str(row["message"] or ""), values, known, **more)

    def keeps(self, tolerance: Tolerance) -> bool:
        """Whether the measured value is within tolerance of the true one; false if either is unknown."""
        true = self.truth.get(tolerance.column)
        measured = self.values.get(tolerance.column)
        return true is not None and isinstance(measured, (int, float)) and tolerance.holds(measured, true)

    def difference(self, column: str) -> float | None:
        """Measured minus true value, ``None`` if either is unknown."""
        measured = self.values.get(column)
        if column not in self.truth or not isinstance(measured, (int, float)):
            return None
        return measured - self.truth[column]


@dataclass(frozen=True)
class Miss:
    """A picture whose structure was missed, or in which one was found although there is none.

    Attributes:
        name: name of the picture.
        how: what went wrong, in words that may follow a colon.
    """

    name: str
    how: str


@dataclass(frozen=True)
class Misses:
    """Misses among the pictures whose truth is known.

    Attributes:
        pictures: number of pictures that were checked.
        missed: the misses.
    """

    pictures: int
    missed: Sequence[Miss]


@dataclass(frozen=True)
class Section:
    """Pictures of one kind.

    Attributes:
        title: heading.
        text: one or two sentences that describe them.
        cases: in the order in which they are shown.
        tolerance: tolerance that each case is checked against, if any.
        figures: figures computed from all pictures together, shown before them.
        misses: misses in these pictures and in those that are not shown; ``None`` if no truth is known.
        frames: number of measured frames, if only some of them are ``cases``.
    """

    title: str
    text: str
    cases: Sequence[Case]
    tolerance: Tolerance | None = None
    figures: Sequence[Figure] = ()
    misses: Misses | None = None
    frames: int | None = None

    @property
    def is_sheet(self) -> bool:
        """Whether the pictures are so many that they are shown small."""
        return sum(case.picture is not None for case in self.cases) >= SHEET_FROM


@dataclass(frozen=True)
class Chapter:
    """One task's part of a page.

    Attributes:
        task: task whose columns are shown.
        title: heading.
        highlights: columns shown beside each picture and in the table, in order; see `usseg_monai.report.columns.shown_columns`.
        sections: the pictures.
        notes: paragraphs at the end, such as attributions.
        studies: rows of the task's table of studies; may be empty.
    """

    task: Task
    title: str
    highlights: Sequence[str]
    sections: Sequence[Section]
    notes: Sequence[str] = ()
    studies: Sequence[Row] = ()

    @property
    def cases(self) -> list[Case]:
        """Those of all sections."""
        return [case for section in self.sections for case in section.cases]


@dataclass(frozen=True)
class Report:
    """A page.

    Attributes:
        title: heading of the page.
        lead: sentence below it.
        chapters: one chapter per task.
        commands: ``(purpose, command line)``: suggestions for the reader.
        facts: ``(name, value)`` in the footer: versions, device, time.
    """

    title: str
    lead: str
    chapters: Sequence[Chapter]
    commands: Sequence[tuple[str, str]] = ()
    facts: Sequence[tuple[str, str]] = ()

    @property
    def counts(self) -> Mapping[Status, int]:
        """Number of cases by status, the worst first."""
        found = Counter(case.status for chapter in self.chapters for case in chapter.cases)
        return {status: found[status] for status in sorted(found, key=rank)}
