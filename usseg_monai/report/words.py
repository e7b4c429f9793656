"""Formats values for human readers: words, numbers and units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from usseg_monai.files.table import Value
from usseg_monai.measuring.result import Status
from usseg_monai.tasks import UNITS

__all__ = ["DISCLAIMER", "HEADINGS", "headed", "in_sentence", "label", "listed", "number", "quantity", "status_words"]

DISCLAIMER = "Not a medical device. For research only: no decision about a patient may rest on it."

HEADINGS: Mapping[Status, str] = {
    Status.OK: "Found and measured",
    Status.EMPTY: "Nothing was found",
    Status.MULTIPLE_STRUCTURES: "More than one: look before use",
    Status.TOUCHES_BORDER: "Leaves the picture: look before use",
    Status.LOW_CONFIDENCE: "Doubtful: look before use",
    Status.UNLIKE_TRAINING_DATA: "Not to be believed",
    Status.FAILED: "Could not be used",
}
"""Each status in plain words."""

_NAMES = {"hadlock": "(Hadlock)", "intergrowth": "(INTERGROWTH-21st)"}
_MOST_NAMES = 4


def label(column: str) -> tuple[str, str]:
    """Split a column's name into words and unit.

    >>> label("head_circumference_mm"), label("lesion_count")
    (('Head circumference', 'mm'), ('Lesion count', ''))
    """
    words, _, unit = column.rpartition("_")
    if not UNITS.get(unit):
        words, unit = column, ""  # such as a probability: its last word is not a unit
    text = " ".join(_NAMES.get(word, word) for word in words.split("_"))
    return text[:1].upper() + text[1:], UNITS.get(unit, "")


def headed(column: str, words: str | None = None) -> str:
    """The heading of a table column: ``words``, by default the column's own, and the unit.

    >>> headed("head_circumference_mm"), headed("head_circumference_mm", "Difference"), headed("lesion_count")
    ('Head circumference, mm', 'Difference, mm', 'Lesion count')
    """
    own, unit = label(column)
    return f"{words or own}, {unit}" if unit else words or own


def number(value: Value, column: str, *, sign: bool = False) -> str:
    """The value without its unit; numbers without a unit, such as probabilities and ratios, get two decimals.

    >>> number(251.26, "head_circumference_mm", sign=True), number(0.874, "malignant_probability"), number(None, "area_px")
    ('+251.3', '0.87', '')
    """
    if not isinstance(value, float):
        return "" if value is None else str(value)
    return f"{value:{'+' if sign else ''}.{1 if label(column)[1] else 2}f}"


def quantity(value: Value, column: str) -> str:
    """Value with unit.

    >>> quantity(251.26, "head_circumference_mm"), quantity(12.0, "angle_deg"), quantity(0.874, "malignant_probability")
    ('251.3 mm', '12.0°', '0.87')
    """
    unit = label(column)[1]
    return number(value, column) + (unit if unit in ("", "°") else f" {unit}")


def in_sentence(text: str) -> str:
    """A heading as used within a sentence; names such as HC18 keep their capitals.

    >>> in_sentence("Real images"), in_sentence("HC18")
    ('real images', 'HC18')
    """
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def listed(names: Sequence[str]) -> str:
    """The first names, and the number of remaining ones.

    >>> listed(["a", "b"]), listed("abcdefg")
    ('a, b', 'a, b, c and 4 more')
    """
    if len(names) <= _MOST_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: _MOST_NAMES - 1])} and {len(names) - _MOST_NAMES + 1} more"


def status_words(status: Status) -> str:
    """A status as it is written on pictures and pages.

    >>> status_words(Status.LOW_CONFIDENCE)
    'low confidence'
    """
    return status.value.replace("_", " ")
