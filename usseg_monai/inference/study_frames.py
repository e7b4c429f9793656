"""Measured slices, and where they lie beside each other."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from usseg_monai.imaging import Place
from usseg_monai.inference.results import Row

__all__ = ["SAME_DIRECTION", "SAME_POSITION_MM", "Slice", "StudyFrame", "by_position"]

SAME_POSITION_MM = 0.5
"""Frames no further apart along their normal lie in one slice."""

SAME_DIRECTION = 0.999
"""Cosine of the largest angle between the normals of parallel slices, 2.6 degrees."""

_VOLUME = re.compile(r"\.(nii|nii\.gz|nrrd|nhdr|mha|mhd|hdr|img)$", re.IGNORECASE)
_NOT_MEASURED = ("file", "frame")


@dataclass(frozen=True, eq=False)
class StudyFrame:
    """A measured slice.

    Attributes:
        path: the file.
        row: of the results table.
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
        """Whether the file is of a format that holds whole stacks, and says nothing of studies and series."""
        place = self.place
        return not (place.study or place.series or place.instance or place.modality) and _VOLUME.search(self.path.name) is not None

    def measured(self) -> tuple[object, ...]:
        """All that was measured: equal for copies of one picture."""
        return tuple(value for name, value in self.row.items() if name not in _NOT_MEASURED)


Slice = list[StudyFrame]
"""Frames of one position."""


def by_position(frames: Sequence[StudyFrame]) -> list[tuple[float, Slice]] | None:
    """Frames by their position along the normal of the first, in mm; ``None`` where one is not known or the orientations differ."""
    first = frames[0].place.normal
    placed = []
    for frame in frames:
        normal, position = frame.place.normal, frame.place.position_mm
        if first is None or normal is None or position is None or not (normal == first or abs(np.dot(first, normal)) >= SAME_DIRECTION):
            return None
        placed.append((first[0] * position[0] + first[1] * position[1] + first[2] * position[2], frame))
    slices: list[tuple[float, Slice]] = []
    for position_mm, frame in sorted(placed, key=lambda item: item[0]):
        if not slices or position_mm - slices[-1][0] > SAME_POSITION_MM:
            slices.append((position_mm, []))
        slices[-1][1].append(frame)
    return slices
