"""What a network's own doubt makes of a measurement."""

from __future__ import annotations

import math
from dataclasses import replace

from usseg_monai.errors import UsageError
from usseg_monai.measurements.probability import check_probability
from usseg_monai.measurements.result import Measurement, Status

__all__ = ["TRUST_OUTPUTS", "judge"]

TRUST_OUTPUTS = ("unlikeness", "confidence")
"""What a network with a fitted trust says of each answer (`usseg_monai.networks.trust`)."""


def judge(
    measurement: Measurement, *, low_confidence: float, unlikeness: float | None = None, confidence: float | None = None
) -> Measurement:
    """The measurement with the network's doubt in its status and message.

    Args:
        measurement: of the network's mask.
        low_confidence: confidence below which a mask is to be looked at, 0 to 1.
        unlikeness: how far the image is from the training images; above 1 it is unlike them. ``None`` where not known.
        confidence: expected Dice of the mask, 0 to 1; ``None`` where not known.

    Raises:
        UsageError: an unlikeness or a confidence that is none.

    >>> found = Measurement({}, Status.TOUCHES_BORDER, "the head leaves the picture")
    >>> judge(found, low_confidence=0.5, unlikeness=0.7, confidence=0.31).message
    'the expected Dice, 0.31, is below 0.5; the head leaves the picture'
    >>> judge(found, low_confidence=0.5, unlikeness=1.8, confidence=0.9).status.value
    'unlike_training_data'
    """
    check_probability("confidence", confidence)
    if unlikeness is not None and not (math.isfinite(unlikeness) and unlikeness >= 0):
        raise UsageError(f"unlikeness {unlikeness!r}: it must be a number of 0 or more, or None")
    status, reasons = measurement.status, [measurement.message] if measurement.message else []
    if confidence is not None and confidence < low_confidence:
        status = Status.LOW_CONFIDENCE
        reasons.insert(0, f"the expected Dice, {confidence:.2f}, is below {low_confidence:g}")
    if unlikeness is not None and unlikeness > 1:
        status = Status.UNLIKE_TRAINING_DATA
        reasons.insert(0, f"the image is unlike the training images ({unlikeness:.2g} times as far from them as the limit allows)")
    return replace(measurement, status=status, message="; ".join(reasons), unlikeness=unlikeness, confidence=confidence)
