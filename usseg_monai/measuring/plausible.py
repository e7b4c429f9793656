"""Checks for implausible shapes and sizes.

User-supplied masks may be anything, and a wrong pixel size falsifies any size. Each function returns doubts in words; any doubt makes a
measurement `usseg_monai.measuring.result.Status.LOW_CONFIDENCE`.
"""

from __future__ import annotations

import numpy as np

from usseg_monai.geometry.hull import pixels_of_hull
from usseg_monai.geometry.runs import Runs, label_runs

__all__ = ["HOLE_PERCENT", "PIXEL_SIDES", "elongation", "pixel_doubts", "shape_doubts", "share_doubts", "size_doubts"]

HOLE_PERCENT = 5.0
"""Maximum area of holes in a structure, in percent of the area inside its outer edge. In 4,295 annotations of nerves, lesions and cavities
it is at most 0.07 %, and 0 in almost all."""

PIXEL_SIDES = 10.0
"""Maximum ratio of a pixel's sides; scanners and converters produce at most 4."""


def shape_doubts(what: str, piece: Runs, least_solidity: float) -> list[str]:
    """Doubts about a shape: dents and holes.

    Args:
        what: the structure, in words.
        piece: its pixels, connected, at least one.
        least_solidity: plausible share of pixels in their convex hull, 0 to 1.

    >>> from usseg_monai.geometry.runs import find_runs
    >>> rows, cols = np.mgrid[:60, :60]
    >>> distance = np.hypot(rows - 30, cols - 30)
    >>> shape_doubts("lesion", find_runs((distance > 10) & (distance < 20)), 0.6)
    ['the lesion has a hole of 25 %, more than 5 %']
    """
    pixels, hull = int(piece.lengths.sum()), pixels_of_hull(piece)
    doubts = []
    if pixels < least_solidity * hull:
        doubts.append(f"the {what} fills {100 * pixels / hull:.0f} % of its convex hull, less than {100 * least_solidity:g} %")
    if 100 * (hull - pixels) > HOLE_PERCENT * hull:  # otherwise the holes cannot be that large
        holes = _holes(piece)
        if 100 * holes > HOLE_PERCENT * (pixels + holes):
            doubts.append(f"the {what} has a hole of {100 * holes / (pixels + holes):.0f} %, more than {HOLE_PERCENT:g} %")
    return doubts


def share_doubts(what: str, piece: Runs, percent: tuple[float, float]) -> list[str]:
    """Doubts about the share of the picture that a piece covers; ``percent`` is the plausible range.

    >>> from usseg_monai.geometry.runs import find_runs
    >>> share_doubts("nerve", find_runs(np.ones((8, 8))), (0.5, 12.5))
    ['the nerve covers 100 % of the picture, not 0.5 to 12.5 %']
    """
    share = 100 * int(piece.lengths.sum()) / (piece.shape[0] * piece.shape[1])
    low, high = percent
    said = f"{share:.2g}" if share < 10 else f"{share:.0f}"
    return [] if low <= share <= high else [f"the {what} covers {said} % of the picture, not {low:g} to {high:g} %"]


def size_doubts(what: str, size_mm: float, bounds_mm: tuple[float, float], spacing_mm: tuple[float, float]) -> list[str]:
    """Doubts about a length, with the usual cause.

    >>> size_doubts("head circumference", 2005.0, (40.0, 400.0), (3.5, 3.5))
    ['head circumference 2005.0 mm is not in 40 to 400 mm: check the pixel size, 3.5 x 3.5 mm']
    """
    low, high = bounds_mm
    if low <= size_mm <= high:
        return []
    size = f"{size_mm:.1f}" if size_mm >= 0.1 else f"{size_mm:.1e}"
    return [f"{what} {size} mm is not in {low:g} to {high:g} mm: check the pixel size, {spacing_mm[0]:g} x {spacing_mm[1]:g} mm"]


def pixel_doubts(spacing_mm: tuple[float, float] | None) -> list[str]:
    """Doubts about the pixel size.

    >>> pixel_doubts((1e-5, 1000.0))
    ['pixels of 1e-05 x 1000 mm: one side is more than 10 times the other; check the pixel size']
    """
    if spacing_mm is None or max(spacing_mm) <= PIXEL_SIDES * min(spacing_mm):
        return []
    sides = f"{spacing_mm[0]:g} x {spacing_mm[1]:g}"
    return [f"pixels of {sides} mm: one side is more than {PIXEL_SIDES:g} times the other; check the pixel size"]


def elongation(piece: Runs, spacing_mm: tuple[float, float] | None) -> float:
    """Long to short axis of the ellipse with the same second moments; 1 for a disc. Pixels of unknown size are assumed square.

    >>> from usseg_monai.geometry.runs import find_runs
    >>> rows, cols = np.mgrid[:100, :100]
    >>> round(elongation(find_runs(np.hypot((rows - 50) / 20, (cols - 50) / 40) <= 1), None), 1)
    2.0
    """
    down, right = (1.0, 1.0) if spacing_mm is None else spacing_mm
    lengths = piece.lengths.astype(float)
    pixels = lengths.sum()
    row, col = piece.row.astype(float), (piece.start + piece.stop - 1) / 2
    row, col = row - (row * lengths).sum() / pixels, col - (col * lengths).sum() / pixels
    rows = (row**2 * lengths).sum() / pixels + 1 / 12  # the variance of one pixel
    cols = ((col**2 + (lengths**2 - 1) / 12) * lengths).sum() / pixels + 1 / 12
    both = (row * col * lengths).sum() / pixels
    scale = np.array([1.0, right / down])
    small, large = np.linalg.eigvalsh(np.array([[rows, both], [both, cols]]) * np.outer(scale, scale))
    return float(np.sqrt(large / small)) if small > 0 else float("inf")


def _holes(piece: Runs) -> int:
    """Number of enclosed background pixels, except those connected to the outside through a corner."""
    left, right = int(piece.start.min()) - 1, int(piece.stop.max()) + 1
    first_of_row = np.diff(piece.row, prepend=-1) != 0
    start = np.where(first_of_row, left, np.roll(piece.stop, 1))
    last_of_row = np.diff(piece.row, append=-1) != 0
    rows, ends = piece.row[last_of_row], piece.stop[last_of_row]
    top, bottom = int(piece.row[0]) - 1, int(piece.row[-1]) + 1
    row = np.concatenate([[top], piece.row, rows, [bottom]])
    begin = np.concatenate([[left], start, ends, [left]])
    end = np.concatenate([[right], piece.start, np.full(len(rows), right), [right]])
    order = np.lexsort((begin, row))
    outside = Runs((bottom - top + 1, right - left), row[order] - top, begin[order] - left, end[order] - left)
    labels = label_runs(outside)
    areas = np.bincount(labels, weights=outside.lengths)
    return int(areas.sum() - areas[labels[0]])
