"""A mask as horizontal runs of pixels: its connected pieces, their areas and edges, without visiting every pixel in Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError

__all__ = ["MOST_RUNS", "SECOND_PIECE_SHARE", "Runs", "edge_points", "find_runs", "label_runs", "largest_piece", "paint"]

SECOND_PIECE_SHARE = 0.05
"""A second piece of at least this share of the largest one's area is reported (`usseg_monai.measuring.result.Status`)."""

MOST_RUNS = 120_000
"""More runs are noise: structures have a few per row, and at most 4096 rows. Noise of that size takes minutes and gigabytes to measure."""

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Runs:
    """Runs of structure pixels, in reading order.

    Attributes:
        shape: ``(rows, cols)`` of the mask.
        row: row of each run.
        start: first column of each run.
        stop: column after the last one.
    """

    shape: tuple[int, int]
    row: Indices
    start: Indices
    stop: Indices

    @property
    def lengths(self) -> Indices:
        """Pixels in each run."""
        return self.stop - self.start

    def select(self, keep: npt.NDArray[np.bool_]) -> Runs:
        """The runs where ``keep`` is true."""
        return Runs(self.shape, self.row[keep], self.start[keep], self.stop[keep])

    def touches_border(self) -> bool:
        """Whether a pixel lies in the first or last row or column of the picture."""
        rows, cols = self.shape
        return bool((self.row == 0).any() or (self.row == rows - 1).any() or (self.start == 0).any() or (self.stop == cols).any())


def find_runs(mask: npt.NDArray[Any]) -> Runs:
    """Find the runs of nonzero pixels.

    Args:
        mask: ``(rows, cols)``, numbers or bool; nonzero is structure.

    Raises:
        ImageError: not two-dimensional, without pixels, with values that are not finite numbers, or noise (`MOST_RUNS`).

    >>> runs = find_runs(np.array([[0, 1, 1], [1, 0, 1]]))
    >>> runs.row.tolist(), runs.start.tolist(), runs.stop.tolist()
    ([0, 1, 1], [1, 0, 2], [3, 1, 3])
    """
    mask = np.asarray(mask)
    if mask.ndim != 2 or mask.size == 0:
        raise ImageError(f"a mask has shape {mask.shape}: it must be 2-D, (rows, cols), with at least one pixel")
    if mask.dtype.kind not in "biuf":
        raise ImageError(f"a mask has values of type {mask.dtype}: they must be numbers, 0 for background")
    if mask.dtype.kind == "f" and not np.isfinite(mask).all():
        raise ImageError("a mask holds NaN or infinite values: they must be numbers, 0 for background")
    rows, cols = mask.shape
    # one background column at the right ends every run in its own row; one pixel in front lets the first run start
    padded = np.zeros(rows * (cols + 1) + 1, np.bool_)
    np.not_equal(mask, 0, out=padded[1:].reshape(rows, cols + 1)[:, :cols])
    changes = padded[1:] != padded[:-1]
    count = int(np.count_nonzero(changes)) // 2
    if count > MOST_RUNS:
        raise ImageError(f"a mask has {count} runs of pixels: more than {MOST_RUNS} are noise, not a structure; smooth it or draw it again")
    ends = np.flatnonzero(changes)
    row, start = np.divmod(ends[::2], cols + 1)
    return Runs((rows, cols), row, start, ends[1::2] - row * (cols + 1))


def paint(runs: Runs) -> npt.NDArray[np.bool_]:
    """The mask ``(rows, cols)`` of some runs: the inverse of `find_runs`.

    >>> paint(find_runs(np.array([[0, 1, 1], [1, 0, 1]]))).astype(int).tolist()
    [[0, 1, 1], [1, 0, 1]]
    """
    steps = np.zeros((runs.shape[0], runs.shape[1] + 1), np.int8)
    steps[runs.row, runs.start] = 1
    steps[runs.row, runs.stop] = -1
    return steps.cumsum(axis=1, dtype=np.int8)[:, :-1].view(np.bool_)


