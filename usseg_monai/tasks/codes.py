"""The standard's codes of what a task finds and measures, as its DICOM objects name them.

Each code stands in DICOM PS3.16, in the context group that a comment names. Those of the scheme ``99USSEG`` are this package's own, for
what the standard has no code for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["OWN_SCHEME", "UCUM", "Code", "Coded", "TaskCodes", "unit_of"]

OWN_SCHEME = "99USSEG"
"""Coding scheme of this package: names that begin with 99 are private (PS3.16, 8.1)."""


class Code(NamedTuple):
    """A concept: its value, the scheme that defines it, and its meaning in words."""

    value: str
    scheme: str
    meaning: str


class Coded(NamedTuple):
    """The concept of a column.

    Attributes:
        concept: what was measured.
        method: how the value was derived, where several methods give values of one concept.
        scale: by which the column's value is multiplied; probabilities become percent.
    """

    concept: Code
    method: Code | None = None
    scale: float = 1.0


UCUM: Mapping[str, Code] = {
    "mm": Code("mm", "UCUM", "mm"),
    "mm2": Code("mm2", "UCUM", "mm2"),
    "ml": Code("ml", "UCUM", "ml"),
    "g": Code("g", "UCUM", "g"),
    "weeks": Code("wk", "UCUM", "week"),
    "days": Code("d", "UCUM", "days"),
    "percent": Code("%", "UCUM", "percent"),
    "probability": Code("%", "UCUM", "percent"),
    "deg": Code("deg", "UCUM", "degree"),
}
"""Units of coded columns, by the last word of their names."""


def unit_of(column: str) -> Code:
    """The unit of a coded column.

    >>> unit_of("area_mm2")
    Code(value='mm2', scheme='UCUM', meaning='mm2')
    """
    return UCUM[column.rpartition("_")[2]]


@dataclass(frozen=True)
class TaskCodes:
    """The codes of a task.

    Attributes:
        category: of the structure, from CID 7150.
        structure: what the mask shows.
        region: where it lies; ``None`` if the structure says it.
        columns: concepts of the columns that are sent, by name; of rows of results, of parts and of studies.
        uncoded: columns with a unit that are not sent, for want of a code or of use; lengths in pixels never are.
        fetus: whether the numbers are of a fetus, not of the patient.
        biometry: for a fetus, columns with a group of their own in an obstetric report (TID 5005), each with the age that follows from it.
        ratios: for a fetus, columns of the section of ratios (TID 5004).
    """

    category: Code
    structure: Code
    region: Code | None
    columns: Mapping[str, Coded]
    uncoded: tuple[str, ...] = ()
    fetus: bool = False
    biometry: Mapping[str, str] | None = None
    ratios: tuple[str, ...] = ()
