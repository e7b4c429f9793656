"""The nerve over the frames of a clip: where it was seen, where it was lost, and short losses bridged.

A nerve that is lost for a few frames, behind a shadow or while the probe presses, and then found again in the same place, was there. Such a
gap is bridged by masks between those of its two neighbours (`usseg_monai.geometry.between`). Bridged frames are marked, are never
measured as if they had been seen, and change neither the results table nor the masks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from usseg_monai.files.table import Row, Value
from usseg_monai.measuring.result import Status
from usseg_monai.tasks.clip import Clip, ClipFrame, bridged_masks, gaps, spread

__all__ = ["CLIP", "LONGEST_GAP", "MOST_SHIFT", "bridges", "joins", "sum_up", "track"]

LONGEST_GAP = 8
"""Most frames in a row that are bridged: a third of a second at 25 frames a second, in which a sweep moves the nerve by less than its
diameter."""

MOST_SHIFT = 1.0
"""Largest distance between the nerve's places before and after a gap, in its mean diameters; beyond it, it may be another structure."""

_PLACE = ("area_mm2", "area_px", "center_row_px", "center_col_px")


def sum_up(frames: Sequence[ClipFrame]) -> tuple[Row, str]:
    """The nerve's columns of the table of clips; see `usseg_monai.tasks.clip.Clip`.

    >>> seen = {"status": "ok", "area_px": 100.0, "area_mm2": 1.0, "center_row_px": 50.0, "center_col_px": 60.0}
    >>> lost = dict.fromkeys(seen) | {"status": "empty"}
    >>> row, remark = sum_up([ClipFrame(row) for row in (lost, seen, lost, seen)])
    >>> row["found"], row["bridged"], row["missing"], row["area_median_mm2"], remark
    (2, 1, 1, 1.0, '')
    """
    found = [_is_found(frame.row) for frame in frames]
    bridged = sum(map(len, bridges(frames)))
    row: Row = {"found": sum(found), "bridged": bridged, "missing": len(frames) - sum(found) - bridged}
    for unit in ("mm2", "px"):
        row[f"area_median_{unit}"], row[f"area_iqr_{unit}"] = spread(_numbers(frames, f"area_{unit}"))
    left = len(gaps(found)) - len(list(bridges(frames)))
    if not any(found):
        return row, "no nerve found in any frame"
    what = "1 gap stays" if left == 1 else f"{left} gaps stay"
    remark = f"{what} open: longer than {LONGEST_GAP} frames, or the nerve is elsewhere after it"
    return row, remark if left else ""


def track(frames: Sequence[ClipFrame]) -> list[Row]:
    """Place and area of the nerve in each frame, ``bridged`` 1 where it was not seen; masks are needed on both sides of a gap."""
    rows: list[Row] = [{"bridged": 0} | {name: frame.row[name] for name in _PLACE} for frame in frames]
    for gap in bridges(frames):
        for index, mask in zip(gap, bridged_masks(frames, gap), strict=False):
            rows[index] = {"bridged": 1} | _measured(mask.nonzero(), frames[gap.start - 1].row)
    return rows


def joins(before: Row, after: Row) -> bool:
    """Whether the nerves of two rows are in one place (`MOST_SHIFT`)."""
    (row, col, area), (later_row, later_col, later_area) = _place(before), _place(after)
    diameter = (math.sqrt(area) + math.sqrt(later_area)) / math.sqrt(math.pi)
    return math.hypot(later_row - row, later_col - col) <= MOST_SHIFT * diameter


def bridges(frames: Sequence[ClipFrame]) -> Iterator[range]:
    """The gaps that are bridged."""
    for gap in gaps([_is_found(frame.row) for frame in frames]):
        if len(gap) <= LONGEST_GAP and joins(frames[gap.start - 1].row, frames[gap.stop].row):
            yield gap


def _is_found(row: Row) -> bool:
    return row["area_px"] is not None and row["status"] != Status.FAILED.value


def _place(row: Row) -> tuple[float, float, float]:
    return _number(row["center_row_px"]), _number(row["center_col_px"]), _number(row["area_px"])


def _number(value: Value) -> float:
    assert isinstance(value, (int, float))  # of a frame with a nerve
    return float(value)


def _numbers(frames: Sequence[ClipFrame], name: str) -> list[float]:
    return [float(value) for frame in frames if isinstance(value := frame.row[name], (int, float))]


def _measured(pixels: tuple[np.ndarray[tuple[int], np.dtype[np.intp]], ...], neighbour: Row) -> Row:
    """Numbers of a bridged mask; its pixel size is that of the frame before."""
    rows, cols = pixels
    if not len(rows):
        return dict.fromkeys(_PLACE)
    seen, seen_mm2 = neighbour["area_px"], neighbour["area_mm2"]
    pixel_mm2 = seen_mm2 / seen if isinstance(seen, (int, float)) and isinstance(seen_mm2, (int, float)) else None
    area_mm2 = None if pixel_mm2 is None else pixel_mm2 * len(rows)
    return {"area_mm2": area_mm2, "area_px": float(len(rows)), "center_row_px": float(rows.mean()), "center_col_px": float(cols.mean())}


CLIP = Clip(sum_up, track, bridges)
