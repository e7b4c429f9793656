"""Rows of the shipped networks and the teaching references in docs/benchmark.md, on the test sections of the lists in the package.

The networks learnt from other sections of the same lists, so a row says nothing about other hospitals; for that see
``--leave-one-source-out`` of `benchmarks.cross_validation`.

Writes ``benchmarks/results/public_sets.json``, the reports that ``usseg evaluate`` gives for the same masks, and prints the tables:

    python -m benchmarks.public_sets [--list NAME] [--data DIR] [--update-docs]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.accuracy.cases import evaluate
from benchmarks.accuracy.tables import SHIPPED, brackets, figure, table
from benchmarks.data import DATA_ROOT
from benchmarks.datalists import PLACES
from benchmarks.readme import insert_table
from benchmarks.references import reference_predictor
from usseg_monai.datasets.shipped import load_shipped, read_shipped
from usseg_monai.errors import UssegError
from usseg_monai.evaluation.benchmark import benchmark_report, paired_differences
from usseg_monai.evaluation.cases import Predicts
from usseg_monai.files.write import write_text
from usseg_monai.predict.predictor import Predictor

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results" / "public_sets.json"
PAGE = REPOSITORY / "docs" / "benchmark.md"
REFERENCE = "teaching reference"


def measure(name: str, data: Path, shipped: Predicts, reference: Predicts) -> dict[str, Any]:
    """The reports of both networks on a list's test section, and their paired differences.

    A reference that outlines nothing at all, because it only classifies, has no report.
    """
    items, _ = load_shipped(name, data / PLACES[name][0], "test")
    results, others = (evaluate(predictor, items) for predictor in (shipped, reference))
    report: dict[str, Any] = {"task": shipped.task.name, "shipped": benchmark_report(shipped.task, items, results)}
    if any(other.found for other in others):
        report["reference"] = benchmark_report(reference.task, items, others)
        report["difference"] = paired_differences(shipped.task, results, others)
    return report


def markdown(reports: Mapping[str, Mapping[str, Any]]) -> str:
    """The tables of the page."""
    overlap, clinical = [], []
    for name, report in reports.items():
        for which, shown in (("shipped", SHIPPED), ("reference", REFERENCE)):
            if which in report:
                overlap.append(_overlap(f"`{name}`" if which == "shipped" else "", shown, report[which]))
                clinical += [_clinical(f"`{name}`", shown, number, values) for number, values in report[which]["clinical"].items()]
        if "difference" in report:
            overlap.append(_difference(report["difference"]))
    return "\n".join(
        [
            table(("list", "masks of", "images", "Dice of structures", "Dice of all", "contour distance", "HD95", "failed"), overlap),
            "",
            table(("list", "masks of", "number", "values", "bias", "limits of agreement", "absolute difference"), clinical),
        ]
    )


def _overlap(name: str, masks: str, report: Mapping[str, Any]) -> list[str]:
    size = f"{report['cases']} of {report['groups']} groups"
    distances = [_distance(report["contours"], kind) for kind in ("contour_distance", "hd95")]
    return [name, masks, size, figure(report["dice_of_structures"], 4), figure(report["dice"], 4), *distances, str(len(report["failures"]))]


def _difference(difference: Mapping[str, Any]) -> list[str]:
    distances = [_distance(difference, kind, sign=True) for kind in ("contour_distance", "hd95")]
    overlaps = [figure(difference[kind], 4, sign=True) for kind in ("dice_of_structures", "dice")]
    return ["", "shipped minus reference", "", *overlaps, *distances, ""]


def _distance(figures: Mapping[str, Any], kind: str, *, sign: bool = False) -> str:
    """The figure in its unit, and how many structures lack it; if some images have a pixel size and others none, both."""
    found = {unit: figures[f"{kind}_{unit}"] for unit in ("mm", "px") if figures.get(f"{kind}_{unit}")}
    shown = [figure(each, 2, f" {unit}", sign=sign) + _without(each) for unit, each in found.items()]
    return "; ".join(shown) or "-"


def _without(values: Mapping[str, Any]) -> str:
    return f", {values['without_value']} without" if values.get("without_value") else ""


def _clinical(name: str, masks: str, number: str, values: Mapping[str, Any]) -> list[str]:
    limits = values["limits_of_agreement"]
    within = "-"
    if limits:
        within = " to ".join(f"{limits[end]['value']:+.2f}{brackets(limits[end]['interval_95'], '+.2f')}" for end in ("lower", "upper"))
    count = f"{values['cases']}{_without(values)}"
    return [name, masks, f"`{number}`", count, figure(values["bias"], 2, sign=True), within, figure(values["absolute_difference"], 2)]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write, print; 2 without data or weights."""
    parser = argparse.ArgumentParser(description="Our rows of the benchmark on public data sets.")
    parser.add_argument("--list", choices=tuple(PLACES), action="append", help="one list only; may be repeated")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of all data sets (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS, help="JSON file to write (default: %(default)s)")
    parser.add_argument("--update-docs", action="store_true", help="put the tables into docs/benchmark.md")
    args = parser.parse_args(argv)
    known = json.loads(args.output.read_text(encoding="utf-8")) if args.output.is_file() else {}
    try:
        for name in args.list or PLACES:
            task = read_shipped(name)["task"]
            known[name] = measure(name, args.data, Predictor(task), reference_predictor(task))
    except UssegError as error:
        print(f"public_sets: {error}", file=sys.stderr)
        return 2
    reports = {name: known[name] for name in PLACES if name in known}
    write_text(args.output, json.dumps(reports, indent=2) + "\n")
    reports = json.loads(args.output.read_text(encoding="utf-8"))
    tables = markdown(reports)
    print(tables)
    if args.update_docs:
        write_text(PAGE, insert_table(PAGE.read_text(encoding="utf-8"), "benchmark", tables))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
