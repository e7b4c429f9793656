"""Measure the shipped networks' robustness to degraded pictures, and check it against the bar.

Prints tables, writes ``benchmarks/results/robustness.json`` and exits with 1 if Dice falls too far at a mildest strength, naming it:

    python -m benchmarks.robustness [--task TASK] [--cases N] [--data DIR] [--update-docs]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.data import DATA_ROOT
from benchmarks.readme import insert_table
from benchmarks.reports import name_missed, update_reports
from benchmarks.robustness.measure import choose, measure
from benchmarks.robustness.pictures import draw
from benchmarks.robustness.report import markdown, missed_bars
from benchmarks.tasks import BENCHMARKED
from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.errors import UssegError
from usseg_monai.predict.predictor import Predictor
from usseg_monai.tasks import TASKS, get_task

REPOSITORY = Path(__file__).resolve().parents[2]
RESULTS = REPOSITORY / "benchmarks" / "results"
DOCS = REPOSITORY / "docs" / "robustness.md"
PICTURE = REPOSITORY / "docs" / "images" / "robustness.png"

CASES = 60


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write, print; returns 1 if the bar is missed, 2 without data or weights."""
    parser = argparse.ArgumentParser(description="What the shipped networks make of degraded pictures.")
    parser.add_argument("--task", choices=tuple(TASKS), action="append", help="one task only; may be repeated")
    parser.add_argument("--cases", type=int, default=CASES, help="most test images of a task (default: %(default)s)")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of all data sets (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS / "robustness.json", help="JSON file to write (default: %(default)s)")
    parser.add_argument("--update-docs", action="store_true", help="put tables and picture into docs/robustness.md")
    args = parser.parse_args(argv)
    tasks = args.task or list(TASKS)
    measured = {}
    try:
        for task in tasks:
            items = choose(load_datalist(args.data / BENCHMARKED[task].data, "test"), args.cases)
            measured[task] = {"weights_sha256": get_task(task).weights_sha256, **measure(Predictor(task, engine="onnx"), items)}
    except UssegError as error:
        print(f"robustness: {error}", file=sys.stderr)
        return 2
    reports = update_reports(args.output, measured)
    print(markdown(reports))
    if args.update_docs:
        DOCS.write_text(insert_table(DOCS.read_text(encoding="utf-8"), "robustness", markdown(reports)), encoding="utf-8")
        draw(reports, PICTURE)
    missed = [f"{task}: {message}" for task in tasks for message in missed_bars(reports[task])]
    return name_missed("robustness", missed)


if __name__ == "__main__":
    raise SystemExit(main())
