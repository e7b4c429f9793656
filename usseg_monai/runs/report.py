"""The page of a run, made from its results alone: ``report.html`` beside its table."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from usseg_monai.errors import OutputError
from usseg_monai.files.table import Row, read_table
from usseg_monai.files.write import write_text
from usseg_monai.inputs.naming import frame_output
from usseg_monai.inputs.results_folder import RUN_RECORD
from usseg_monai.measuring.result import Severity, Status
from usseg_monai.report.columns import highlights
from usseg_monai.report.model import SHEET_FROM, Case, Chapter, Picture, Report, Section
from usseg_monai.report.page import jpeg, render_report
from usseg_monai.runs.accounts import read_accounts
from usseg_monai.runs.outputs import REPORT, output_files
from usseg_monai.runs.table import TABLE
from usseg_monai.tasks import Task
from usseg_monai.tasks.record import STUDY_TABLE

__all__ = ["MOST_PICTURES", "MOST_ROWS", "write_report"]

MOST_ROWS = 5000
"""Frames on the page, the worst of all."""

MOST_PICTURES = 400
"""Frames with a picture."""

_SIDE, _SMALL_SIDE = 960, 360  # longest side of a picture in pixels, and of a small one
_QUALITY = 72


def write_report(folder: Path, task: Task) -> Path:
    """Write the page of a finished run from its table, its account file and the overlays that it saved.

    Args:
        folder: output folder of the run.
        task: of the run.

    Returns:
        Path of the page.

    Raises:
        OutputError: the results cannot be read, or the page cannot be written.
    """
    counted = _Counted(read_table(folder / TABLE))
    rows = heapq.nsmallest(MOST_ROWS, counted, key=worst_first)
    outputs = {}
    files = {str(row["file"]) for row in rows}
    for account in read_accounts(folder):
        if account.file in files and account.output:
            outputs[account.file] = account.output, len(account.frames)
    side = _SIDE if len(rows) < SHEET_FROM else _SMALL_SIDE
    cases = [
        _case(folder, task, row, outputs.get(str(row["file"])) if number < MOST_PICTURES else None, side) for number, row in enumerate(rows)
    ]
    studies = list(read_table(folder / STUDY_TABLE)) if task.study and (folder / STUDY_TABLE).is_file() else []
    few = f"The worst {len(cases)} of {counted.count} frames; all are in {TABLE}." if len(cases) < counted.count else ""
    chapter = Chapter(task, "Pictures", highlights(task), [Section("", few, cases, frames=counted.count)], studies=studies)
    report = Report(
        f"{task.heading}: {counted.count} picture{'' if counted.count == 1 else 's'}",
        "The worst first: what cannot be believed, what needs a look, then the rest, each by its expected Dice.",
        [chapter],
        facts=_facts(folder),
    )
    target = folder / REPORT
    write_text(target, render_report(report))
    return target


def worst_first(row: Row) -> tuple[int, float]:
    """Key that sorts rows: by what their status asks, then by their confidence; unknown confidence first.

    >>> rows = [{"status": "ok", "confidence": 0.9}, {"status": "failed", "confidence": None}, {"status": "ok", "confidence": 0.8}]
    >>> [row["confidence"] for row in sorted(rows, key=worst_first)]
    [None, 0.8, 0.9]
    """
    confidence = row["confidence"]
    return -[*Severity].index(Status(row["status"]).severity), confidence if isinstance(confidence, float) else -1.0


class _Counted:
    """Counts what passes: the rows of a million frames are never in memory together."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows, self.count = rows, 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row


def _case(folder: Path, task: Task, row: Row, output: tuple[str, int] | None, side: int) -> Case:
    """The case of a row, with its overlay if that was saved.

    Args:
        folder: output folder of the run.
        task: of the run.
        row: of the table.
        output: the input's name among the outputs and the number of its frames; ``None`` for no picture.
        side: longest side of the picture, in pixels.
    """
    frame, picture = row["frame"], None
    if output is not None and isinstance(frame, int):
        file = output_files(folder, frame_output(output[0], frame, output[1]), ("overlay",))["overlay"]
        picture = _small(file, side, file.relative_to(folder).as_posix()) if file.is_file() else None
    return Case.of_row(f"{row['file']}, frame {frame}" if frame else str(row["file"]), task, row, picture=picture)


def _small(file: Path, side: int, link: str) -> Picture:
    from PIL import Image

    with Image.open(file) as image:
        image.thumbnail((side, side))
        return Picture(jpeg(image.convert("RGB"), _QUALITY), (image.height, image.width), link=link)


def _facts(folder: Path) -> list[tuple[str, str]]:
    """Versions, engine and weights from the run record, for the footer."""
    try:
        record: Mapping[str, Any] = json.loads((folder / RUN_RECORD).read_text(encoding="utf-8"))
        facts = [*record["versions"].items(), ("engine", f"{record['engine']} on {record['device']}")]
        return [*facts, ("weights", str(record["weights_sha256"])[:12])]
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise OutputError(f"{folder / RUN_RECORD} cannot be read ({error}); run the command that made it again") from error
