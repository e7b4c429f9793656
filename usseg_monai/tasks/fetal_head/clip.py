"""The best frame of a sweep for the head circumference, and the circumference over the best frames.

A frame is scored by three terms from 0 to 1, multiplied with `WEIGHTS` as exponents, so that no term can make up for one that is 0:

- *confidence*: the expected Dice of the mask, which was fitted on validation images.
- *plane*: how much the frame resembles the standard plane: the cephalic index against Hadlock's distribution, and the distance from the
  training images, all of which show that plane.
- *size*: the circumference over the largest plausible one of the clip. The circumference is defined in the plane of the largest section
  through brow and occiput; a plane beside it or tilted cuts a smaller ellipse.

The weights are argued, not fitted: no public data set has sweeps with the plane marked. Confidence counts twice because it alone was
fitted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from usseg_monai.files.table import Row, Value
from usseg_monai.measuring.result import Status
from usseg_monai.tasks.clip import Clip, ClipFrame, spread

__all__ = ["CLIP", "FEWEST", "LARGEST_EXCESS", "LARGEST_QUANTILE", "NEAR_BEST", "WEIGHTS", "scores", "sum_up", "track"]

WEIGHTS: Mapping[str, float] = {"confidence": 2.0, "plane": 1.0, "size": 1.0}
"""Exponents of the terms."""

NEAR_BEST = 0.95
"""Frames whose score is at least this share of the best one are among the best: alike in all else, heads at most 5 % smaller."""

FEWEST = 3
"""A spread is stated for at least this many best frames."""

LARGEST_QUANTILE = 0.95
"""The size term is measured against this quantile of the circumferences, so that one wrong outline does not set it."""

LARGEST_EXCESS = 1.05
"""Circumferences beyond that quantile by more than this factor are wrong outlines: the further beyond, the lower their term."""

CEPHALIC_INDEX = 78.3, 4.4
"""Mean and standard deviation, in percent (Hadlock et al., AJR 137 (1981) 83-85)."""

_HC_MM, _HC_PX = "head_circumference_mm", "head_circumference_px"
_TERMS = ("confidence", "plane", "size")
_UNUSABLE = (Status.FAILED.value, Status.EMPTY.value, Status.UNLIKE_TRAINING_DATA.value, Status.TOUCHES_BORDER.value)


def sum_up(frames: Sequence[ClipFrame]) -> tuple[Row, str]:
    """The head's columns of the table of clips; see `usseg_monai.tasks.clip.Clip`.

    >>> row = {"status": "ok", "confidence": 0.97, "source_distance": 0.4, "cephalic_index_percent": 79.0, "head_circumference_px": None}
    >>> found, remark = sum_up([ClipFrame(row | {"head_circumference_mm": size}) for size in (150.0, 180.0, 181.0, 179.0)])
    >>> found["best_frame"], found["head_circumference_median_mm"], found["best_frames"], remark
    (2, 180.0, 3, '')
    """
    score = [terms["score"] for terms in scores(frames)]
    row: Row = {"best_frame": None, "best_score": None, "best_frames": 0}
    known = {index: value for index, value in enumerate(score) if isinstance(value, float)}
    best = max(known, key=lambda index: known[index], default=None)
    for name in (_HC_MM, _HC_PX):
        words, _, unit = name.rpartition("_")
        row |= dict.fromkeys((name, f"{words}_median_{unit}", f"{words}_iqr_{unit}"))
    if best is None:
        return row, "no frame shows a whole head that can be measured"
    near = [index for index, value in known.items() if value >= NEAR_BEST * known[best]]
    row |= {"best_frame": best, "best_score": known[best], "best_frames": len(near)}
    for name in (_HC_MM, _HC_PX):
        words, _, unit = name.rpartition("_")
        median, iqr = spread([value for index in near if (value := _number(frames[index].row[name])) is not None])
        row |= {name: frames[best].row[name], f"{words}_median_{unit}": median}
        row[f"{words}_iqr_{unit}"] = iqr if len(near) >= FEWEST else None
    return row, "" if len(near) >= FEWEST else f"fewer than {FEWEST} frames are nearly as good as the best one: no spread"


def track(frames: Sequence[ClipFrame]) -> list[Row]:
    """Terms and score of each frame, empty where no whole head was measured; and its circumference."""
    return [terms | {name: frame.row[name] for name in (_HC_MM, _HC_PX)} for terms, frame in zip(scores(frames), frames, strict=True)]


def scores(frames: Sequence[ClipFrame]) -> list[Row]:
    """The three terms of each frame and their score; ``None`` for frames without a whole, believable head."""
    sizes = [None if frame.row["status"] in _UNUSABLE else _size(frame.row) for frame in frames]
    known = [size for size in sizes if size is not None]
    largest = float(np.quantile(known, LARGEST_QUANTILE)) if known else 1.0
    found: list[Row] = []
    for frame, size in zip(frames, sizes, strict=True):
        terms: Row = dict.fromkeys((*_TERMS, "score"))
        if size is not None:
            confidence = _number(frame.row["confidence"])
            values = (1.0 if confidence is None else confidence, _plane(frame.row), _size_term(size / largest))
            terms |= dict(zip(_TERMS, values, strict=True))
            score = math.prod(value ** WEIGHTS[name] for name, value in zip(_TERMS, values, strict=True))
            terms["score"] = score
        found.append(terms)
    return found


def _plane(row: Row) -> float:
    """1 for the mean head of the standard plane; by both terms lower with the distance from it."""
    index, distance = _number(row["cephalic_index_percent"]), _number(row["source_distance"])
    mean, deviation = CEPHALIC_INDEX
    shape = 0.0 if index is None else math.exp(-(((index - mean) / (2 * deviation)) ** 2) / 2)
    return shape * (1.0 if distance is None else 1 / (1 + distance**2))


def _size_term(share: float) -> float:
    """Of a circumference as a share of the largest plausible one."""
    return min(share, 1.0) if share <= LARGEST_EXCESS else 1 / share


def _size(row: Row) -> float | None:
    millimetres = _number(row[_HC_MM])
    return _number(row[_HC_PX]) if millimetres is None else millimetres


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


CLIP = Clip(sum_up, track)
