"""Pixel spacing: its valid range, and its parsing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from usseg_monai.errors import UsageError, quoted
from usseg_monai.geometry.types import Spacing

__all__ = ["SPACING_RANGE_MM", "check_spacing", "is_spacing"]

SPACING_RANGE_MM = (1e-5, 1e3)
"""Valid steps between pixels, from a hundredth of a micrometre to a metre. Values outside are treated as errors; areas would overflow."""


def is_spacing(row: float, col: float) -> bool:
    """Whether two steps in mm can be a spacing.

    >>> is_spacing(0.2, 0.1), is_spacing(0.2, float("nan")), is_spacing(0.2, 1e200)
    (True, False, False)
    """
    low, high = SPACING_RANGE_MM
    return low <= row <= high and low <= col <= high


def check_spacing(spacing_mm: float | Sequence[float]) -> Spacing:
    """The spacing ``(row, col)`` in mm from two numbers, or from one number for square pixels.

    Raises:
        UsageError: a step is not a positive number, or lies outside `SPACING_RANGE_MM`.

    >>> check_spacing(0.2), check_spacing((0.2, 0.1))
    ((0.2, 0.2), (0.2, 0.1))
    >>> check_spacing((0.2, 0.0))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    usseg_monai.errors.UsageError: pixel spacing (0.2, 0.0): both steps must be positive millimetres from 1e-05 to 1000, or None; ...
    """
    try:
        steps: Any = spacing_mm
        row, col = (steps, steps) if np.ndim(steps) == 0 else steps
        if is_spacing(row, col):
            return float(row), float(col)
    except (TypeError, ValueError):  # not numbers, or not two
        pass
    low, high = SPACING_RANGE_MM
    raise UsageError(
        f"pixel spacing {quoted(spacing_mm)}: both steps must be positive millimetres from {low:g} to {high:g}, or None; "
        "give (row, col), or one number for square pixels"
    )
