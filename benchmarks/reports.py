"""Results of the benchmarks: JSON files, tables in pages, and missed bars."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.readme import insert_table
from usseg_monai.files.write import write_text
from usseg_monai.tasks import TASKS

__all__ = ["conclude", "name_missed", "update_reports"]


def update_reports(file: Path, measured: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Update the reports of some tasks in a JSON file, keeping those of others; returns all of them as in the file."""
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(
        file, json.dumps({task: measured.get(task, known.get(task)) for task in TASKS if task in {*measured, *known}}, indent=2) + "\n"
    )
    reports: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return reports


def conclude(
    name: str, figures: Mapping[str, Any], output: Path, table: str, missed: Sequence[str], pages: Mapping[Path, str] | None = None
) -> int:
    """End a benchmark: write its figures, print its table, update pages, and name the missed bars.

    Args:
        name: of the benchmark, at the start of messages and in the markers of pages (`benchmarks.readme.insert_table`).
        figures: ready for JSON.
        output: JSON file to write.
        table: in Markdown, to print.
        missed: one line per missed bar.
        pages: text to put into each page.

    Returns:
        Exit code: 1 if a bar is missed.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    write_text(output, json.dumps(figures, indent=2) + "\n")
    print(table)
    for page, text in (pages or {}).items():
        write_text(page, insert_table(page.read_text(encoding="utf-8"), name, text))
    return name_missed(name, missed)


def name_missed(name: str, missed: Sequence[str]) -> int:
    """Print each missed bar of a benchmark; returns the exit code, 1 if there is one."""
    for message in missed:
        print(f"{name}: missed: {message}", file=sys.stderr)
    return int(bool(missed))
