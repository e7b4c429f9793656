"""Measure the quality of the shipped networks' trust outputs, and check it against the bars.

Prints tables, writes ``benchmarks/results/trust.json`` and exits with 1 if a bar is missed, naming it:

    python -m benchmarks.trust [--task TASK] [--data DIR] [--update-docs]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.data import DATA_ROOT
from benchmarks.readme import insert_table
from benchmarks.reports import name_missed, update_reports
from benchmarks.trust.measure import measure
from benchmarks.trust.report import draw_reliability, markdown, missed_bars, overview
from usseg_monai.errors import UssegError
from usseg_monai.tasks import TASKS, bundle_path, get_task

REPOSITORY = Path(__file__).resolve().parents[2]
RESULTS = REPOSITORY / "benchmarks" / "results"
PAGE = REPOSITORY / "docs" / "when_not_to_believe.md"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write, print; returns 1 if a bar is missed, 2 without data or weights."""
    parser = argparse.ArgumentParser(description="What the shipped networks' doubt is worth.")
    parser.add_argument("--task", choices=tuple(TASKS), action="append", help="one task only; may be repeated")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of all data sets (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS / "trust.json", help="JSON file to write (default: %(default)s)")
    parser.add_argument("--update-docs", action="store_true", help="put tables and pictures into the pages")
    args = parser.parse_args(argv)
    tasks = args.task or list(TASKS)
    try:
        measured = {task: {"weights_sha256": get_task(task).weights_sha256, **measure(task, args.data)} for task in tasks}
    except UssegError as error:
        print(f"trust: {error}", file=sys.stderr)
        return 2
    reports = update_reports(args.output, measured)
    print(overview(reports))
    if args.update_docs:
        PAGE.write_text(insert_table(PAGE.read_text(encoding="utf-8"), "trust", overview(reports)), encoding="utf-8")
        for task in tasks:
            docs = bundle_path(task) / "docs"
            text = markdown(reports[task], task, "reliability.png")
            page = docs / "README.md"
            page.write_text(insert_table(page.read_text(encoding="utf-8"), "trust", text), encoding="utf-8")
            draw_reliability(reports[task], docs / "reliability.png")
    missed = [f"{task}: {message}" for task in tasks for message in missed_bars(reports[task])]
    return name_missed("trust", missed)


if __name__ == "__main__":
    raise SystemExit(main())
