"""Tests of usseg_monai.measurements.trust."""

from __future__ import annotations

import pytest

from usseg_monai.errors import UsageError
from usseg_monai.measurements.result import Measurement, Status
from usseg_monai.measurements.trust import judge


@pytest.mark.parametrize("status", [Status.OK, Status.EMPTY, Status.MULTIPLE_STRUCTURES, Status.TOUCHES_BORDER, Status.LOW_CONFIDENCE])
def test_without_doubt_nothing_changes(status: Status) -> None:
    found = Measurement({"area_px": 7}, status, "why")
    judged = judge(found, low_confidence=0.5, unlikeness=1.0, confidence=0.5)
    assert (judged.status, judged.message, judged.values) == (status, "why", found.values)
    assert (judged.unlikeness, judged.confidence) == (1.0, 0.5)
    assert judge(found, low_confidence=0.5) == found


@pytest.mark.parametrize(
    ("unlikeness", "confidence", "status", "beginning"),
    [
        (0.3, 0.49, Status.LOW_CONFIDENCE, "the expected Dice, 0.49, is below 0.5"),
        (None, 0.49, Status.LOW_CONFIDENCE, "the expected Dice"),
        (1.01, 0.9, Status.UNLIKE_TRAINING_DATA, "the image is unlike the training images (1 times"),
        (12.0, None, Status.UNLIKE_TRAINING_DATA, "the image is unlike the training images (12 times"),
        (3.0, 0.1, Status.UNLIKE_TRAINING_DATA, "the image is unlike the training images (3 times"),
    ],
)
def test_the_gravest_doubt_is_the_status(unlikeness: float | None, confidence: float | None, status: Status, beginning: str) -> None:
    judged = judge(Measurement({}, Status.OK), low_confidence=0.5, unlikeness=unlikeness, confidence=confidence)
    assert judged.status == status
    assert judged.message.startswith(beginning)


def test_all_reasons_stand_in_one_line() -> None:
    found = Measurement({}, Status.TOUCHES_BORDER, "the head leaves the picture")
    message = judge(found, low_confidence=0.9, unlikeness=2.0, confidence=0.2).message
    assert message.split("; ")[1:] == ["the expected Dice, 0.20, is below 0.9", "the head leaves the picture"]


@pytest.mark.parametrize("wrong", [{"confidence": 1.1}, {"confidence": float("nan")}, {"unlikeness": -1.0}, {"unlikeness": float("inf")}])
def test_refuses_what_is_no_doubt(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        judge(Measurement({}, Status.OK), low_confidence=0.5, **wrong)