def label_runs(runs: Runs) -> Indices:
    """Number the connected pieces (8 neighbours): one label per run, from 0 in reading order.

    >>> label_runs(find_runs(np.array([[1, 0, 1], [0, 0, 1], [1, 1, 0]]))).tolist()
    [0, 1, 1, 1]
    """
    width = runs.shape[1] + 1
    start, stop = runs.row * width + runs.start, runs.row * width + runs.stop
    # A run touches those of the next row whose columns overlap its own, widened by one pixel for diagonal neighbours. They are
    # consecutive, as runs are in reading order.
    first, last = np.searchsorted(stop, start + width), np.searchsorted(start, stop + width, side="right")
    count = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(start)), count)
    lower = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)

    label = np.arange(len(start))
    while True:  # join the roots of neighbours, then let every run point to its root
        least = np.minimum(label[upper], label[lower])
        hooked = label.copy()
        np.minimum.at(hooked, label[upper], least)
        np.minimum.at(hooked, label[lower], least)
        while not np.array_equal(hooked, hooked[hooked]):
            hooked = hooked[hooked]
        if np.array_equal(hooked, label):
            return np.unique(label, return_inverse=True)[1].reshape(-1)
        label = hooked


def largest_piece(runs: Runs) -> tuple[Runs, float]:
    """The largest connected piece, and the area of the second one as a share of it."""
    labels = label_runs(runs)
    areas = np.bincount(labels, weights=runs.lengths)
    largest = int(areas.argmax())
    second = np.delete(areas, largest).max(initial=0)
    return runs.select(labels == largest), float(second / areas[largest])


def edge_points(runs: Runs) -> npt.NDArray[np.float64]:
    """Points on the outer edge of a structure, seen from the four sides of the picture.

    Each row gives its leftmost and rightmost edge, each column its top and bottom edge, half a pixel beyond the centre of the last pixel of
    the structure: between it and the first pixel outside. If a pixel belongs to the structure when its centre does, these points scatter
    evenly around the true border. Holes are ignored. Where the structure reaches the border of the picture it has no edge.

    Returns:
        ``(n, 2)`` of ``(row, col)`` in pixels; the centre of the first pixel is (0, 0).

    >>> edge_points(find_runs(np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]]))).tolist()
    [[1.0, 0.5], [1.0, 1.5], [0.5, 1.0], [1.5, 1.0]]
    """
    if len(runs.row) == 0:
        return np.empty((0, 2))
    rows, cols = runs.shape
    row, first = np.unique(runs.row, return_index=True)
    left, right = np.minimum.reduceat(runs.start, first), np.maximum.reduceat(runs.stop, first) - 1

    # columns: paint the box around the structure, transposed, as argmax stops early only along the last axis
    top_row, left_col = int(row[0]), int(left.min())
    box = np.zeros((int(row[-1]) - top_row + 1, int(right.max()) - left_col + 2), np.int8)  # one more column for the last stop
    box[runs.row - top_row, runs.start - left_col] = 1
    box[runs.row - top_row, runs.stop - left_col] = -1
    turned = np.ascontiguousarray(np.cumsum(box, axis=1, dtype=np.int8)[:, :-1].T).view(np.bool_)
    seen = np.flatnonzero(turned.any(axis=1))
    col = seen + left_col
    top, bottom = top_row + turned[seen].argmax(axis=1), int(row[-1]) - turned[seen, ::-1].argmax(axis=1)

    sides = (
        (row, left - 0.5, left > 0),
        (row, right + 0.5, right < cols - 1),
        (top - 0.5, col, top > 0),
        (bottom + 0.5, col, bottom < rows - 1),
    )
    return np.concatenate([np.stack([r, c], axis=1)[inside] for r, c, inside in sides]).astype(np.float64)
