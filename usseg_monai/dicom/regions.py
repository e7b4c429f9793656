"""Measured structures as graphics of DICOM: columns first, with the origin at the corner of the first pixel instead of its centre."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usseg_monai.dicom.case import Shot
from usseg_monai.geometry.boundary import boundaries
from usseg_monai.geometry.types import MaskArray
from usseg_monai.tasks import Task

__all__ = ["Points", "ellipse_of", "graphic", "outline_of"]

Points = npt.NDArray[np.float64]

_CORNER = 0.5  # from a pixel's centre to its corner
_SQUARE = 1e-6  # pixels as square as this keep right angles right


def ellipse_of(task: Task, shot: Shot) -> Points | None:
    """The ellipse that was measured: both ends of the long axis, then of the short one, ``(4, 2)`` of (column, row).

    ``None`` for tasks that measure no ellipse, and where pixels are not square: there its axes are not at right angles in the picture, as
    DICOM's must be.
    """
    axes = shot.measurement.axes
    if not task.mask_of_axes or len(axes) != 2:
        return None
    if shot.spacing_mm is not None and abs(shot.spacing_mm[0] / shot.spacing_mm[1] - 1) > _SQUARE:
        return None
    ordered = sorted(axes, key=lambda axis: -float(np.hypot(*(axis[-1] - axis[0]))))
    return graphic(np.concatenate([axis[[0, -1]] for axis in ordered]))


def outline_of(mask: npt.NDArray[np.bool_] | MaskArray) -> Points:
    """The outer edge of the largest piece of a mask that is not empty, closed: ``(n, 2)`` of (column, row), the last point as the first.

    >>> outline_of(np.array([[0, 0], [0, 1]], np.uint8)).tolist()
    [[1.5, 1.0], [2.0, 1.5], [1.5, 2.0], [1.0, 1.5], [1.5, 1.0]]
    """
    largest = max(boundaries(mask), key=_area)
    steps = np.diff(np.concatenate([largest[-1:], largest, largest[:1]]), axis=0)
    turns = np.abs(steps[:-1, 0] * steps[1:, 1] - steps[:-1, 1] * steps[1:, 0]) > 0  # points on straight lines say nothing
    corners = largest[turns]
    return graphic(np.concatenate([corners, corners[:1]]))


def _area(polygon: Points) -> float:
    """Area within a polygon; negative for holes, whose path runs the other way round."""
    rows, cols = polygon[:, 0], polygon[:, 1]
    return float(np.sum(np.roll(rows, -1) * cols - rows * np.roll(cols, -1))) * -0.5


def graphic(points: Points) -> Points:
    """Points ``(row, col)`` of this package as DICOM has them: (column, row), half a pixel further right and down."""
    return points[:, ::-1] + _CORNER
