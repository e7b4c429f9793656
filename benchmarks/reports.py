"""The results files that hold a report a task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from usseg_monai.imaging.write import write_text
from usseg_monai.tasks import TASKS

__all__ = ["update_reports"]


def update_reports(file: Path, measured: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Put the reports of some tasks into a JSON file beside those that it holds of others; all of them, as the file has them."""
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(
        file, json.dumps({task: measured.get(task, known.get(task)) for task in TASKS if task in {*measured, *known}}, indent=2) + "\n"
    )
    reports: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return reports
