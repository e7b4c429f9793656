"""Results files with one report per task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from usseg_monai.files.write import write_text
from usseg_monai.tasks import TASKS

__all__ = ["update_reports"]


def update_reports(file: Path, measured: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Update the reports of some tasks in a JSON file, keeping those of others; returns all of them as in the file."""
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(
        file, json.dumps({task: measured.get(task, known.get(task)) for task in TASKS if task in {*measured, *known}}, indent=2) + "\n"
    )
    reports: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return reports
