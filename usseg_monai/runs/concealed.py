"""Where and when frames were taken, as the account file stores it: without identifiers and without times of day.

Study identifiers are stored as salted digests. Times of one run are stored relative to one of them, the run's clock, which is not stored.
To make them comparable with times of another run, `Concealer.restore` reads one of the files again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from usseg_monai.imaging import Place
from usseg_monai.runs.table import Located

__all__ = ["Concealer", "parse_places", "salted_digest"]

_TIMES = ("acquired_s", "content_s", "series_s")  # of a Place: seconds within the day
_IDENTIFIERS = ("study", "series", "instance")
_DIGITS = 6  # of seconds, as in DICOM


class Concealer:
    """Conceals the places of one run.

    Args:
        salt: salt of the digests, hexadecimal.
    """

    def __init__(self, salt: str) -> None:
        self.salt = salt
        self._clock = secrets.token_hex(4)
        self._starts: dict[str, float] = {}  # time of day that each clock counts from

    def conceal(self, place: Place) -> Place:
        """The same place with digests for identifiers, and times rounded as they are stored."""
        identifiers: dict[str, Any] = {
            name: salted_digest(self.salt, found, 16) for name in _IDENTIFIERS if (found := getattr(place, name))
        }
        times: dict[str, Any] = {name: round(found, _DIGITS) for name in _TIMES if (found := getattr(place, name)) is not None}
        return replace(place, **identifiers, **times)

    def store(self, places: Sequence[Located | None], clock: str = "") -> tuple[list[Any], str]:
        """Concealed places of one file as JSON values, and the name of their clock, which is empty if they have no times.

        Args:
            places: from `conceal`, or as they were stored.
            clock: clock of times that are already relative and stay unchanged.
        """
        start = 0.0
        if not clock and (first := next(_times(places), None)) is not None:
            clock = self._clock
            start = self._starts.setdefault(clock, first)
        return [located and (asdict(_shifted(located[0], -start)), located[1]) for located in places], clock

    def restore(
        self, places: Sequence[Located | None], clock: str, read_place: Callable[[int], Place | None]
    ) -> list[Located | None] | None:
        """Places of one file with times of day; ``None`` if these cannot be restored.

        Args:
            places: as they were stored; the file must not have changed since.
            clock: clock of their times.
            read_place: reads the place of the frame with this index from the file.
        """
        if clock not in self._starts:
            frame = next(index for index, located in enumerate(places) if any(True for _ in _times([located])))
            stored, real = places[frame], read_place(frame)
            if stored is None or real is None:
                return None
            pairs = [(getattr(real, name), getattr(stored[0], name)) for name in _TIMES]
            starts = [now - then for now, then in pairs if now is not None and then is not None]
            if not starts:
                return None
            self._starts[clock] = round(starts[0], _DIGITS)
        start = self._starts[clock]
        return [located and (_shifted(located[0], start), located[1]) for located in places]


def parse_places(stored: Sequence[Any]) -> list[Located | None]:
    """Convert places stored by `Concealer.store` back from JSON."""
    return [located and (_place(located[0]), tuple(located[1])) for located in stored]


def salted_digest(salt: str, text: str, length: int) -> str:
    """The first ``length`` hexadecimal digits of a text's salted SHA-256.

    >>> salted_digest("00ff", "a.png", 8)
    '9a49497d'
    """
    return hashlib.sha256(f"{salt}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()[:length]


def _place(facts: dict[str, Any]) -> Place:
    vectors: dict[str, Any] = {name: tuple(value) for name, value in facts.items() if isinstance(value, list)}
    return Place(**{**facts, **vectors})


def _shifted(place: Place, seconds: float) -> Place:
    return replace(place, **{name: round(found + seconds, _DIGITS) for name in _TIMES if (found := getattr(place, name)) is not None})


def _times(places: Sequence[Located | None]) -> Iterator[float]:
    """All times in some places, in seconds."""
    for located in filter(None, places):
        yield from (found for name in _TIMES if (found := getattr(located[0], name)) is not None)
