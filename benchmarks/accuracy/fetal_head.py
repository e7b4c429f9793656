"""The fetal head on test exams of HC18: overlap, and the absolute difference in head circumference (ADF)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy.cases import dice_advantage, evaluate, read_sections
from benchmarks.accuracy.tables import advantage_bar, difference_line, figure, overview_rows, table
from usseg_monai.evaluation.bootstrap import bootstrap_mean_interval
from usseg_monai.evaluation.cases import CaseResult, Predicts
from usseg_monai.evaluation.summary import summarize

HC = "head_circumference_mm"

DICE_AT_LEAST = 0.98
ADF_AT_MOST_MM = 1.6
TRUTH_ERROR_AT_MOST_MM = 0.1
BANDS_MM = ((0.0, 100.0), (100.0, 200.0), (200.0, math.inf))


def measure(data: Path, shipped: Predicts, reference: Predicts | None) -> dict[str, Any]:
    """All figures; ``data`` is HC18 in its official layout."""
    items = read_sections("hc18", data)["test"]
    results = evaluate(shipped, items)
    report: dict[str, Any] = {
        "test": summarize(results),
        "truth": measure_truth(results, items),
        "by_size": by_size(results, items),
        "worst": worst(results),
    }
    if reference:
        others = evaluate(reference, items)
        report |= {"reference": summarize(others), "advantage": dice_advantage(results, others)}
    return report


def measure_truth(results: Sequence[CaseResult], items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Error of the measurement alone, in mm: annotations are measured and compared with the data's circumferences."""
    pairs = [(result, item) for result, item in zip(results, items, strict=True) if HC in result.annotation]
    errors = [result.annotation[HC] - item[HC] for result, item in pairs]
    return {
        "cases": len(errors),
        "mean_error": float(np.mean(errors)),
        "interval_95": bootstrap_mean_interval(errors, [result.group for result, _ in pairs]),
        "mean_absolute_error": float(np.mean(np.abs(errors))),
        "largest_absolute_error": float(np.max(np.abs(errors))),
    }


def by_size(results: Sequence[CaseResult], items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Summarise the cases of each band of the true circumference."""
    bands = {}
    for low, high in BANDS_MM:
        members = [result for result, item in zip(results, items, strict=True) if low <= item[HC] < high]
        name = f"{low:g} mm and above" if high == math.inf else f"below {high:g} mm" if low == 0 else f"{low:g} to {high:g} mm"
        bands[name] = summarize(members)
    return bands


def worst(results: Sequence[CaseResult], count: int = 10) -> list[dict[str, Any]]:
    """The cases with the largest difference in circumference, those without a measurement first."""

    def badness(result: CaseResult) -> float:
        return abs(result.compared[HC].difference) if HC in result.compared else math.inf

    return [
        {
            "image": result.image.name,
            "status": result.status.value,
            "dice": result.dice,
            "difference": result.compared[HC].difference if HC in result.compared else None,
            "reference": result.compared[HC].reference if HC in result.compared else None,
        }
        for result in sorted(results, key=badness, reverse=True)[:count]
    ]


def missed_bars(report: Mapping[str, Any]) -> list[str]:
    """One line per bar that the figures miss."""
    dice = report["test"]["dice"]["mean"]
    adf = report["test"]["columns"][HC]["absolute_difference"]["mean"]
    truth_error = report["truth"]["mean_error"]
    without_status = report["test"]["cases"] - sum(report["test"]["status"].values())
    missed = [
        message
        for is_missed, message in (
            (dice < DICE_AT_LEAST, f"Dice {dice:.4f} is below {DICE_AT_LEAST}"),
            (adf > ADF_AT_MOST_MM, f"ADF {adf:.2f} mm is above {ADF_AT_MOST_MM} mm"),
            (
                abs(truth_error) > TRUTH_ERROR_AT_MOST_MM,
                f"HC of the true masks is {truth_error:+.3f} mm off, allowed are {TRUTH_ERROR_AT_MOST_MM} mm",
            ),
            (without_status > 0, f"{without_status} images have no status"),
        )
        if is_missed
    ]
    return missed + advantage_bar(report)


def overview(report: Mapping[str, Any]) -> list[list[str]]:
    """The task's rows of the shared table."""
    return overview_rows("fetal_head", report, "exams", _off)


def _off(summary: Mapping[str, Any]) -> str:
    column = summary["columns"].get(HC)
    return f"head circumference off by {figure(column and column['absolute_difference'], 2, ' mm')}"


def eval_metrics(report: Mapping[str, Any]) -> dict[str, float]:
    """The figures of the bundle's metadata."""
    test = report["test"]
    return {
        "mean_dice": round(test["dice"]["mean"], 4),
        "head_circumference_mean_absolute_difference_mm": round(test["columns"][HC]["absolute_difference"]["mean"], 2),
    }


def markdown(report: Mapping[str, Any]) -> str:
    """The task's own tables."""
    test, truth = report["test"], report["truth"]
    statuses = ", ".join(f"{count} `{status}`" for status, count in test["status"].items())
    reference = [_row("reference: classic U-Net", report["reference"])] if "reference" in report else []
    bands = [_row(f"shipped, head circumference {name}", band) for name, band in report["by_size"].items() if band["dice"]]
    return "\n".join(
        [
            f"HC18, {test['cases']} images of {test['groups']} exams that were in no training or validation part; in brackets the 95 % "
            "bootstrap interval of the mean by exam. ADF: absolute difference in head circumference.",
            "",
            table(
                ("", "images", "Dice, mean", "Dice, median", "ADF, mean", "ADF, median", "mean difference", "above 5 mm"),
                [_row("**shipped network**", test), *reference, *bands],
            ),
            "",
            f"Status of the rows: {statuses}. Circumference measured on the true masks: {truth['mean_error']:+.3f} mm mean error, "
            f"{truth['mean_absolute_error']:.3f} mm mean absolute error.",
            *difference_line(report),
        ]
    )


def _row(name: str, summary: Mapping[str, Any]) -> list[str]:
    length = summary["columns"].get(HC)
    cells = [name, str(summary["cases"]), figure(summary["dice"], 4), f"{summary['dice']['median']:.4f}"]
    if length is None:
        return [*cells, "-", "-", "-", "-"]
    adf = length["absolute_difference"]
    return [
        *cells,
        figure(adf, 2, " mm"),
        f"{adf['median']:.2f} mm",
        f"{length['difference']['mean']:+.2f} mm",
        f"{100 * length['share_above_5_mm']:.1f} %",
    ]
