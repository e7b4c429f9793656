"""The check that every measurement makes of what a network says besides the mask."""

from __future__ import annotations

import math

from usseg_monai.errors import UsageError

__all__ = ["check_probability"]


def check_probability(name: str, value: float | None) -> None:
    """Raise `UsageError` for a probability that is none.

    >>> check_probability("presence probability", 1.5)
    Traceback (most recent call last):
    usseg_monai.errors.UsageError: presence probability 1.5: it must be a number from 0 to 1, or None
    """
    if value is not None and not (math.isfinite(value) and 0 <= value <= 1):
        raise UsageError(f"{name} {value!r}: it must be a number from 0 to 1, or None")
