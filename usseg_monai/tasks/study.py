"""Data structures of a task's studies: which frames belong together, and their combined results.

A task whose record names a `Study` gets all frames of a run whose files state their place. Runs depend on these structures only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from usseg_monai.files.table import Row
from usseg_monai.imaging import Place
from usseg_monai.imaging.drawing.curve import Mark
from usseg_monai.tasks.record import Task

__all__ = ["SAME_DIRECTION", "Stack", "Study", "StudyFrame", "StudyResult"]

SAME_DIRECTION = 0.999
"""Cosine of the largest angle between the normals of parallel slices, 2.6 degrees."""

_VOLUME = re.compile(r"\.(nii|nii\.gz|nrrd|nhdr|mha|mhd|hdr|img)$", re.IGNORECASE)
_NOT_MEASURED = ("file", "frame")


@dataclass(frozen=True, eq=False)
class StudyFrame:
    """A measured slice.

    Attributes:
        path: the file.
        row: its row of the results table.
        place: where and when the slice was taken.
        shape: ``(rows, cols)`` of the picture.
    """

    path: Path
    row: Row
    place: Place
    shape: tuple[int, int]

    @property
    def file(self) -> str:
        """Name of the file in the results."""
        return str(self.row["file"])

    @cached_property
    def folder(self) -> str:
        """Absolute path of the file's folder."""
        return os.path.dirname(os.path.abspath(self.path))

    @property
    def of_volume(self) -> bool:
        """Whether the file's format holds whole stacks and has no study and series UIDs."""
        place = self.place
        return not (place.study or place.series or place.instance or place.modality) and _VOLUME.search(self.path.name) is not None

    def measured(self) -> tuple[object, ...]:
        """All measurements; equal for copies of one picture."""
        return tuple(value for name, value in self.row.items() if name not in _NOT_MEASURED)


@dataclass(frozen=True)
class Stack:
    """The slices of one study, sorted.

    Attributes:
        name: of its results: the folder or file of origin, unique in a run.
        slices: the frames, ``slices[slice][phase]``; a single "slice" with all frames where the order is unknown.
        positions_mm: of the slices along their normal; empty where the order is unknown.
        problems: why no volume can be computed; empty for a whole stack.
        remarks: decisions made, such as which of two takes is used.
        unused: frames that do not count (copies and discarded takes), with the index of their slice.
        assumed: what the phases are ordered by if no clock gives their order; else empty.
    """

    name: str
    slices: tuple[tuple[StudyFrame, ...], ...]
    positions_mm: tuple[float, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    unused: tuple[tuple[int, StudyFrame], ...] = ()
    assumed: str = ""

    @property
    def distance_mm(self) -> float | None:
        """Distance between neighbouring slices; ``None`` for a single slice or an unknown order."""
        return float(np.mean(np.diff(self.positions_mm))) if len(self.positions_mm) > 1 else None

    @property
    def phases(self) -> int:
        """Maximum number of phases of a slice."""
        return max(map(len, self.slices)) if self.positions_mm else 0

    def times_ms(self) -> list[float | None]:
        """Time of each phase, averaged over the slices, since heart beats differ in length; ``None`` where it is unknown."""
        columns = [[phases[index].place.time_ms for phases in self.slices if index < len(phases)] for index in range(self.phases)]
        return [None if None in column else float(np.mean([time for time in column if time is not None])) for column in columns]


@dataclass(frozen=True)
class StudyResult:
    """What a study comes to.

    Attributes:
        row: of the table of studies.
        slices: one row per frame, see `usseg_monai.tasks.record.SLICE_COLUMNS`.
        curve: one row per phase: its number, ``phase``, its time, ``time_ms``, and the quantity; empty where there is none.
        marks: notable phases of the curve.
    """

    row: Row
    slices: Sequence[Row]
    curve: Sequence[Row] = ()
    marks: Sequence[Mark] = ()


@dataclass(frozen=True)
class Study:
    """How a task combines frames into studies.

    Attributes:
        find_stacks: sorts the frames of a run into stacks, without losing any.
        sum_up: writes the results of a run's studies. It takes the task, the folder of the results (``None``: nothing is written), the
            frames and, by name, the given options of the task; it returns the rows of the table of studies.
        results: the same in memory, of the task and the frames.
    """

    find_stacks: Callable[[Iterable[StudyFrame]], list[Stack]]
    sum_up: Callable[..., list[Row]]
    results: Callable[[Task, Sequence[StudyFrame]], list[StudyResult]]
