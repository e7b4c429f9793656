"""Measure the accuracy of the shipped networks and the teaching references, and check it against the bars.

Prints the shared table and each task's own tables, writes ``benchmarks/results/accuracy.json``, and exits with 1 if a bar is missed,
naming it:

    python -m benchmarks.accuracy [--task TASK] [--data DIR] [--update-readme]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from benchmarks.accuracy.tables import OVERVIEW, SHIPPED, table
from benchmarks.data import DATA_ROOT
from benchmarks.format_configs import format_config
from benchmarks.readme import insert_table
from benchmarks.references import reference_predictor
from benchmarks.reports import name_missed, update_reports
from benchmarks.tasks import BENCHMARKED
from usseg_monai.errors import UssegError, WeightsError
from usseg_monai.evaluation.cases import Predicts
from usseg_monai.files.write import write_text
from usseg_monai.predict.predictor import Predictor
from usseg_monai.tasks import TASKS, bundle_path, get_task

REPOSITORY = Path(__file__).resolve().parents[2]
RESULTS = REPOSITORY / "benchmarks" / "results"
README = REPOSITORY / "README.md"
PAGE = REPOSITORY / "docs" / "accuracy.md"


class Benchmark(Protocol):
    """Interface of each task's module, see `benchmarks.accuracy`."""

    def measure(self, data: Path, shipped: Predicts, reference: Predicts | None) -> dict[str, Any]: ...
    def overview(self, report: Mapping[str, Any]) -> list[list[str]]: ...
    def markdown(self, report: Mapping[str, Any]) -> str: ...
    def missed_bars(self, report: Mapping[str, Any]) -> list[str]: ...
    def eval_metrics(self, report: Mapping[str, Any]) -> dict[str, float]: ...


BENCHMARKS: Mapping[str, Benchmark] = {task: cast(Benchmark, import_module(f"benchmarks.accuracy.{task}")) for task in BENCHMARKED}
"""Each task's module has the task's name."""


def measure(task: str, data: Path, engine: str) -> dict[str, Any]:
    """The report of one task; ``data`` is the folder of all data sets.

    Raises:
        UssegError: the data or the shipped weights are missing.
    """
    shipped = Predictor(task, engine=engine)
    facts = {"engine": engine, "weights_sha256": get_task(task).weights_sha256}
    return facts | BENCHMARKS[task].measure(data / BENCHMARKED[task].data, shipped, _reference(task))


def _reference(task: str) -> Predicts | None:
    try:
        return reference_predictor(task)
    except WeightsError as error:
        print(f"accuracy: {task} has no reference: {error}", file=sys.stderr)
        return None


def overview(reports: Mapping[str, Mapping[str, Any]]) -> str:
    """The shared table, under a line that states how it was made."""
    rows = [row for task, report in reports.items() for row in BENCHMARKS[task].overview(report)]
    head = (
        "Test images are of groups (exams, subjects, patients, lesions) that were in no training or validation part; in brackets 95 % "
        "bootstrap intervals by group. The teaching references were trained on the same parts (docs/teaching.md), that of breasts on BUSI "
        "and 476 images of BUS-BRA; where a bundle's page says so, the validation groups at last taught the shipped network, too."
    )
    return f"{head}\n\n{table(OVERVIEW, rows)}"


def shipped_rows(reports: Mapping[str, Mapping[str, Any]]) -> str:
    """The shipped networks' rows of the shared table with fewer columns, for the README."""
    rows = [row for task, report in reports.items() for row in BENCHMARKS[task].overview(report) if row[1] == SHIPPED]
    shown = [number for number, column in enumerate(OVERVIEW) if column not in ("network", "shipped minus reference")]
    return table([OVERVIEW[number] for number in shown], [[row[number] for number in shown] for row in rows])


def missed_bars(reports: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """One line per bar that a network misses."""
    return [f"{task}: {message}" for task, report in reports.items() for message in BENCHMARKS[task].missed_bars(report)]


def with_missed_bars(text: str, reports: Mapping[str, Mapping[str, Any]]) -> str:
    """A table, and a sentence below it that lists the missed bars."""
    return f"{text}\n\nBars of the project that are missed: {'; '.join(missed_bars(reports)) or 'none'}."


def write_pages(reports: Mapping[str, Mapping[str, Any]], task: str) -> None:
    """Write a task's tables into its bundle's page, pictures beside it, and the figures into its metadata."""
    folder, report = bundle_path(task), reports[task]
    page = folder / "docs" / "README.md"
    text = f"{overview({task: report})}\n\n{BENCHMARKS[task].markdown(report)}"
    page.write_text(insert_table(page.read_text(encoding="utf-8"), "accuracy", text), encoding="utf-8")
    file = folder / "configs" / "metadata.json"
    metadata = json.loads(file.read_text(encoding="utf-8"))
    metadata["eval_metrics"] = BENCHMARKS[task].eval_metrics(report)
    write_text(file, format_config(json.dumps(metadata, ensure_ascii=False)))
    if task == "breast":
        from benchmarks.accuracy.pictures import draw_confusion, draw_roc

        draw_confusion(report, folder / "docs" / "confusion.png")
        draw_roc(report, folder / "docs" / "roc.png")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write, print; 1 if a bar is missed, 2 without data or weights."""
    parser = argparse.ArgumentParser(description="Accuracy of the shipped networks beside the teaching references.")
    parser.add_argument("--task", choices=tuple(TASKS), action="append", help="one task only; may be repeated")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of all data sets (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS / "accuracy.json", help="JSON file to write (default: %(default)s)")
    parser.add_argument("--engine", default="onnx", choices=("onnx", "torch"), help="what runs the network (default: onnx)")
    parser.add_argument(
        "--update-readme", action="store_true", help="put the tables into README.md, docs/accuracy.md, the bundles' pages and metadata"
    )
    args = parser.parse_args(argv)
    tasks = args.task or list(TASKS)
    try:
        measured = {task: measure(task, args.data, args.engine) for task in tasks}
    except UssegError as error:
        print(f"accuracy: {error}", file=sys.stderr)
        return 2
    reports = update_reports(args.output, measured)
    print(overview(reports))
    for task in tasks:
        print(f"\n## {task}\n\n{BENCHMARKS[task].markdown(reports[task])}")
    if args.update_readme:
        for page, text in ((README, shipped_rows(reports)), (PAGE, overview(reports))):
            shown = with_missed_bars(text, reports)
            page.write_text(insert_table(page.read_text(encoding="utf-8"), "accuracy", shown), encoding="utf-8")
        for task in tasks:
            write_pages(reports, task)
    missed = missed_bars({task: reports[task] for task in tasks})
    return name_missed("accuracy", missed)


if __name__ == "__main__":
    raise SystemExit(main())
