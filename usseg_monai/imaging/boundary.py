"""The edge of a mask as lines to draw."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usseg_monai.imaging.image import MaskArray


def boundaries(mask: MaskArray) -> tuple[npt.NDArray[np.float64], ...]:
    """Closed polygons along the edges of a structure, holes included, corners cut as marching squares does.

    Pixels that touch by a corner only belong to different polygons.

    Args:
        mask: ``(rows, cols)``; nonzero is structure.

    Returns:
        Each float64 ``(n, 2)`` of ``(row, col)`` in pixels, the centre of pixel (0, 0) at (0, 0); structure lies to the right of the way.

    >>> [polygon.tolist() for polygon in boundaries(np.array([[0, 0], [0, 1]], np.uint8))]
    [[[0.5, 1.0], [1.0, 1.5], [1.5, 1.0], [1.0, 0.5]]]
    """
    steps = _edges(np.pad(mask > 0, 1))
    polygons = []
    while steps:
        start = next(iter(steps))
        first = steps[start][0]
        corner, heading = start, first
        way = []
        while True:
            steps[corner].remove(heading)
            if not steps[corner]:
                del steps[corner]
            down, right = _DIRECTIONS[heading]
            way.append((corner[0] + down / 2 - 1.5, corner[1] + right / 2 - 1.5))
            corner = (corner[0] + down, corner[1] + right)
            to_the_right = (heading + 1) % 4
            if corner == start and (corner not in steps or to_the_right == first):
                break
            # Where two ways cross, the turn to the right stays with the pixel.
            heading = to_the_right if to_the_right in steps[corner] else steps[corner][0]
        polygons.append(np.array(way))
    return tuple(polygons)


_DIRECTIONS = ((0, 1), (1, 0), (0, -1), (-1, 0))
"""Rows down and columns right of one step: to the right, down, to the left, up."""


def _edges(inside: npt.NDArray[np.bool_]) -> dict[tuple[int, int], list[int]]:
    """Directions of the steps that begin at each corner; corner (r, c) is the upper left one of pixel (r, c) of the padded mask."""
    steps: dict[tuple[int, int], list[int]] = {}
    beginnings = ((0, 0), (0, 1), (1, 1), (1, 0))  # of the edges above, to the right of, below and to the left of a pixel
    for heading, (down, right) in enumerate(((-1, 0), (0, 1), (1, 0), (0, -1))):
        edge = inside & ~np.roll(inside, (-down, -right), (0, 1))
        for row, col in np.argwhere(edge).tolist():
            begin = beginnings[heading]
            steps.setdefault((row + begin[0], col + begin[1]), []).append(heading)
    return steps
