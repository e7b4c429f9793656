"""Types of the whole package: pixel arrays, pixel spacing, and records that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["EqualByContent", "GreyArray", "MaskArray", "Spacing"]

GreyArray = npt.NDArray[np.float32]
"""Grey values, shape ``(rows, cols)``, any finite range."""

MaskArray = npt.NDArray[np.uint8]
"""Labels, shape ``(rows, cols)``: background 0, first structure 1."""

Spacing = tuple[float, float]
"""Millimetres between pixel centres, ``(row, col)``; unknown spacing is ``None``, never 1."""


class EqualByContent:
    """Base of frozen dataclasses, made with ``eq=False``: two of one class are equal if all fields are, arrays element by element.

    Equal records have equal hashes; the hash uses the shapes of arrays, not their elements.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True, eq=False)
    ... class Named(EqualByContent):
    ...     name: str
    ...     array: np.ndarray
    >>> first, same, other = Named("a", np.zeros(3)), Named("a", np.zeros(3)), Named("a", np.ones(3))
    >>> first == same, hash(first) == hash(same), first == other
    (True, True, False)
    """

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self is other or all(_same(one, another) for one, another in zip(_values(self), _values(other), strict=True))

    def __hash__(self) -> int:
        return hash((type(self), *map(_hashable, _values(self))))


def _values(record: Any) -> list[Any]:
    return [getattr(record, field.name) for field in fields(record)]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, (tuple, list)) and isinstance(other, (tuple, list)):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _hashable(value: Any) -> object:
    if isinstance(value, np.ndarray):
        return value.shape
    if isinstance(value, Mapping):
        return frozenset(value)
    if isinstance(value, (tuple, list)):
        return len(value)
    return value
