"""What a measurement returns, and the words that qualify it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import numpy.typing as npt

Value = float | int | str | None
"""A cell of the results table; ``None`` is "not known" and stays empty there, never 0."""


class Status(str, Enum):
    """How far a row of the results can be believed. The value is what stands in the table."""

    OK = "ok"
    """A structure was found and measured."""
    EMPTY = "empty"
    """No structure was found; there is nothing to measure."""
    MULTIPLE_STRUCTURES = "multiple_structures"
    """More than one sizeable piece was found; the largest was measured."""
    TOUCHES_BORDER = "touches_border"
    """The structure leaves the picture; what is hidden was extrapolated."""
    LOW_CONFIDENCE = "low_confidence"
    """The measurement is implausible or the network unsure: look before use."""
    UNLIKE_TRAINING_DATA = "unlike_training_data"
    """The image does not resemble what the network was trained on."""
    FAILED = "failed"
    """The file could not be read or processed; the message says why."""

    @property
    def severity(self) -> Severity:
        """What it asks of the reader.

        >>> Status.TOUCHES_BORDER.severity.name
        'LOOK'
        """
        return _SEVERITIES[self]


class Severity(Enum):
    """What a status asks of the reader; each has one colour wherever statuses are shown."""

    GOOD = "nothing speaks against it"
    NEUTRAL = "nothing was found, which may be right"
    LOOK = "look before use"
    UNBELIEVABLE = "not to be believed"


_SEVERITIES = {
    Status.OK: Severity.GOOD,
    Status.EMPTY: Severity.NEUTRAL,
    Status.MULTIPLE_STRUCTURES: Severity.LOOK,
    Status.TOUCHES_BORDER: Severity.LOOK,
    Status.LOW_CONFIDENCE: Severity.LOOK,
    Status.UNLIKE_TRAINING_DATA: Severity.UNBELIEVABLE,
    Status.FAILED: Severity.UNBELIEVABLE,
}


@dataclass(frozen=True)
class Measurement:
    """Numbers from one mask.

    Attributes:
        values: result columns of the task (`usseg_monai.tasks`), every column present, unknown ones ``None``.
        status: see `Status`.
        message: one line for the reader of the table; empty when there is nothing to add.
        outlines: polylines to draw, each float64 ``(n, 2)`` of ``(row, col)`` in pixels.
        axes: polylines of what was measured, likewise: two ends of each diameter, or the disc of an equivalent one.
        parts: numbers of each structure, where an image may hold several; by the task's ``part_columns``, all present.
        confidence: expected Dice of the mask, 0 to 1; ``None`` for masks from elsewhere (`usseg_monai.measurements.trust`).
        unlikeness: how far the image is from the training images, above 1 unlike them; ``None`` likewise.
    """

    values: Mapping[str, Value]
    status: Status
    message: str = ""
    outlines: tuple[npt.NDArray[np.float64], ...] = ()
    parts: tuple[Mapping[str, Value], ...] = ()
    confidence: float | None = None
    unlikeness: float | None = None
    axes: tuple[npt.NDArray[np.float64], ...] = ()


def with_remark(measurement: Measurement, remark: str) -> Measurement:
    """The measurement with something added to its message; as it is where there is nothing to add.

    >>> with_remark(Measurement({}, Status.OK, "small"), "no millimetres").message
    'small; no millimetres'
    """
    return replace(measurement, message="; ".join(filter(None, (measurement.message, remark)))) if remark else measurement
