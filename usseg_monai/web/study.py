"""Volumes and other results of studies, from the rows of their frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from usseg_monai.errors import UsageError, quoted
from usseg_monai.report.words import label, quantity
from usseg_monai.tasks import get_task, load
from usseg_monai.tasks.study import Study, StudyFrame
from usseg_monai.web.decoding import MOST_FRAMES
from usseg_monai.web.tables import row_of
from usseg_monai.web.wire import packed, place_of, split

__all__ = ["study"]


def study(message: bytes) -> bytes:
    """Combine measured frames into studies.

    Args:
        message: ``task``, and ``frames``: the ``row``, ``place``, ``rows`` and ``cols`` of each.

    Returns:
        A message with ``studies``: of each its ``name``, ``message``, ``numbers``, the ``slices`` with their place in the stack, the
        ``curve`` with ``column`` and ``points``, and its ``marks``.

    Raises:
        UsageError: the task has no studies, or the message cannot be used.
    """
    text, _ = split(message)
    task = get_task(str(text.get("task")))
    given = text.get("frames")
    if not task.study:
        raise UsageError(f"{task.name} has no studies")
    if not isinstance(given, list) or len(given) > MOST_FRAMES:
        raise UsageError(f"frames: give a list of at most {MOST_FRAMES}")
    frames = []
    for item in given:
        if not isinstance(item, dict) or type(item.get("rows")) is not int or type(item.get("cols")) is not int:
            raise UsageError(f"frame {quoted(item)}: give row, place, rows and cols")
        row, place = row_of(task, item.get("row")), place_of(item.get("place"))
        if place is not None:
            frames.append(StudyFrame(Path(str(row["file"])), row, place, (item["rows"], item["cols"])))
    kind: Study = load(task.study)
    results = kind.results(task, frames)
    columns = [column.name for column in task.study_columns]
    return packed(
        {
            "studies": [
                {
                    "name": result.row["study"],
                    "message": str(result.row["message"] or ""),
                    "numbers": [_number(name, result.row[name]) for name in columns if result.row[name] is not None],
                    "slices": [{name: row[name] for name in ("slice", "phase", "file", "frame", "counted")} for row in result.slices],
                    "curve": list(result.curve),
                    "column": next((label(name) for row in result.curve for name in row if name not in ("phase", "time_ms")), None),
                    "marks": [{"phase": mark.index, "text": mark.text, "above": mark.above} for mark in result.marks],
                    "row": result.row,
                }
                for result in results
            ]
        }
    )


def _number(column: str, value: Any) -> dict[str, Any]:
    return {"label": label(column)[0], "text": quantity(value, column)}
