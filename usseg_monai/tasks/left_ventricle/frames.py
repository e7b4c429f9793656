"""Positions of measured slices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from usseg_monai.tasks.study import SAME_DIRECTION, StudyFrame

__all__ = ["SAME_POSITION_MM", "Slice", "by_position"]

SAME_POSITION_MM = 0.5
"""Maximum distance along the normal between frames of one slice."""

Slice = list[StudyFrame]
"""Frames of one position."""


def by_position(frames: Sequence[StudyFrame]) -> list[tuple[float, Slice]] | None:
    """Frames by their position in mm along the normal of the first; ``None`` if a position is unknown or the orientations differ."""
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
