"""Masks with the numbers that Python measures in them, to hold the page's JavaScript to.

    python -m benchmarks.golden_masks fetal_head 1000 OUT.jsonl

Masks are phantoms of the task, and drawn shapes: lobed outlines with bites, bumps, holes, further pieces and noise, cut by the border or
not, from one pixel on, with square, unequal and unknown pixel sizes. One JSON object per line: the mask as ``rows``, ``cols`` and flat runs
``[start, length, start, length, ...]``; ``spacing_mm``; the measurement; and for tasks that are corrected by axes the mask that the axes
fill.

``determined`` is false where Python's own digits are those of rounding: a mirrored or transposed mask measures differently, or the
structure is a speck. So many masks are written that 1000 are determined.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.files.table import Value
from usseg_monai.geometry.types import MaskArray, Spacing
from usseg_monai.measuring.result import Measurement, Status
from usseg_monai.report.caption import marks
from usseg_monai.tasks import get_task, load

__all__ = ["golden_masks", "lines", "record"]

_PHANTOMS = 20
_SPECK_PX = 60
_ROUNDING = 1e-11
_SPACINGS: tuple[Spacing | None, ...] = (
    None,
    (0.154, 0.154),
    (1.3671875, 1.3671875),
    (0.31, 0.22),
    (0.2, 0.20001),
    (1.0, 0.05),
    (2e-5, 2e-5),
)
_KINDS = ("blob", "dented", "ring", "pieces", "noisy")


def golden_masks(task: str) -> Iterator[tuple[MaskArray, Spacing | None]]:
    """Masks and pixel sizes without end, the same in each call; ``task`` is the one whose phantoms are among them."""
    yield from _extremes()
    yield from _phantoms(task)
    rng = np.random.default_rng(20)
    for kind in cycle(_KINDS):
        yield _drawn(rng, kind), _SPACINGS[int(rng.integers(len(_SPACINGS)))]


def lines(task: str, count: int) -> Iterator[str]:
    """Records as JSON, until ``count`` of them are determined."""
    for mask, spacing_mm in golden_masks(task):
        found = record(task, mask, spacing_mm)
        yield json.dumps(found) + "\n"
        count -= found["determined"]
        if count == 0:
            return


def record(task: str, mask: MaskArray, spacing_mm: Spacing | None) -> dict[str, Any]:
    """A mask and what Python measures in it, as JSON types."""
    found = get_task(task).measure(mask, spacing_mm)
    drawn = marks(found)
    axes = [axis.tolist() for axis in drawn.axes]
    fill = get_task(task).mask_of_axes
    straight = bool(fill) and len(axes) == 2
    return {
        "rows": mask.shape[0],
        "cols": mask.shape[1],
        "runs": _runs(mask),
        "spacing_mm": spacing_mm,
        "determined": _determined(task, mask, spacing_mm, found),
        "values": dict(found.values),
        "status": found.status.value,
        "message": found.message,
        "outlines": [outline[::45].tolist() for outline in drawn.outlines],
        "axes": axes if straight else [axis[::45].tolist() for axis in drawn.axes],
        "filled": _runs(load(fill)(tuple(map(np.array, axes)), mask.shape, spacing_mm)) if straight else None,
    }


def _determined(task: str, mask: MaskArray, spacing_mm: Spacing | None, found: Measurement) -> bool:
    if found.status is Status.EMPTY:
        return True
    if np.count_nonzero(mask) < _SPECK_PX:
        return False
    sizes = [name for name in found.values if not name.startswith(("center", "angle"))]
    for same, spacing in ((mask[::-1], spacing_mm), (mask.T, spacing_mm and spacing_mm[::-1])):
        values = get_task(task).measure(np.ascontiguousarray(same), spacing).values
        if any(not _near(found.values[name], values[name]) for name in sizes):
            return False
    return True


def _near(one: Value, other: Value) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=_ROUNDING)
    return one is None and other is None


def _phantoms(task: str) -> Iterator[tuple[MaskArray, Spacing | None]]:
    phantom = load(f"usseg_monai.tasks.{task}.phantom:{task}_phantom")
    for seed in range(_PHANTOMS):
        drawn = phantom(seed)
        yield drawn.mask, drawn.image.spacing_mm


def _extremes() -> Iterator[tuple[MaskArray, Spacing | None]]:
    """Nothing, everything, one pixel in the middle and in a corner, lines, two pixels."""
    empty = np.zeros((40, 60), np.uint8)
    yield empty, None
    yield empty + np.uint8(1), (0.5, 0.5)
    for rows, cols in (
        (slice(20, 21), slice(30, 31)),
        (slice(0, 1), slice(0, 1)),
        (slice(5, 6), slice(3, 50)),
        (slice(2, 39), slice(7, 8)),
    ):
        mask = empty.copy()
        mask[rows, cols] = 1
        yield mask, (0.5, 0.25)
    yield np.ones((1, 1), np.uint8), None
    mask = empty.copy()
    mask[10, 10:12] = 1
    yield mask, None


def _drawn(rng: np.random.Generator, kind: str) -> MaskArray:
    rows, cols = (int(size) for size in rng.integers(24, 240, 2))
    row, col = np.mgrid[:rows, :cols]
    mask = _blob(rng, row, col, rng.uniform(0.02, 0.5), rng.uniform(0.1, 0.9, 2))
    if kind == "dented":  # bites and bumps
        for _ in range(int(rng.integers(1, 4))):
            other = _blob(rng, row, col, rng.uniform(0.02, 0.15), rng.uniform(0.1, 0.9, 2))
            mask = mask & ~other if rng.random() < 0.5 else mask | other
    elif kind == "ring":
        mask &= ~_blob(rng, row, col, rng.uniform(0.02, 0.3), rng.uniform(0.3, 0.7, 2))
    elif kind == "pieces":
        for _ in range(int(rng.integers(1, 4))):
            mask |= _blob(rng, row, col, rng.uniform(0.02, 0.2), rng.uniform(0, 1, 2))
    elif kind == "noisy":
        mask ^= rng.random(mask.shape) < rng.uniform(0.0005, 0.05)
    return mask.astype(np.uint8)


def _blob(
    rng: np.random.Generator, row: npt.NDArray[Any], col: npt.NDArray[Any], size: float, center: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """An ellipse with lobes."""
    side = min(row.shape)
    down, right = row - center[0] * row.shape[0], col - center[1] * row.shape[1]
    angle = rng.uniform(0, np.pi)
    along, across = right * np.cos(angle) - down * np.sin(angle), right * np.sin(angle) + down * np.cos(angle)
    across = across * rng.uniform(1, 2)
    turn = np.arctan2(across, along)
    lobes = sum(rng.normal(0, 0.04) * np.cos(k * turn + rng.uniform(0, 2 * np.pi)) for k in range(2, 7))
    inside: npt.NDArray[np.bool_] = np.hypot(along, across) <= size * side * (1 + lobes)
    return inside


def _runs(mask: MaskArray) -> list[int]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.ravel() != 0, [0]]).astype(np.int8)))
    runs: list[int] = np.stack([edges[::2], edges[1::2] - edges[::2]], axis=1).ravel().tolist()
    return runs


def main() -> None:
    """Write the lines."""
    parser = argparse.ArgumentParser(description="Masks with the numbers that Python measures in them.")
    parser.add_argument("task")
    parser.add_argument("count", type=int)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    with args.out.open("w", encoding="utf-8") as stream:
        stream.writelines(lines(args.task, args.count))


if __name__ == "__main__":
    main()
