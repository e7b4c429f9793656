"""Statuses, and what the doubt of a network makes of them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from usseg_monai.errors import UsageError
from usseg_monai.measuring.result import Measurement, Status, check_probability, judge


@pytest.mark.parametrize("status", [Status.OK, Status.EMPTY, Status.MULTIPLE_STRUCTURES, Status.TOUCHES_BORDER, Status.LOW_CONFIDENCE])
def test_without_doubt_nothing_changes(status: Status) -> None:
    found = Measurement({"area_px": 7}, status, "why")
    judged = judge(found, low_confidence=0.5, unlikeness=1.0, confidence=0.5)
    assert (judged.status, judged.message, judged.values) == (status, "why", found.values)
    assert judged.trust == {"unlikeness": 1.0, "source_distance": None, "confidence": 0.5}
    assert judge(found, low_confidence=0.5) == found


@pytest.mark.parametrize(
    ("unlikeness", "confidence", "status", "beginning"),
    [
        (0.3, 0.49, Status.LOW_CONFIDENCE, "the expected Dice, 0.49, is below 0.5"),
        (None, 0.49, Status.LOW_CONFIDENCE, "the expected Dice"),
        (1.01, 0.9, Status.UNLIKE_TRAINING_DATA, "the image is unlike the training images (unlikeness 1,"),
        (12.0, None, Status.UNLIKE_TRAINING_DATA, "the image is unlike the training images (unlikeness 12,"),
        (3.0, 0.1, Status.UNLIKE_TRAINING_DATA, "the image is unlike the training images (unlikeness 3,"),
    ],
)
def test_the_gravest_doubt_is_the_status(unlikeness: float | None, confidence: float | None, status: Status, beginning: str) -> None:
    judged = judge(Measurement({}, Status.OK), low_confidence=0.5, unlikeness=unlikeness, confidence=confidence)
    assert judged.status == status
    assert judged.message.startswith(beginning)


@pytest.mark.parametrize(
    ("unlikeness", "distance", "status", "remark"),
    [
        (0.9, 1.0, Status.OK, ""),
        (0.9, 1.01, Status.OK, "not from the sources"),
        (1.01, 1.4, Status.UNLIKE_TRAINING_DATA, "the image is unlike"),
    ],
)
def test_another_source_is_a_remark(unlikeness: float, distance: float, status: Status, remark: str) -> None:
    judged = judge(Measurement({}, Status.OK), low_confidence=0.5, unlikeness=unlikeness, source_distance=distance, confidence=0.9)
    assert judged.status == status and judged.source_distance == distance
    assert judged.message.startswith(remark) and bool(judged.message) == bool(remark) and "; " not in judged.message


def test_all_reasons_stand_in_one_line() -> None:
    found = Measurement({}, Status.TOUCHES_BORDER, "the head leaves the picture")
    message = judge(found, low_confidence=0.9, unlikeness=2.0, confidence=0.2).message
    assert message.split("; ")[1:] == ["the expected Dice, 0.20, is below 0.9", "the head leaves the picture"]


@pytest.mark.parametrize(
    "wrong",
    [{"confidence": 1.1}, {"confidence": float("nan")}, {"unlikeness": -1.0}, {"unlikeness": float("inf")}, {"source_distance": -0.1}],
)
def test_refuses_what_is_no_doubt(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong)).replace("_", " ")):
        judge(Measurement({}, Status.OK), low_confidence=0.5, **wrong)


@pytest.mark.parametrize("value", [None, 0.0, 0.5, 1.0])
def test_probabilities_pass(value: float | None) -> None:
    check_probability("chance", value)


@pytest.mark.parametrize("value", [-1e-9, 1 + 1e-9, math.nan, math.inf, -math.inf])
def test_other_numbers_are_no_probabilities(value: float) -> None:
    with pytest.raises(UsageError, match=r"chance .*: it must be a number from 0 to 1, or None"):
        check_probability("chance", value)


def test_measurements_are_equal_point_by_point() -> None:
    one, same, other = (Measurement({"area_px": 7}, Status.OK, outlines=(np.array([[0.0, 0.0], [1.0, end]]),)) for end in (2.0, 2.0, 3.0))
    assert one == same and hash(one) == hash(same)
    assert one != other and one != replace(one, message="why")
