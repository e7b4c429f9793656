"""Values of requests: read with their type and bounds, or refused with what is allowed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from usseg_monai.errors import UsageError, quoted
from usseg_monai.geometry.spacing import check_spacing
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging.spacing import parse_spacing

__all__ = ["Values", "read_params"]


def read_params(text: str | None) -> dict[str, Any]:
    """The JSON object that a form field holds; empty for none.

    Raises:
        UsageError: not a JSON object.

    >>> read_params('{"frame": 2}'), read_params("")
    ({'frame': 2}, {})
    """
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise UsageError(f"params {quoted(text)} is not JSON ({error}): send an object") from None
    if not isinstance(found, dict):
        raise UsageError(f'params {quoted(text)} is a {type(found).__name__}: send an object such as {{"frame": 0}}')
    return found


class Values:
    """Typed access to a request's values; every method raises `UsageError` for a wrong one.

    Args:
        given: of the request.
        known: names that are allowed, beside those that viewers add to all requests; any name if not stated.
        refused: names that are not allowed.
    """

    _OF_VIEWERS = frozenset({"client_id", "logging", "device", "name", "description"})

    def __init__(self, given: Mapping[str, Any], *, known: Sequence[str] | None = None, refused: Sequence[str] = ()) -> None:
        self._given = given
        for name in given:
            if name in refused or not isinstance(name, str):
                raise UsageError(f"params must not hold {quoted(name)}: the address of the request says it")
            if known is not None and name not in known and name not in self._OF_VIEWERS:
                raise UsageError(f"unknown value {quoted(name)}: the values are {', '.join(known) or 'none'}")

    def whole(self, name: str, default: int, least: int, most: int = 1 << 20) -> int:
        """A whole number.

        >>> Values({"frame": 3}).whole("frame", 0, 0), Values({}).whole("frame", 0, 0)
        (3, 0)
        """
        value = self._given.get(name, default)
        if isinstance(value, str) and value.strip().isdigit():  # 3D Slicer's panel of options
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise UsageError(f"{name} {quoted(value)}: it must be a whole number from {least} to {most}")
        return value

    def word(self, name: str, allowed: Sequence[str]) -> str:
        """One of several words, the first by default."""
        value = self._given.get(name)
        if value is None:
            return allowed[0]
        if value not in allowed:
            raise UsageError(f"{name} {quoted(value)}: it must be {', '.join(filter(None, allowed)) or 'left out'}")
        return str(value)

    def spacing(self, name: str) -> Spacing | None:
        """``(row, col)`` in mm, from one or two numbers or their text; ``None`` where there is nothing.

        >>> Values({"spacing_mm": "0.2,0.1"}).spacing("spacing_mm"), Values({"spacing_mm": ""}).spacing("spacing_mm")
        ((0.2, 0.1), None)
        """
        value = self._given.get(name)
        if value in (None, "", []):
            return None
        try:
            return parse_spacing(value) if isinstance(value, str) else check_spacing(value)
        except (TypeError, ValueError):
            raise UsageError(f"{name} {quoted(value)}: it must be one or two numbers of mm, row and column") from None
