"""Pixel accuracy, which is easily high, and its value for an empty mask as a baseline."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["background_accuracy", "pixel_accuracy"]


def pixel_accuracy(mask: npt.NDArray[Any], truth: npt.NDArray[Any]) -> float:
    """Share of the pixels that are structure in both or background in both, 0 to 1; nonzero is structure.

    >>> pixel_accuracy(np.array([[1, 1, 0, 0]]), np.array([[1, 0, 0, 0]]))
    0.75
    """
    if mask.shape != truth.shape:
        raise ValueError(f"a mask of {mask.shape} has a truth of {truth.shape}: both must have one shape")
    return float(np.mean((mask != 0) == (truth != 0)))


def background_accuracy(truth: npt.NDArray[Any]) -> float:
    """`pixel_accuracy` of an all-background mask: the baseline for comparison.

    >>> background_accuracy(np.array([[1, 0, 0, 0]]))
    0.75
    """
    return pixel_accuracy(np.zeros_like(truth), truth)
