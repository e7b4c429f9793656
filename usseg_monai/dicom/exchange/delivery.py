"""What became of objects that were sent, and the words for status codes of the standard."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["AGAIN", "Delivery", "is_there", "meaning"]

AGAIN = "run the same command again: what has arrived is not doubled"
"""What to do when an archive has gone: objects have the same identifiers whenever they are made."""

_DUPLICATE = 0x0111
_MEANINGS = {
    0x0110: "processing failure",
    0x0117: "invalid object instance",
    0x0122: "this kind of object is not supported",
    0x0124: "not authorized",
    _DUPLICATE: "it is there already",
}
_RANGES = {0xA7: "out of resources", 0xA9: "data set does not match its class", 0xC0: "cannot understand"}


@dataclass
class Delivery:
    """What became of objects.

    Attributes:
        accepted: identifiers of those that the archive has.
        refused: reason by identifier.
    """

    accepted: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def is_there(status: int) -> bool:
    """Whether an archive has the object after it answered with this status: success, a warning, or a duplicate.

    >>> is_there(0x0000), is_there(0xB000), is_there(0x0111), is_there(0xA700)
    (True, True, True, False)
    """
    return status in (0, _DUPLICATE) or status >> 12 == 0xB


def meaning(status: int) -> str:
    """The status in words, with its number.

    >>> meaning(0xA701)
    'out of resources (A701)'
    """
    words = _MEANINGS.get(status) or _RANGES.get(status >> 8) or ("cannot understand" if status >> 12 == 0xC else "refused")
    return f"{words} ({status:04X})"
