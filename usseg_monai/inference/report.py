"""What a page of pictures and numbers holds; `usseg_monai.inference.report_page` draws it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from usseg_monai.imaging.image import GreyImage, MaskArray
from usseg_monai.measurements.result import Measurement, Value
from usseg_monai.tasks import Task

__all__ = ["Case", "Chapter", "Figure", "Miss", "Misses", "Report", "Section", "Tolerance"]


@dataclass(frozen=True)
class Case:
    """One picture of the page.

    Attributes:
        name: heading, such as the file's name; no two on a page are the same.
        image: what was measured; drawn as it is, from its darkest to its brightest value.
        measurement: values by the task's columns, status, message and outlines.
        truth: known values by column name; may be empty.
        mask: what was found; its edge is drawn where the measurement has no outlines.
        true_mask: what is there, where that is known; its edge is drawn, too.
    """

    name: str
    image: GreyImage
    measurement: Measurement
    truth: Mapping[str, float] = field(default_factory=dict)
    mask: MaskArray | None = None
    true_mask: MaskArray | None = None

    def difference(self, column: str) -> float | None:
        """Measured less true value, or ``None`` where one of them is not known."""
        measured = self.measurement.values.get(column)
        if column not in self.truth or not isinstance(measured, (int, float)):
            return None
        return measured - self.truth[column]


@dataclass(frozen=True)
class Tolerance:
    """How far a column may be from the truth, in percent of the truth.

    >>> import numpy as np
    >>> from usseg_monai.measurements.result import Status
    >>> measured = Measurement({"head_circumference_mm": 103.5}, Status.OK)
    >>> case = Case("a.png", GreyImage(np.zeros((2, 2), np.float32)), measured, {"head_circumference_mm": 100.0})
    >>> Tolerance("head_circumference_mm", 3).holds(case), Tolerance("head_circumference_mm", 4).holds(case)
    (False, True)
    """

    column: str
    percent: float

    def holds(self, case: Case) -> bool:
        """Whether the case keeps to it; a case without a number does not."""
        difference = case.difference(self.column)
        return difference is not None and abs(difference) <= self.percent / 100 * abs(case.truth[self.column])


@dataclass(frozen=True)
class Figure:
    """What several pictures together say: numbers beside a drawing.

    Attributes:
        title: heading.
        values: by names whose last word is the unit, as those of columns.
        truth: known values by the same names; may be empty.
        png: the drawing, encoded; empty where nothing could be drawn.
        message: one line; empty when there is nothing to add.
        tolerance_percent: how far each value may be from its truth, in percent of the truth; ``None`` where nothing is asked.
    """

    title: str
    values: Mapping[str, Value]
    truth: Mapping[str, float]
    png: bytes
    message: str = ""
    tolerance_percent: float | None = None

    def holds(self) -> bool:
        """Whether every value whose truth is known keeps to the tolerance; one that is not known does not.

        >>> volumes = Figure("Volumes", {"edv_ml": 104.0, "esv_ml": 43.0}, {"edv_ml": 100.0, "esv_ml": 40.0}, b"", tolerance_percent=5)
        >>> volumes.holds(), Figure("Volumes", {"edv_ml": 104.0}, {"edv_ml": 100.0}, b"", tolerance_percent=5).holds()
        (False, True)
        """
        limit = math.inf if self.tolerance_percent is None else self.tolerance_percent / 100
        pairs = [(self.values.get(name), true) for name, true in self.truth.items()]
        return all(isinstance(value, (int, float)) and abs(value - true) <= limit * abs(true) for value, true in pairs)


@dataclass(frozen=True)
class Miss:
    """A picture whose structure was not found, or that shows none where one was found.

    Attributes:
        name: of the picture.
        how: what went wrong, in words that may follow a colon.
    """

    name: str
    how: str


@dataclass(frozen=True)
class Misses:
    """What went wrong in pictures whose truth is known.

    Attributes:
        pictures: number of those that were checked.
        missed: those that went wrong.
    """

    pictures: int
    missed: Sequence[Miss]


@dataclass(frozen=True)
class Section:
    """Pictures of one kind.

    Attributes:
        title: heading.
        text: a sentence or two about what they are.
        cases: the pictures.
        tolerance: what each case is checked against, if anything.
        figures: what the pictures say together, shown before them.
        misses: what went wrong, in these and in pictures that are not shown; ``None`` where no truth is known.
    """

    title: str
    text: str
    cases: Sequence[Case]
    tolerance: Tolerance | None = None
    figures: Sequence[Figure] = ()
    misses: Misses | None = None


@dataclass(frozen=True)
class Chapter:
    """One task's part of a page.

    Attributes:
        task: whose columns the numbers have.
        title: heading.
        highlights: columns shown beside each picture, in order, the first in the table as well; the others are folded away.
        sections: the pictures.
        notes: paragraphs at the end, such as attributions.
    """

    task: Task
    title: str
    highlights: Sequence[str]
    sections: Sequence[Section]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Report:
    """A page.

    Attributes:
        title: heading of the page.
        lead: a sentence below it.
        chapters: the tasks.
        commands: ``(what it does, command line)``: what the reader may do next.
        facts: ``(name, value)`` at the foot: versions, device, time.
    """

    title: str
    lead: str
    chapters: Sequence[Chapter]
    commands: Sequence[tuple[str, str]] = ()
    facts: Sequence[tuple[str, str]] = ()
