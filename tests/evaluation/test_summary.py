"""Figures over cases that are known beforehand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evaluation.test_cases import HC, cases
from usseg_monai.evaluation.cases import CaseResult
from usseg_monai.evaluation.summary import summarize
from usseg_monai.measuring.result import Status


def test_the_summary() -> None:
    summary = summarize(cases())
    assert (summary["cases"], summary["groups"]) == (5, 3)
    assert summary["status"] == {"empty": 1, "failed": 1, "ok": 3}
    assert summary["dice"]["mean"] == pytest.approx(2.7 / 4)
    assert summary["dice"]["median"] == pytest.approx(0.85)
    assert summary["dice"]["interval_95"] == pytest.approx((0.5, 0.85))  # all draws of one group
    column = summary["columns"][HC]
    assert column["cases"] == 3
    assert column["absolute_difference"]["mean"] == pytest.approx(11 / 3)
    assert column["absolute_difference"]["median"] == 3.0
    assert column["difference"]["mean"] == pytest.approx(-1.0)
    assert column["share_above_5_mm"] == pytest.approx(1 / 3)


def test_nothing_to_sum_up() -> None:
    summary = summarize([])
    assert (summary.pop("cases"), summary.pop("groups"), summary.pop("status"), summary.pop("columns")) == (0, 0, {}, {})
    assert set(summary.values()) == {None}


def case(group: str, overlap: float, found: bool, present: bool, outputs: dict[str, float], category: int | None = None) -> CaseResult:
    return CaseResult(
        Path("image"), group, Status.OK, dice=overlap, has_structure=present, found=found, outputs=outputs, category=category,
        pixel_accuracy=0.98, background=0.75,
    )  # fmt: skip


def test_presence() -> None:
    summary = summarize(
        [
            case("a", 0.8, True, True, {"presence_probability": 0.9}),
            case("a", 0.0, True, False, {"presence_probability": 0.6}),
            case("b", 0.0, False, True, {"presence_probability": 0.3}),
            case("b", 1.0, False, False, {"presence_probability": 0.1}),
            CaseResult(Path("gone"), "c", Status.FAILED),
        ]
    )
    assert summary["dice"]["mean"] == pytest.approx(0.45)
    assert summary["dice_of_structures"]["mean"] == pytest.approx(0.4)
    assert summary["false_positives"] == {"cases": 2, "mean": 0.5, "interval_95": (0.0, 1.0)}
    assert summary["classes"]["cases"] == 4
    assert summary["classes"]["area_under_curve"]["value"] == pytest.approx(0.75)
    assert summary["pixel_accuracy"] == pytest.approx({"mean": 0.98, "of_an_empty_mask": 0.75})


def test_classes() -> None:
    def outputs(*probabilities: float) -> dict[str, float]:
        return dict(zip(("normal", "benign", "malignant"), probabilities, strict=True))

    results = [
        case("a", 1.0, False, False, outputs(0.8, 0.1, 0.1), 0),
        case("b", 0.5, True, True, outputs(0.1, 0.5, 0.4), 1),
        case("c", 0.5, True, True, outputs(0.1, 0.6, 0.3), 2),
        case("d", 0.5, True, True, outputs(0.1, 0.6, 0.3)),  # of a class that nobody told
    ]
    classes = summarize(results)["classes"]
    assert classes["cases"] == 3
    assert classes["accuracy"]["mean"] == pytest.approx(2 / 3)
    assert classes["area_under_curve"]["value"] == pytest.approx((1 + 0.5 + 0.5) / 3)
    alone = summarize(results[:1])["classes"]
    assert alone["area_under_curve"] is None and alone["accuracy"]["mean"] == 1.0
