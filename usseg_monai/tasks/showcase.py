"""Data structures of a task's demo."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from usseg_monai.files.table import Value
from usseg_monai.geometry.types import MaskArray, Spacing
from usseg_monai.phantoms import Phantom

__all__ = ["Figure", "Group", "Sample", "Showcase", "Tolerance", "attribution"]


@dataclass(frozen=True)
class Tolerance:
    """How far a column may be from the truth, in percent of the truth.

    >>> Tolerance("head_circumference_mm", 3).holds(103.5, 100.0), Tolerance("head_circumference_mm", 4).holds(103.5, 100.0)
    (False, True)
    """

    column: str
    percent: float

    def holds(self, measured: float, true: float) -> bool:
        """Whether the measured value is within the tolerance."""
        return abs(measured - true) <= self.percent / 100 * abs(true)


@dataclass(frozen=True)
class Figure:
    """Combined result of several pictures: numbers beside a drawing.

    Attributes:
        title: heading.
        values: by name; the last word of a name is the unit, as for columns.
        truth: known values by the same names; may be empty.
        png: the drawing, encoded; empty where nothing could be drawn.
        message: one line; empty when there is nothing to add.
        tolerance_percent: how far each value may be from its truth, in percent of the truth; ``None`` for no limit.
    """

    title: str
    values: Mapping[str, Value]
    truth: Mapping[str, float]
    png: bytes
    message: str = ""
    tolerance_percent: float | None = None

    def holds(self) -> bool:
        """Whether every value with a known truth is within the tolerance; a missing value is not.

        >>> volumes = Figure("Volumes", {"edv_ml": 104.0, "esv_ml": 43.0}, {"edv_ml": 100.0, "esv_ml": 40.0}, b"", tolerance_percent=5)
        >>> volumes.holds(), Figure("Volumes", {"edv_ml": 104.0}, {"edv_ml": 100.0}, b"", tolerance_percent=5).holds()
        (False, True)
        """
        limit = math.inf if self.tolerance_percent is None else self.tolerance_percent / 100
        pairs = [(self.values.get(name), true) for name, true in self.truth.items()]
        return all(isinstance(value, (int, float)) and abs(value - true) <= limit * abs(true) for value, true in pairs)


@dataclass(frozen=True)
class Sample:
    """One file of the demo.

    Attributes:
        name: of the file, with its suffix.
        content: of the file.
        truths: known values by frame, then by the task's column; class probabilities are 1 for the true class, 0 for the others.
        masks: true masks by frame, where they are known.
        spacing_mm: ``(row, col)``, given to the program beside the file; ``None`` where the file states it or it is unknown.
        frames: shown on the page; all frames are measured.
    """

    name: str
    content: bytes
    truths: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    masks: Mapping[int, MaskArray] = field(default_factory=dict)
    spacing_mm: Spacing | None = None
    frames: Sequence[int] = (0,)

    @classmethod
    def of_phantom(cls, name: str, phantom: Phantom) -> Sample:
        """A phantom as a PNG file, with its spacing and truth."""
        from PIL import Image

        file = io.BytesIO()
        Image.fromarray(phantom.image.pixels.astype("uint8")).save(file, "PNG")
        return cls(name, file.getvalue(), {0: phantom.truth}, {0: phantom.mask}, phantom.image.spacing_mm)


@dataclass(frozen=True)
class Group:
    """Samples of one kind, predicted in one run.

    Attributes:
        folder: its name in the demo's output.
        title: heading.
        text: one or two sentences about the samples.
        samples: draws or reads them, one after the other.
        tolerance: how far a sample may be from its truth for the demo to succeed; ``None`` for no limit: a network trained on real images
            alone is no worse for not recognising a phantom.
        figures: makes the combined results from the result files in the given folder.
    """

    folder: str
    title: str
    text: str
    samples: Callable[[], Iterable[Sample]]
    tolerance: Tolerance | None = None
    figures: Callable[[Path], Sequence[Figure]] = lambda results: ()


@dataclass(frozen=True)
class Showcase:
    """A task in the demo.

    Attributes:
        task: name of the task.
        title: heading.
        highlights: columns shown beside each picture, the most important first.
        groups: what is shown.
        notes: paragraphs at the end, such as attributions.
    """

    task: str
    title: str
    highlights: Sequence[str]
    groups: Sequence[Group]
    notes: Sequence[str] = ()


def attribution(samples: Path) -> str:
    """The attribution that must accompany the real images in a task's folder of samples, in one line."""
    return " ".join((samples / "ATTRIBUTION.txt").read_text(encoding="utf-8").split())
