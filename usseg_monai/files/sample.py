"""A few of many files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

__all__ = ["evenly"]

Item = TypeVar("Item")


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """At most ``most`` of the items, spread evenly over all.

    >>> evenly("abcdef", 3), evenly("ab", 3)
    (['a', 'c', 'e'], ['a', 'b'])
    """
    step = max(len(items) / most, 1)
    return [items[int(step * number)] for number in range(min(len(items), most))]
