"""The edges of a mask as polygons to draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["boundaries"]

_DIRECTIONS = ((0, 1), (1, 0), (0, -1), (-1, 0))
"""``(row, col)`` step along an edge for the headings right, down, left, up."""

_BEGINNINGS = ((0, 0), (0, 1), (1, 1), (1, 0))
"""Start corner of a pixel's top, right, bottom and left edge, for a path that has the pixel to its right."""

_Indices = npt.NDArray[np.intp]


def boundaries(mask: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], ...]:
    """Closed polygons along the edges of a structure, holes included, corners cut as marching squares does.

    Pixels that touch only at a corner belong to different polygons.

    Args:
        mask: ``(rows, cols)``; nonzero is structure.

    Returns:
        Each float64 ``(n, 2)`` of ``(row, col)`` in pixels, the centre of pixel (0, 0) at (0, 0); structure lies to the right of the path.

    >>> [polygon.tolist() for polygon in boundaries(np.array([[0, 0], [0, 1]], np.uint8))]
    [[[0.5, 1.0], [1.0, 1.5], [1.5, 1.0], [1.0, 0.5]]]
    """
    corner, heading = _edges(np.pad(mask != 0, 1))
    steps = np.array(_DIRECTIONS)[heading]
    middles = corner + steps / 2 - 1.5  # the mask was padded by 1, and a pixel's upper left corner lies half a pixel before its centre
    following = _following(corner, heading, corner + steps).tolist()
    polygons = []
    seen = bytearray(len(following))
    for first in range(len(following)):
        if seen[first]:
            continue
        way, edge = [], first
        while not seen[edge]:
            seen[edge] = 1
            way.append(edge)
            edge = following[edge]
        polygons.append(middles[way])
    return tuple(polygons)


def _edges(inside: npt.NDArray[np.bool_]) -> tuple[_Indices, _Indices]:
    """Corner ``(row, col)`` where each edge begins, and its direction; corner (r, c) is the upper left corner of pixel (r, c)."""
    corners, headings = [], []
    for heading, (down, right) in enumerate(((-1, 0), (0, 1), (1, 0), (0, -1))):
        found = np.argwhere(inside & ~np.roll(inside, (-down, -right), (0, 1)))
        corners.append(found + _BEGINNINGS[heading])
        headings.append(np.full(len(found), heading))
    return np.concatenate(corners), np.concatenate(headings)


def _following(begin: _Indices, heading: _Indices, end: _Indices) -> _Indices:
    """Index of the edge that follows each edge. Where two paths cross, the turn to the right stays with the pixel."""
    if len(begin) == 0:
        return np.empty(0, np.intp)
    width = int(begin[:, 1].max()) + 1
    keys = (begin @ (width, 1)) * 4 + heading
    order = np.argsort(keys)
    following = np.full(len(keys), -1)
    for turn in (1, 0, -1):  # to the right, straight on, to the left
        wanted = (end @ (width, 1)) * 4 + (heading + turn) % 4
        place = order[np.searchsorted(keys, wanted, sorter=order).clip(max=len(keys) - 1)]
        following = np.where((following < 0) & (keys[place] == wanted), place, following)
    return following
