"""What the values of a mask file mean: one structure, a structure with grey edges, or labels of several structures.

Masks come as 0 and 1, as 0 and 255, as 0 and 3. Masks that were saved as JPEG, resized or made by a network have grey edges: the border is
then at half of the maximum. Label maps have a few values, each over its own area; only the user can say which one is meant. Flat places,
where a pixel equals its eight neighbours, distinguish the two: labels have them, edges do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError
from usseg_monai.geometry.types import GreyArray, MaskArray

__all__ = ["LEAST_GREY", "MOST_GREY", "MaskRule", "find_rule"]

LEAST_GREY = 32
"""Integer values below this are labels, not greys: a structure of value 1 or 3 leaves no room for grey edges."""

MOST_GREY = 0.25
"""A file is a picture, not a mask, if more than this share of its pixels is neither dark nor bright. In masks whose edges were smeared over
ten pixels it is a tenth; of 200 pictures of the five training sets, all of ultrasound but 2 have more."""

FLAT = 0.05
"""Values in between are labels if more than this share of them lies in flat places."""

_BETWEEN = (0.08, 0.92)  # of the maximum: JPEG leaves flat places near black and near white
_FEW = 3  # values: so few do not come from JPEG, and any of them may be a label, but 254 is the same as 255
_NEARLY = 0.98  # of the maximum
_OVERSHOOT = 0.25  # of the maximum: splines undershoot 0 beside an edge
_BRIGHT_EDGES, _FEW_BRIGHT = 1.45, 0.05
"""JPEG makes edges of colours brighter than the structure: up to 1.43 times at quality 30 (blue), on at most 4.4 % of the structure."""
_MOST_VALUES = 1 << 16  # distinct values that are counted
_SHOWN = 8  # labels that a message lists


@dataclass(frozen=True)
class MaskRule:
    """Which pixels of a file are the structure.

    Attributes:
        label: value of the structure's pixels; ``None`` if `border` decides.
        border: pixels above it are the structure; 0 takes all that are not 0.
        value: of the structure, if the file holds only 0 and one other value.
        remark: note for the user; empty for plain masks, unless their value may be a label.
    """

    label: int | None = None
    border: float = 0.0
    value: float | None = None
    remark: str = ""

    def mask(self, pixels: GreyArray) -> MaskArray:
        """1 where the structure is, ``(rows, cols)``.

        >>> MaskRule(border=127.5).mask(np.array([[0, 127, 128, 255]], np.float32))
        array([[0, 0, 1, 1]], dtype=uint8)
        """
        inside: npt.NDArray[np.bool_] = pixels != 0
        if self.label is not None:
            inside = pixels == self.label
        elif self.border:
            inside = pixels > self.border
        return inside.astype(np.uint8)


def find_rule(frames: Iterable[GreyArray], label: int | None = None) -> MaskRule:
    """Determine which pixels are the structure, from all frames of a file: a slice that shows one label is not a plain mask.

    Args:
        frames: grey values ``(rows, cols)``, examined one by one.
        label: chosen by the user, if at all: all other values are background.

    Raises:
        ImageError: labels of several structures and none chosen, or a picture instead of a mask.

    >>> find_rule([np.array([[0, 255]], np.float32)]).mask(np.array([[0, 255]], np.float32))
    array([[0, 1]], dtype=uint8)
    >>> find_rule([np.float32([[0, 1], [2, 3]])])
    Traceback (most recent call last):
    usseg_monai.errors.ImageError: the mask holds the labels 1, 2, 3: say which is meant, by --label N or read_mask(label=N)
    """
    if label is not None:
        there = any((pixels == label).any() for pixels in frames)
        return MaskRule(label=label, remark="" if there else f"no pixel has the label {label}")
    values = _Values()
    for pixels in frames:
        values.add(pixels)
    return values.rule()


class _Values:
    """Statistics of the values in the frames of a file."""

    def __init__(self) -> None:
        self._plain = self._whole = True
        self._low = self._high = 0.0
        self._pixels = self._between = 0
        self._counts: Counter[float] = Counter()  # pixels of each value but 0
        self._flat: Counter[float] = Counter()  # of these, pixels equal to all their neighbours

    def add(self, pixels: GreyArray) -> None:
        low, high = float(pixels.min()), float(pixels.max())
        self._low, self._high = min(self._low, low), max(self._high, high)
        self._pixels += pixels.size
        inside, single = pixels != 0, high or low
        if single == 0:
            return
        if np.array_equal(pixels == single, inside):  # 0 and one other value, as in nearly all masks
            count = int(np.count_nonzero(inside))
            self._counts[single] += count
            self._flat[single] += count
            self._whole &= single.is_integer()
            return
        self._plain = False
        self._between += int(np.count_nonzero((pixels > _BETWEEN[0] * high) & (pixels < _BETWEEN[1] * high)))
        self._whole = self._whole and len(self._counts) <= _MOST_VALUES and np.array_equal(pixels, np.rint(pixels))
        if self._whole:
            for found, counter in ((pixels[inside], self._counts), (pixels[inside & _flat(pixels)], self._flat)):
                values, counts = np.unique(found, return_counts=True)
                counter.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))

    def rule(self) -> MaskRule:
        if self._plain and len(self._counts) <= 1:
            value = next(iter(self._counts), None)
            like_label = value is not None and self._whole and value != 1 and value < LEAST_GREY
            return MaskRule(value=value, remark=f"the value of the structure is {value:g}" if like_label else "")
        if labels := self._labels():
            shown = ", ".join(f"{value:g}" for value in labels[:_SHOWN]) + ", ..." * (len(labels) > _SHOWN)
            raise ImageError(f"the mask holds the labels {shown}: say which is meant, by --label N or read_mask(label=N)")
        if self._low < -_OVERSHOOT * self._high or self._high <= 0:
            raise ImageError(
                f"values from {self._low:g} to {self._high:g} are not a mask: give 0 for background, one value for the structure"
            )
        high, bright = self._high, self._brightest() if self._whole else self._high
        between = self._between if bright == high else self._count(_BETWEEN[0] * bright, _BETWEEN[1] * bright)
        if between > MOST_GREY * self._pixels:
            share = f"{100 * between / self._pixels:.0f} % of the pixels are neither dark nor bright"
            raise ImageError(f"a picture, not a mask: {share}; give the masks, or predict the pictures with usseg predict")
        of = "the maximum" if bright == high else f"{bright:g}, which only edges exceed"
        return MaskRule(border=bright / 2, remark=f"grey values between 0 and {high:g}: the border is at half of {of} ({bright / 2:g})")

    def _brightest(self) -> float:
        """The largest value, without the overshoot that JPEG makes at the edges of coloured masks."""
        top = max(self._counts)
        flat = [value for value, count in self._counts.items() if value > 0 and self._flat[value] > FLAT * count]
        even = max(flat, default=top)
        if len(self._counts) <= _FEW or even >= _BETWEEN[1] * top or top > _BRIGHT_EDGES * even:
            return top
        return even if self._count(even / _BETWEEN[1], np.inf) <= _FEW_BRIGHT * self._count(even / 2, np.inf) else top

    def _count(self, low: float, high: float) -> int:
        return sum(count for value, count in self._counts.items() if low < value < high)

    def _labels(self) -> list[float]:
        """The values, if they are labels of several structures; else an empty list."""
        if not self._whole:
            return []
        values = sorted(self._counts)
        if values[0] < 0:
            return values if len(values) < LEAST_GREY else []
        if values[-1] < LEAST_GREY:
            return values
        top = self._brightest()
        low, high = _BETWEEN if len(values) > _FEW else (0.0, _NEARLY)
        between = [value for value in values if low * top < value < high * top]
        if sum(self._flat[value] for value in between) <= FLAT * sum(self._counts[value] for value in between):
            return []
        return [*(value for value in between if self._flat[value] > FLAT * self._counts[value]), top]


def _flat(pixels: GreyArray) -> npt.NDArray[np.bool_]:
    """Where a pixel equals its eight neighbours; false at the border of the picture."""
    flat = np.zeros(pixels.shape, np.bool_)
    along = pixels[:, 1:] == pixels[:, :-1]
    rows = along[:, 1:] & along[:, :-1]  # a pixel and those at its left and right
    down = pixels[1:, 1:-1] == pixels[:-1, 1:-1]
    flat[1:-1, 1:-1] = rows[:-2] & rows[1:-1] & rows[2:] & down[:-1] & down[1:]
    return flat
