"""Masks between two masks: how a structure looked while it was not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.geometry.runs import Runs, paint

__all__ = ["masks_between"]

_Box = npt.NDArray[np.bool_]


def masks_between(first: Runs, last: Runs, shares: Sequence[float]) -> list[npt.NDArray[np.uint8]]:
    """Masks on the way from one mask to another.

    The centre of mass moves in a straight line. Around it, the outline is where the weighted mean of both masks' signed distances to their
    outlines is zero, as in shape-based interpolation (Raya and Udupa, IEEE Trans Med Imaging 9:32, 1990).

    Args:
        first, last: the masks, of one shape, neither empty.
        shares: of the way, 0 for the first mask and 1 for the last.

    Returns:
        For each share uint8 ``(rows, cols)``, 1 inside; what would lie beyond the picture is cut off.

    >>> from usseg_monai.geometry.runs import find_runs
    >>> left, right = (find_runs(np.pad(np.ones((2, 2)), ((1, 1), (before, 4 - before)))) for before in (0, 4))
    >>> masks_between(left, right, [0.5])[0].tolist()
    [[0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0]]
    """
    centers = [_center(runs) for runs in (first, last)]
    ends = np.array([_reach(runs, center) for runs, center in zip((first, last), centers, strict=True)])
    corner, opposite = ends[:, 0].min(axis=0) - 1, ends[:, 1].max(axis=0) + 1  # a box around both, counted from their centres
    shape = int(opposite[0] - corner[0] + 1), int(opposite[1] - corner[1] + 1)
    signed = [_signed_distance(_painted(runs, center + corner, shape)) for runs, center in zip((first, last), centers, strict=True)]
    found = []
    for share in shares:
        box = (1 - share) * signed[0] + share * signed[1] < 0
        row, col = np.rint((1 - share) * centers[0] + share * centers[1]).astype(int) + corner
        mask = np.zeros(first.shape, np.uint8)
        rows, cols = (np.clip((start, start + side), 0, limit) for start, side, limit in zip((row, col), shape, first.shape, strict=True))
        mask[rows[0] : rows[1], cols[0] : cols[1]] = box[rows[0] - row : rows[1] - row, cols[0] - col : cols[1] - col]
        found.append(mask)
    return found


def _center(runs: Runs) -> npt.NDArray[np.intp]:
    """The pixel at the centre of mass."""
    lengths = runs.lengths
    row, col = (runs.row * lengths).sum() / lengths.sum(), ((runs.start + runs.stop - 1) / 2 * lengths).sum() / lengths.sum()
    return np.rint((row, col)).astype(np.intp)


def _reach(runs: Runs, center: npt.NDArray[np.intp]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """First and last pixel, counted from the centre."""
    return np.array((runs.row.min(), runs.start.min())) - center, np.array((runs.row.max(), runs.stop.max() - 1)) - center


def _painted(runs: Runs, corner: npt.NDArray[Any], shape: tuple[int, int]) -> _Box:
    """The part of a mask that begins at a corner; the structure lies within it."""
    return paint(Runs(shape, runs.row - corner[0], runs.start - corner[1], runs.stop - corner[1]))


def _signed_distance(inside: _Box) -> npt.NDArray[np.float64]:
    """Distance of each pixel to the outline, in pixels; negative inside."""
    signed: npt.NDArray[np.float64] = np.where(inside, 0.5 - _distance(~inside), _distance(inside) - 0.5)
    return signed


def _distance(wanted: _Box) -> npt.NDArray[np.float64]:
    """Distance of each pixel to the nearest one that is wanted; one of them is."""
    rows, cols = wanted.shape
    far = rows + cols
    row = np.arange(rows)[:, None]
    above = np.maximum.accumulate(np.where(wanted, row, -far), axis=0)
    below = np.minimum.accumulate(np.where(wanted, row, rows + far)[::-1], axis=0)[::-1]
    along = np.minimum(row - above, below - row).astype(np.float64) ** 2  # to the nearest one in the same column
    nearest: npt.NDArray[np.float64] = along.copy()
    for step in range(1, cols):
        if step**2 >= nearest.max():
            break
        np.minimum(nearest[:, step:], along[:, :-step] + step**2, out=nearest[:, step:])
        np.minimum(nearest[:, :-step], along[:, step:] + step**2, out=nearest[:, :-step])
    np.sqrt(nearest, out=nearest)
    return nearest
