"""Data structures of clips: the frames of one file in the order of time, and how a task sums them up.

A task whose record names a `Clip` gets the frames of every video and of every DICOM file of several frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from usseg_monai.files.table import Row
from usseg_monai.geometry.between import masks_between
from usseg_monai.geometry.runs import Runs
from usseg_monai.geometry.types import MaskArray

__all__ = ["Clip", "ClipFrame", "bridged_masks", "gaps", "spread"]


@dataclass(frozen=True, eq=False)
class ClipFrame:
    """A measured frame of a clip.

    Attributes:
        row: its row of the results table.
        time_ms: when it is shown, in milliseconds; ``None`` where the file does not say.
        mask: what was found; ``None`` where that is no longer known.
    """

    row: Row
    time_ms: float | None = None
    mask: Runs | None = None


@dataclass(frozen=True)
class Clip:
    """How a task sums up a clip.

    Attributes:
        sum_up: from the frames to the task's columns of the table of clips, and a remark for its message, which may be empty. It needs no
            masks.
        track: from the frames to the task's columns of the table of one clip's frames, one row per frame.
        bridges: runs of frames in which the structure was not seen, but is taken to lie between where it was before and after. Needs no
            masks.
    """

    sum_up: Callable[[Sequence[ClipFrame]], tuple[Row, str]]
    track: Callable[[Sequence[ClipFrame]], list[Row]]
    bridges: Callable[[Sequence[ClipFrame]], Iterable[range]] = lambda frames: ()


def gaps(found: Sequence[bool]) -> list[range]:
    """Runs of frames without a structure that have one before and after them.

    >>> gaps([False, True, False, False, True, True, False])
    [range(2, 4)]
    """
    seen = [index for index, each in enumerate(found) if each]
    return [range(before + 1, after) for before, after in pairwise(seen) if after > before + 1]


def bridged_masks(frames: Sequence[ClipFrame], gap: range) -> list[MaskArray]:
    """Masks for the frames of a gap, between those of its neighbours; none where these are not known, or of different shapes."""
    before, after = frames[gap.start - 1].mask, frames[gap.stop].mask
    if before is None or after is None or before.shape != after.shape:
        return []
    return masks_between(before, after, [(index - gap.start + 1) / (len(gap) + 1) for index in gap])


def spread(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Median, and the range of the middle half of the values; ``None`` where there are none.

    >>> spread([1.0, 2.0, 3.0, 4.0, 100.0]), spread([])
    ((3.0, 2.0), (None, None))
    """
    if not values:
        return None, None
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
    return middle, high - low
