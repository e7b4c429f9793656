"""The convex hull of a piece of a mask."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usseg_monai.geometry.runs import Runs

__all__ = ["hull_corners", "pixels_of_hull"]


def pixels_of_hull(runs: Runs) -> int:
    """Number of pixels whose centres lie in the convex hull of the piece's, by Pick's theorem; equals its own number for a convex shape.

    Holes count as missing pixels.
    """
    first = np.flatnonzero(np.diff(runs.row, prepend=-1))  # not np.unique, whose first call loads numpy.ma
    rows = runs.row[first]
    left, right = np.minimum.reduceat(runs.start, first), np.maximum.reduceat(runs.stop, first) - 1
    ends = np.concatenate([np.stack([rows, left], axis=1), np.stack([rows, right], axis=1)])
    corners = np.array(sorted(set(map(tuple, ends[hull_corners(ends.astype(np.float64))].tolist()))))
    corners = corners[np.argsort(np.arctan2(*(corners - corners.mean(axis=0)).T))]  # in order around the hull
    following = np.roll(corners, -1, axis=0)
    twice_area = abs(int((corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]).sum()))
    on_border = int(np.gcd(*np.abs(following - corners).T).sum())
    return (twice_area + on_border) // 2 + 1


def hull_corners(outline: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Indices of the points that are corners of their convex hull, ascending, which is their order on a closed path (Andrew's chain)."""
    # Of the points in one row only the outermost can be corners: the first of each row on one side, the last on the other.
    order = np.lexsort((outline[:, 1], outline[:, 0]))
    firsts = np.flatnonzero(np.diff(outline[order, 0], prepend=-np.inf))
    lasts = np.append(firsts[1:], len(order)) - 1
    corners: set[int] = set()
    for side in (order[firsts], order[lasts[::-1]]):
        chain: list[tuple[float, float, int]] = []
        for (row, col), index in zip(outline[side].tolist(), side.tolist(), strict=True):
            while len(chain) > 1:
                (row_0, col_0, _), (row_1, col_1, _) = chain[-2:]
                if (row_1 - row_0) * (col - col_0) - (col_1 - col_0) * (row - row_0) > 0:
                    break  # the last of the chain is a corner so far
                chain.pop()
            chain.append((row, col, index))
        corners |= {index for _, _, index in chain}
    return np.array(sorted(corners))
