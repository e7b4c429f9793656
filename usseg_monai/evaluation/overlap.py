"""Dice overlap of two masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["dice"]


def dice(mask: npt.NDArray[Any], truth: npt.NDArray[Any]) -> float:
    """Dice overlap of the nonzero parts of two arrays of one shape, 0 to 1; 1 where both are empty.

    >>> dice(np.array([[1, 1, 0]]), np.array([[0, 1, 1]]))
    0.5
    """
    total = int(np.count_nonzero(mask)) + int(np.count_nonzero(truth))
    return 2 * int(np.count_nonzero((mask != 0) & (truth != 0))) / total if total else 1.0
