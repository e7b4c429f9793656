"""The form in which pixels travel: ``[length of the text][JSON, padded with spaces][bytes]``.

The length is four bytes, little-endian, and includes the padding to a multiple of four, so that the browser can look at the bytes as an
array. Pixels are ``u1``, ``u2`` or ``f4``, the smallest that is exact.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import UsageError, quoted
from usseg_monai.geometry.spacing import check_spacing
from usseg_monai.geometry.types import GreyArray, MaskArray, Spacing
from usseg_monai.imaging import Limits, Place, Region

__all__ = ["Data", "grey_of", "mask_of", "packed", "place_of", "regions_of", "smallest", "spacing_of", "split"]

_LONGEST_TEXT = 8 << 20
_TYPES: dict[str, np.dtype[Any]] = {"u1": np.dtype(np.uint8), "u2": np.dtype("<u2"), "f4": np.dtype("<f4")}
_MOST_REGIONS = 100

Data = bytes | memoryview
"""Bytes of a message."""


def packed(text: Mapping[str, Any], parts: Iterable[Data] = ()) -> bytes:
    """One message.

    >>> text, data = split(packed({"rows": 2}, [b"ab"]))
    >>> text, bytes(data)
    ({'rows': 2}, b'ab')
    """
    head = json.dumps(text, allow_nan=False, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 4)
    return b"".join([len(head).to_bytes(4, "little"), head, *parts])


def split(message: bytes) -> tuple[dict[str, Any], memoryview]:
    """Text and bytes of a message, which are not copied.

    Raises:
        UsageError: it does not have this form.
    """
    length = int.from_bytes(message[:4], "little")
    if len(message) < 4 or length > min(len(message) - 4, _LONGEST_TEXT):
        raise UsageError("a message must begin with the length of its text; load the page again")
    try:
        text = json.loads(message[4 : 4 + length])
    except (ValueError, RecursionError) as error:
        raise UsageError("the text of a message is not JSON; load the page again") from error
    if not isinstance(text, dict):
        raise UsageError("the text of a message must be an object; load the page again")
    return text, memoryview(message)[4 + length :]


def smallest(pixels: GreyArray) -> tuple[str, bytes]:
    """Grey values as the smallest type that holds them exactly.

    >>> smallest(np.array([[0, 255]], np.float32))[0], smallest(np.array([[0, 256]], np.float32))[0], smallest(np.float32([[0.5]]))[0]
    ('u1', 'u2', 'f4')
    """
    low, high = float(pixels.min()), float(pixels.max())
    for name, limit in (("u1", 255), ("u2", 65535)):
        if low >= 0 and high <= limit:
            whole = pixels.astype(_TYPES[name])
            if np.array_equal(whole, pixels):
                return name, whole.tobytes()
    return "f4", pixels.astype(_TYPES["f4"]).tobytes()


def grey_of(text: Mapping[str, Any], data: Data, limits: Limits) -> tuple[GreyArray, Data]:
    """The grey values that a message describes by ``rows``, ``cols`` and ``type``, and the bytes behind them.

    Raises:
        UsageError: size and bytes do not agree, an unknown type, or values that are not finite.
        ImageError: outside the limits.
    """
    kind = _TYPES.get(str(text.get("type")))
    if kind is None:
        raise UsageError(f"type {quoted(text.get('type'))}: pixels are {', '.join(_TYPES)}")
    pixels, rest = _array(text, data, kind, limits)
    grey = pixels.astype(np.float32)
    if kind.kind == "f" and not np.isfinite(grey).all():
        raise UsageError("pixels that are not finite numbers")
    return grey, rest


def mask_of(text: Mapping[str, Any], data: Data, limits: Limits) -> tuple[MaskArray, Data]:
    """The mask of a message, one byte for each pixel, and the bytes behind it; raises as `grey_of`."""
    mask, rest = _array(text, data, np.dtype(np.uint8), limits)
    return (mask != 0).astype(np.uint8), rest


def _array(text: Mapping[str, Any], data: Data, kind: np.dtype[Any], limits: Limits) -> tuple[npt.NDArray[Any], Data]:
    rows, cols = text.get("rows"), text.get("cols")
    if not (type(rows) is int and type(cols) is int and rows > 0 and cols > 0):
        raise UsageError(f"rows {quoted(rows)}, cols {quoted(cols)}: both must be positive whole numbers")
    limits.check(rows, cols)
    size = rows * cols * kind.itemsize
    if len(data) < size:
        raise UsageError(f"{len(data)} bytes for {rows} rows x {cols} columns: {size} are needed")
    return np.frombuffer(data, kind, rows * cols).reshape(rows, cols), data[size:]


def spacing_of(value: object) -> Spacing | None:
    """A spacing from ``[row, col]`` or ``null``; raises `UsageError`.

    >>> spacing_of([0.2, 0.1]), spacing_of(None)
    ((0.2, 0.1), None)
    """
    if value is None:
        return None
    if not isinstance(value, list) or not all(_is_number(step) for step in value):
        raise UsageError(f"pixel size {quoted(value)}: give two numbers in mm, down and across, or null")
    return check_spacing(value)


def regions_of(value: object) -> tuple[Region, ...]:
    """The regions of a picture from lists of ``[top, bottom, left, right, down, across]``; raises `UsageError`."""
    if not isinstance(value, list) or len(value) > _MOST_REGIONS:
        raise UsageError(f"regions {quoted(value)}: give at most {_MOST_REGIONS} lists")
    regions = []
    for region in value:
        if not isinstance(region, list) or len(region) != 6 or not all(map(_is_number, region)) or min(region[:4]) < 0:
            raise UsageError(f"region {quoted(region)}: give top, bottom, left and right, 0 or more, and the pixel size")
        top, bottom, left, right = map(int, region[:4])
        regions.append(Region(top, bottom, left, right, check_spacing(region[4:])))
    return tuple(regions)


_PLACE = {
    **dict.fromkeys(("modality", "study", "series", "instance"), "text"),
    **dict.fromkeys(("number", "phases", "temporal_index", "series_number"), "whole"),
    **dict.fromkeys(("time_ms", "acquired_s", "content_s", "series_s"), "number"),
    **{"position_mm": "3", "normal": "3", "orientation": "6"},
}
"""Fields of `Place` and what they hold."""


def place_of(value: object) -> Place | None:
    """Where a slice was taken, from the object that `usseg_monai.web.decoding` sent; raises `UsageError`."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise UsageError(f"place {quoted(value)}: give an object, or null")
    known: dict[str, Any] = {}
    for name, kind in _PLACE.items():
        found = value.get(name)
        if found is None:
            continue
        if kind == "text":
            good = isinstance(found, str) and len(found) <= 200
        elif kind == "whole":
            good = type(found) is int and abs(found) < 1 << 53
        elif kind == "number":
            good = _is_number(found)
        else:
            good = isinstance(found, list) and len(found) == int(kind) and all(map(_is_number, found))
        if not good:
            raise UsageError(f"place, {name} {quoted(found)}: not a value of this kind")
        known[name] = tuple(found) if isinstance(found, list) else found
    return Place(**known)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
