"""The form of what a task shows."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from usseg_monai.imaging import MaskArray, Spacing
from usseg_monai.inference.report import Figure, Tolerance
from usseg_monai.phantoms import Phantom

__all__ = ["SAMPLES", "Group", "Sample", "Showcase", "attribution"]

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
"""Folder of the real images that are part of the package, one folder a data set."""


@dataclass(frozen=True)
class Sample:
    """One file of the demo.

    Attributes:
        name: of the file, with its suffix.
        content: of the file.
        truths: known values by frame, then by names of the task's columns; of class probabilities 1 for the true class, 0 for the others.
        masks: true masks by frame, where they are known.
        spacing_mm: ``(row, col)``, given to the program beside the file; ``None`` where the file tells it itself, or nobody knows.
        frames: those that the page shows; all are measured.
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
    """Samples of one kind, predicted in one go.

    Attributes:
        folder: its name in the demo's output.
        title: heading.
        text: a sentence or two about what they are.
        samples: draws or reads them.
        tolerance: how far a sample may be from its truth for the demo to succeed. Without it nothing is asked: a network that is trained
            on real images alone is no worse for a phantom that it does not recognise.
        figures: what the files of the results, in the given folder, say together.
    """

    folder: str
    title: str
    text: str
    samples: Callable[[], Sequence[Sample]]
    tolerance: Tolerance | None = None
    figures: Callable[[Path], Sequence[Figure]] = lambda results: ()


@dataclass(frozen=True)
class Showcase:
    """A task in the demo.

    Attributes:
        task: name of the task.
        title: heading.
        highlights: columns that stand beside each picture, the most important one first.
        groups: what is shown.
        notes: paragraphs at the end, such as attributions.
    """

    task: str
    title: str
    highlights: Sequence[str]
    groups: Sequence[Group]
    notes: Sequence[str] = ()


def attribution(samples: str) -> str:
    """The words that the samples of a data set have to be accompanied by, in one line."""
    return " ".join((SAMPLES / samples / "ATTRIBUTION.txt").read_text(encoding="utf-8").split())
