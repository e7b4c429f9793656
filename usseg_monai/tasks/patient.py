"""Data structures for numbers of a whole patient, compared between masks and annotations.

A task whose record names a ``patient`` function gets the images of one patient (a group of a datalist) and returns the numbers that follow
from all of them, such as an ejection fraction, from the masks that were found and from those that were drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from usseg_monai.imaging import Place

__all__ = ["PatientImage"]


@dataclass(frozen=True)
class PatientImage:
    """One annotated image of a patient.

    Attributes:
        found: result column -> number, from the mask that is evaluated; empty if it is missing or unreadable, see ``failed``.
        drawn: likewise from the annotation.
        failed: whether there is no usable mask.
        phase: of the heart beat, from 0; ``None`` where unknown.
        place: where the slice was taken; ``None`` where unknown.
    """

    found: Mapping[str, float] = field(default_factory=dict)
    drawn: Mapping[str, float] = field(default_factory=dict)
    failed: bool = False
    phase: int | None = None
    place: Place | None = None
