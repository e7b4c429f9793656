"""Unique identifiers that depend on the content alone: what is made twice has one identifier, and archives keep it once."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy.typing as npt
from pydicom.uid import generate_uid

__all__ = ["digest", "make_uid"]


def make_uid(*parts: object) -> str:
    """The identifier of these parts, under the root of pydicom; at most 64 characters.

    >>> make_uid("a", 1) == make_uid("a", 1) != make_uid("a1")
    True
    """
    return str(generate_uid(entropy_srcs=[f"{len(text)}:{text}" for text in map(str, ("usseg-monai", *parts))]))


def digest(array: npt.NDArray[Any]) -> str:
    """Digest of an array's shape and values."""
    return hashlib.sha256(repr((array.shape, array.dtype.str)).encode() + array.tobytes()).hexdigest()
