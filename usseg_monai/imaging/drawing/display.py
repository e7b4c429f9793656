"""Maps grey values of any range to those of a screen, by one rule for every picture that is shown."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usseg_monai.geometry.types import GreyArray

__all__ = ["DARK", "to_display"]

DARK = 100
"""A picture is dark if less than the share `_TAIL` of its pixels reaches this grey value (of 255).

Measured on every second picture of the data sets: one of 432 of HC18 and one of 252 of Sunnybrook are dark, none of BUSI, BUS-BRA and
Kaggle's nerves.
"""

_TAIL = 0.005  # share of the pixels at each end that may become black or white


def to_display(pixels: GreyArray) -> npt.NDArray[np.uint8]:
    """Grey values for a screen.

    Values within 0 to 255 are truncated to integers, unless the picture is dark (`DARK`). A dark picture, and one of any other range, is
    stretched so that the darkest and the brightest half percent of its pixels become black and white. If these have the same value, as in
    a picture of nothing but a small structure, a dark picture is not stretched, and any other is stretched from its minimum to its
    maximum. A picture of one value outside 0 to 255 is black.

    Args:
        pixels: ``(rows, cols)``, finite.

    Returns:
        ``(rows, cols)``, 0 to 255.

    >>> to_display(np.array([[0, 100, 255]], np.float32))
    array([[  0, 100, 255]], dtype=uint8)
    >>> to_display(np.array([[-1000, 0, 1000]], np.float32))
    array([[  0, 128, 255]], dtype=uint8)
    """
    least, largest = float(pixels.min()), float(pixels.max())
    on_screen = least >= 0 and largest <= 255
    if on_screen and np.count_nonzero(pixels >= DARK) >= _TAIL * pixels.size:
        return pixels.astype(np.uint8)
    low, high = map(float, np.quantile(pixels, (_TAIL, 1 - _TAIL)))
    if low == high and on_screen:
        return pixels.astype(np.uint8)
    if low == high:
        low, high = least, largest
    scale = 255 / (high - low) if high > low else 0.0
    share = (pixels.clip(low, high) - np.float32(low)) * np.float32(scale)
    shown: npt.NDArray[np.uint8] = np.rint(share).clip(0, 255).astype(np.uint8)
    return shown
