"""The check that every measurement makes of the pixel spacing."""

from __future__ import annotations

from usseg_monai.errors import UsageError, quoted
from usseg_monai.imaging.image import SPACING_RANGE_MM, is_spacing

__all__ = ["check_spacing"]


def check_spacing(spacing_mm: tuple[float, float]) -> None:
    """Raise `UsageError` for spacing that is not two positive numbers, or beyond `usseg_monai.imaging.image.SPACING_RANGE_MM`.

    >>> check_spacing((0.2, 0.0))
    Traceback (most recent call last):
    usseg_monai.errors.UsageError: pixel spacing (0.2, 0.0): it must be two numbers of millimetres, (row, col), from 1e-05 to 1000, or None
    """
    try:
        valid = len(spacing_mm) == 2 and is_spacing(*spacing_mm)
    except TypeError:
        valid = False
    if not valid:
        low, high = SPACING_RANGE_MM
        raise UsageError(
            f"pixel spacing {quoted(spacing_mm)}: it must be two numbers of millimetres, (row, col), from {low:g} to {high:g}, or None"
        )
