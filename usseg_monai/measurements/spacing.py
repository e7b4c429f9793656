"""The check that every measurement makes of the pixel spacing."""

from __future__ import annotations

import math

from usseg_monai.errors import UsageError

__all__ = ["check_spacing"]


def check_spacing(spacing_mm: tuple[float, float]) -> None:
    """Raise `UsageError` for spacing that is not two positive, finite numbers.

    >>> check_spacing((0.2, 0.0))
    Traceback (most recent call last):
    usseg_monai.errors.UsageError: pixel spacing (0.2, 0.0): it must be two positive numbers of millimetres, (row, col), or None
    """
    try:
        valid = len(spacing_mm) == 2 and all(math.isfinite(side) and side > 0 for side in spacing_mm)
    except TypeError:
        valid = False
    if not valid:
        raise UsageError(f"pixel spacing {spacing_mm!r}: it must be two positive numbers of millimetres, (row, col), or None")
