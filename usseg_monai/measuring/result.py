"""Result of a measurement, its status, and the network's doubt."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import UsageError
from usseg_monai.files.table import Value
from usseg_monai.geometry.types import EqualByContent

__all__ = ["TRUST_OUTPUTS", "Measurement", "Severity", "Status", "check_probability", "judge", "with_remark"]

TRUST_OUTPUTS = ("unlikeness", "source_distance", "confidence")
"""Additional outputs of a network with a fitted trust (`usseg_monai.networks.trust`)."""


class Status(str, Enum):
    """How reliable a row of the results is. The value is written to the table."""

    OK = "ok"
    """A structure was found and measured."""
    EMPTY = "empty"
    """No structure was found; there is nothing to measure."""
    MULTIPLE_STRUCTURES = "multiple_structures"
    """More than one sizeable piece was found; the largest was measured."""
    TOUCHES_BORDER = "touches_border"
    """The structure leaves the picture; the hidden part was extrapolated."""
    LOW_CONFIDENCE = "low_confidence"
    """The measurement is implausible or the network unsure: look before use."""
    UNLIKE_TRAINING_DATA = "unlike_training_data"
    """The image is of another kind than those that the network was trained on."""
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


@dataclass(frozen=True, eq=False)
class Measurement(EqualByContent):
    """Numbers from one mask. Two are equal if all their fields are equal, outlines point by point.

    Attributes:
        values: result columns of the task (`usseg_monai.tasks`), every column present, ``None`` where unknown.
        status: see `Status`.
        message: one line for the reader of the table; empty when there is nothing to add.
        outlines: polylines to draw, each float64 ``(n, 2)`` of ``(row, col)`` in pixels.
        axes: polylines of what was measured, likewise: both ends of each diameter, or the disc of an equivalent diameter.
        parts: values of each structure, for tasks with several per image; all of the task's ``part_columns`` are present.
        confidence: expected Dice of the mask, 0 to 1; ``None`` for user-supplied masks (`judge`).
        unlikeness: of the image and the training images, above 1 where it is of another kind; ``None`` likewise.
        source_distance: of the image from the training images, above 1 where it is from another source than theirs; ``None`` likewise.
    """

    values: Mapping[str, Value]
    status: Status
    message: str = ""
    outlines: tuple[npt.NDArray[np.float64], ...] = ()
    parts: tuple[Mapping[str, Value], ...] = ()
    confidence: float | None = None
    unlikeness: float | None = None
    source_distance: float | None = None
    axes: tuple[npt.NDArray[np.float64], ...] = ()

    @property
    def trust(self) -> dict[str, float | None]:
        """How far the network trusts its answer, by the names of `TRUST_OUTPUTS`; all ``None`` for user-supplied masks."""
        return {name: getattr(self, name) for name in TRUST_OUTPUTS}


def with_remark(measurement: Measurement, remark: str) -> Measurement:
    """The measurement with a remark added to its message; unchanged if the remark is empty.

    >>> with_remark(Measurement({}, Status.OK, "small"), "no millimetres").message
    'small; no millimetres'
    """
    return replace(measurement, message="; ".join(filter(None, (measurement.message, remark)))) if remark else measurement


def judge(
    measurement: Measurement,
    *,
    low_confidence: float,
    unlikeness: float | None = None,
    source_distance: float | None = None,
    confidence: float | None = None,
) -> Measurement:
    """The measurement with the network's doubt in its status and message.

    Args:
        measurement: of the network's mask.
        low_confidence: confidence, 0 to 1, below which a mask needs a look.
        unlikeness: of the image and the training images; above 1 it is of another kind. ``None`` where unknown.
        source_distance: of the image from the training images; above 1 it is from another source, a remark. ``None`` where unknown.
        confidence: expected Dice of the mask, 0 to 1; ``None`` where unknown.

    Raises:
        UsageError: an unlikeness or a distance below 0, a confidence outside 0 to 1, or one that is not finite.

    >>> found = Measurement({}, Status.TOUCHES_BORDER, "the head leaves the picture")
    >>> judge(found, low_confidence=0.5, unlikeness=0.7, confidence=0.31).message
    'the expected Dice, 0.31, is below 0.5; the head leaves the picture'
    >>> judge(found, low_confidence=0.5, unlikeness=1.8, confidence=0.9).status.value
    'unlike_training_data'
    >>> judge(found, low_confidence=0.5, source_distance=1.4, confidence=0.9).status.value
    'touches_border'
    """
    check_probability("confidence", confidence)
    _check_distance("unlikeness", unlikeness)
    _check_distance("source distance", source_distance)
    status, reasons = measurement.status, [measurement.message] if measurement.message else []
    if confidence is not None and confidence < low_confidence:
        status = Status.LOW_CONFIDENCE
        reasons.insert(0, f"the expected Dice, {confidence:.2f}, is below {low_confidence:g}")
    if unlikeness is not None and unlikeness > 1:
        status = Status.UNLIKE_TRAINING_DATA
        reasons.insert(0, f"the image is unlike the training images (unlikeness {unlikeness:.2g}, the limit is 1)")
    elif source_distance is not None and source_distance > 1:
        reasons.append(f"not from the sources of the training images (distance {source_distance:.2g}, the limit is 1): check a sample")
    return replace(
        measurement,
        status=status,
        message="; ".join(reasons),
        unlikeness=unlikeness,
        source_distance=source_distance,
        confidence=confidence,
    )


def _check_distance(name: str, value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise UsageError(f"{name} {value!r}: it must be a number of 0 or more, or None")


def check_probability(name: str, value: float | None) -> None:
    """Raise `UsageError` for a value that is not a probability.

    >>> check_probability("presence probability", 1.5)
    Traceback (most recent call last):
    usseg_monai.errors.UsageError: presence probability 1.5: it must be a number from 0 to 1, or None
    """
    if value is not None and not (math.isfinite(value) and 0 <= value <= 1):
        raise UsageError(f"{name} {value!r}: it must be a number from 0 to 1, or None")
