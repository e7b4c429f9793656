"""Caliper marks as burnt in by scanners."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ImageDraw

__all__ = ["Pair", "diameters", "draw_pair"]

Pair = tuple[tuple[int, int], tuple[int, int]]
"""The ends ``(x, y)`` of a measured distance, in pixels."""


def diameters(mask: npt.NDArray[Any]) -> tuple[Pair, Pair]:
    """Across and along the middle of a structure's extent; of the picture's middle third if the mask is empty.

    >>> diameters(np.pad(np.ones((5, 9)), 2))
    (((2, 4), (10, 4)), ((6, 2), (6, 6)))
    """
    rows, cols = mask.shape
    present = np.argwhere(mask) if mask.any() else np.array([[rows // 3, cols // 3], [2 * rows // 3, 2 * cols // 3]])
    (top, left), (bottom, right) = present.min(axis=0).tolist(), present.max(axis=0).tolist()
    row, col = (top + bottom) // 2, (left + right) // 2
    return ((left, row), (right, row)), ((col, top), (col, bottom))


def draw_pair(draw: ImageDraw.ImageDraw, pair: Pair, fill: float, arm: int = 4) -> None:
    """Draw a cross with arms of ``arm`` pixels at each end, and dots between them, spaced by the arm length."""
    start, stop = pair
    for x, y in pair:
        draw.line([(x - arm, y), (x + arm, y)], fill=fill)
        draw.line([(x, y - arm), (x, y + arm)], fill=fill)
    steps = max(abs(stop[0] - start[0]), abs(stop[1] - start[1])) // arm
    draw.point(np.linspace(start, stop, steps + 2).round().astype(int).ravel().tolist(), fill=fill)
