"""Masks of an exact number of pixels, for the bounds of measurements."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["dented", "filled"]

SHAPE = (200, 100)
"""A hundredth of this picture is 200 pixels."""


def filled(pixels: int, width: int) -> npt.NDArray[np.bool_]:
    """So many pixels, row by row of a block of that width, within `SHAPE`."""
    mask = np.zeros(SHAPE, np.bool_)
    rows, cols = np.divmod(np.arange(pixels), width)
    mask[2 + rows, 2 + cols] = True
    return mask


def dented(pixels: int) -> npt.NDArray[np.bool_]:
    """A square of 400 pixels, which are its convex hull, without so many in the middle of its upper side."""
    mask = filled(400, 20)
    rows, cols = np.divmod(np.arange(pixels), 10)
    mask[2 + rows, 7 + cols] = False
    return mask
