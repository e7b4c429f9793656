"""Measured values as the numbers that a test does arithmetic with."""

from __future__ import annotations

from collections.abc import Mapping

from usseg_monai.files.table import Value


def numbers(values: Mapping[str, Value]) -> dict[str, float]:
    """The values that are numbers, by column: a word or an unknown value has no place in a sum, and raises a KeyError there."""
    return {name: value for name, value in values.items() if isinstance(value, (int, float))}
