"""Accuracy on a tiny data set of heads with predictors whose errors are known."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from benchmarks.accuracy import fetal_head
from tests.datasets.samples import make_hc18
from tests.evaluation.test_cases import DiscPredictor
from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.evaluation.cases import evaluate_case

TRUE_HC_MM = 150.80  # of the tiny data set


def report(**changes: float) -> dict[str, Any]:
    """A report that meets every bar, but for the changes."""
    values = {"dice": 0.98, "adf": 1.6, "truth": 0.02, "statuses": 10, "advantage": 0.05} | changes
    spread = {"standard_deviation": 0.1, "interval_95": (0.5, 1.5)}
    summary = {
        "cases": 10,
        "groups": 8,
        "status": {"ok": values["statuses"]},
        "dice": {"mean": values["dice"], "median": 0.981, **spread},
        "dice_of_structures": {"mean": values["dice"], "median": 0.981, **spread},
        "pixel_accuracy": {"mean": 0.99, "of_an_empty_mask": 0.7},
        "columns": {
            fetal_head.HC: {
                "cases": 10,
                "absolute_difference": {"mean": values["adf"], "median": 1.5, **spread},
                "difference": {"mean": -0.25, "median": -0.2, **spread},
                "share_above_5_mm": 0.05,
            }
        },
    }
    empty = {"cases": 0, "groups": 0, "status": {}, "dice": None, "columns": {}}
    truth = {"cases": 10, "mean_error": values["truth"], "mean_absolute_error": 0.03}
    bands = {"below 100 mm": copy.deepcopy(summary), "100 to 200 mm": empty}
    advantage = {"value": 0.1, "interval_95": (values["advantage"], 0.2)}
    return {"test": summary, "truth": truth, "by_size": bands, "reference": summary, "advantage": advantage}


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({}, []),
        ({"dice": 0.97}, ["Dice 0.9700 is below 0.98"]),
        ({"adf": 1.61}, ["ADF 1.61 mm is above 1.6 mm"]),
        ({"truth": -0.2}, ["HC of the true masks is -0.200 mm off, allowed are 0.1 mm"]),
        ({"statuses": 9}, ["1 images have no status"]),
        ({"advantage": -0.1}, ["shipped minus reference is +0.1000 (-0.1000 to +0.2000): the interval must lie above 0"]),
    ],
)
def test_a_missed_bar_is_named(changes: dict[str, float], missed: list[str]) -> None:
    assert fetal_head.missed_bars(report(**changes)) == missed


def test_the_table() -> None:
    rows = [line for line in fetal_head.markdown(report()).splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {9}
    assert (
        rows[2] == "| **shipped network** | 10 | 0.9800 (0.5000 to 1.5000) | 0.9810 | 1.60 mm (0.50 to 1.50) | 1.50 mm | -0.25 mm | 5.0 % |"
    )
    assert [row.split("|")[1].strip() for row in rows[3:]] == ["reference: classic U-Net", "shipped, head circumference below 100 mm"]


def test_without_a_reference_nothing_is_beaten() -> None:
    alone = report()
    del alone["reference"], alone["advantage"]
    assert fetal_head.missed_bars(alone) == ["no reference network to compare with: train one (docs/teaching.md)"]
    assert "reference" not in fetal_head.markdown(alone)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_hc18(tmp_path / "hc18", names=["015_HC", "015_2HC", "025_HC", "000_HC"])


def test_figures_of_known_errors(data: Path) -> None:
    measured = fetal_head.measure(data, DiscPredictor(15), DiscPredictor(18))
    assert (measured["test"]["cases"], measured["test"]["groups"]) == (3, 2)  # 000 is a training exam
    assert measured["by_size"]["100 to 200 mm"]["cases"] == 3
    adf = measured["test"]["columns"][fetal_head.HC]["absolute_difference"]["mean"]
    assert adf == pytest.approx(TRUE_HC_MM * (15 / 12 - 1), rel=0.05)
    assert abs(measured["truth"]["mean_error"]) < 0.01 * TRUE_HC_MM
    assert measured["worst"][0]["difference"] == pytest.approx(adf)
    assert measured["reference"]["dice"]["mean"] < measured["test"]["dice"]["mean"]
    assert measured["advantage"]["value"] == pytest.approx(measured["test"]["dice"]["mean"] - measured["reference"]["dice"]["mean"])
    assert fetal_head.eval_metrics(measured)["head_circumference_mean_absolute_difference_mm"] == round(adf, 2)
    missed = fetal_head.missed_bars(measured)
    assert [line.split()[0] for line in missed] == ["Dice", "ADF", "HC"]  # it beats the other, and that is not named


def test_what_was_not_measured_is_the_worst(data: Path) -> None:
    results = [evaluate_case(DiscPredictor(radius), item) for radius, item in zip((12, 15, 0), load_datalist(data, "test"), strict=True)]
    worst = fetal_head.worst(results, count=2)
    assert [case["image"] for case in worst] == [results[2].image.name, results[1].image.name]
    assert worst[0]["difference"] is None
