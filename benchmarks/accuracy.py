"""Accuracy of the fetal head bundle on the test exams of HC18, which no training or validation part holds.

Prints a Markdown table, writes ``benchmarks/results/accuracy.json`` and exits with 1 if a bar is missed, saying which:

    python -m benchmarks.accuracy [--data HC18_DIR] [--update-readme]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.readme import insert_table
from usseg_monai.data.datalist import load_datalist
from usseg_monai.data.evaluation import CaseResult, evaluate_case
from usseg_monai.data.summary import summarize
from usseg_monai.errors import UssegError
from usseg_monai.imaging.write import write_text
from usseg_monai.inference.predictor import Predictor
from usseg_monai.metrics.bootstrap import bootstrap_mean_interval
from usseg_monai.tasks import get_task

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"
PAGES = (REPOSITORY / "README.md", REPOSITORY / "bundles" / "fetal_head" / "docs" / "README.md")
HC = "head_circumference_mm"

DICE_AT_LEAST = 0.975
ADF_AT_MOST_MM = 2.1
TRUTH_ERROR_AT_MOST_MM = 0.1
BANDS_MM = ((0.0, 100.0), (100.0, 200.0), (200.0, math.inf))


def measure_truth(results: Sequence[CaseResult], items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the measurement alone is off the circumference given with the data, in mm: annotations measured instead of predictions."""
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
    """Sum up the cases of each band of the true circumference."""
    bands = {}
    for low, high in BANDS_MM:
        members = [result for result, item in zip(results, items, strict=True) if low <= item[HC] < high]
        name = f"{low:g} mm and above" if high == math.inf else f"below {high:g} mm" if low == 0 else f"{low:g} to {high:g} mm"
        bands[name] = summarize(members)
    return bands


def worst(results: Sequence[CaseResult], count: int = 10) -> list[dict[str, Any]]:
    """The cases with the largest difference in circumference; those that were not measured come first."""

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
    """One line for each bar that the figures miss."""
    dice = report["test"]["dice"]["mean"]
    adf = report["test"]["columns"][HC]["absolute_difference"]["mean"]
    truth_error = report["truth"]["mean_error"]
    without_status = report["test"]["cases"] - sum(report["test"]["status"].values())
    return [
        message
        for missed, message in (
            (dice < DICE_AT_LEAST, f"Dice {dice:.4f} is below {DICE_AT_LEAST}"),
            (adf > ADF_AT_MOST_MM, f"ADF {adf:.2f} mm is above {ADF_AT_MOST_MM} mm"),
            (
                abs(truth_error) > TRUTH_ERROR_AT_MOST_MM,
                f"HC of the true masks is {truth_error:+.3f} mm off, allowed are {TRUTH_ERROR_AT_MOST_MM} mm",
            ),
            (without_status > 0, f"{without_status} images have no status"),
        )
        if missed
    ]


def markdown(report: Mapping[str, Any]) -> str:
    """The figures as Markdown tables."""
    test, truth = report["test"], report["truth"]
    statuses = ", ".join(f"{count} `{status}`" for status, count in test["status"].items())
    lines = [
        f"HC18, {test['cases']} images of {test['groups']} exams that were in no training or validation part; in brackets the 95 % "
        "bootstrap interval of the mean by exam. ADF: absolute difference in head circumference.",
        "",
        "| | images | Dice, mean | Dice, median | ADF, mean | ADF, median | mean difference | above 5 mm |",
        "|---|---|---|---|---|---|---|---|",
        _row("**shipped network**", test),
        *(_row(f"head circumference {name}", band) for name, band in report["by_size"].items() if band["dice"]),
        "",
        f"Status of the rows: {statuses}. Circumference measured on the true masks: {truth['mean_error']:+.3f} mm mean error, "
        f"{truth['mean_absolute_error']:.3f} mm mean absolute error.",
    ]
    return "\n".join(lines)


def _row(name: str, summary: Mapping[str, Any]) -> str:
    dice, length = summary["dice"], summary["columns"][HC]
    adf = length["absolute_difference"]
    cells = [
        name,
        str(summary["cases"]),
        f"{dice['mean']:.4f}{_brackets(dice['interval_95'], 4)}",
        f"{dice['median']:.4f}",
        f"{adf['mean']:.2f} mm{_brackets(adf['interval_95'], 2)}",
        f"{adf['median']:.2f} mm",
        f"{length['difference']['mean']:+.2f} mm",
        f"{100 * length['share_above_5_mm']:.1f} %",
    ]
    return f"| {' | '.join(cells)} |"


def _brackets(interval: Sequence[float] | None, digits: int) -> str:
    return f" ({interval[0]:.{digits}f} to {interval[1]:.{digits}f})" if interval else ""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write, print; 1 if a bar is missed, 2 without data or weights."""
    parser = argparse.ArgumentParser(description="Accuracy of the fetal head bundle on the test exams of HC18.")
    data_root = Path(os.environ.get("USSEG_DATA", REPOSITORY.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=data_root / "hc18", help="HC18 in its official layout (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS / "accuracy.json", help="JSON file to write (default: %(default)s)")
    parser.add_argument("--engine", default="onnx", choices=("onnx", "torch"), help="what runs the network (default: onnx)")
    parser.add_argument("--update-readme", action="store_true", help="put the table into README.md and the bundle's page")
    args = parser.parse_args(argv)
    try:
        items = load_datalist(args.data, "test")
        predictor = Predictor("fetal_head", engine=args.engine, threads=2)
        results = [evaluate_case(predictor, item) for item in items]
        report: dict[str, Any] = {
            "task": "fetal_head",
            "engine": args.engine,
            "weights_sha256": get_task("fetal_head").weights_sha256,
            "truth": measure_truth(results, items),
            "test": summarize(results),
            "by_size": by_size(results, items),
            "worst": worst(results),
        }
    except UssegError as error:
        print(f"accuracy: {error}", file=sys.stderr)
        return 2
    write_text(args.output, json.dumps(report, indent=2) + "\n")
    table = markdown(report)
    print(table)
    print("\nworst: " + ", ".join(_worst_text(case) for case in report["worst"]))
    if args.update_readme:
        for page in PAGES:
            page.write_text(insert_table(page.read_text(encoding="utf-8"), "accuracy", table), encoding="utf-8")
    missed = missed_bars(report)
    for message in missed:
        print(f"accuracy: missed: {message}", file=sys.stderr)
    return int(bool(missed))


def _worst_text(case: Mapping[str, Any]) -> str:
    return f"{case['image']} " + (
        "not measured" if case["difference"] is None else f"{case['difference']:+.1f} of {case['reference']:.0f} mm"
    )


if __name__ == "__main__":
    raise SystemExit(main())
