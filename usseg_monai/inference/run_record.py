"""``run.json``: what was run, with what, on what, and what became of it."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from usseg_monai import __version__
from usseg_monai.imaging import write_text
from usseg_monai.tasks import bundle_path

__all__ = ["NAME", "STATES", "InputRecord", "bundle_version", "now", "versions", "write_run_record"]

NAME = "run.json"
STATES = ("done", "failed", "skipped")
"""What can become of an input: all frames processed, some not, or none tried: an earlier run was done with it, or it is a mask."""

_LIBRARIES = {"onnxruntime": "onnxruntime", "numpy": "numpy", "PIL": "pillow", "torch": "torch", "monai": "monai"}


@dataclass(frozen=True)
class InputRecord:
    """What became of one input.

    Attributes:
        file: its name in the results.
        path: absolute path of the file.
        state: one of `STATES`.
        reason: of ``failed`` and ``skipped``; empty otherwise.
    """

    file: str
    path: str
    state: str
    reason: str = ""


def versions() -> dict[str, str]:
    """Versions of this package, of Python and of the libraries in use; those that were not needed were not loaded and are not named.

    >>> {"numpy", "python", "usseg-monai"} <= versions().keys()
    True
    """
    loaded = {name: sys.modules[module].__version__ for module, name in _LIBRARIES.items() if module in sys.modules}
    return {"usseg-monai": __version__, "python": platform.python_version(), **loaded}


def bundle_version(task: str) -> str | None:
    """Version of a task's bundle, ``None`` where its metadata cannot be read. JSON only: nothing in it is run."""
    try:
        metadata = json.loads((bundle_path(task) / "configs" / "metadata.json").read_text(encoding="utf-8"))
        return str(metadata["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def now() -> datetime:
    """The time, with its zone."""
    return datetime.now(timezone.utc)


def write_run_record(folder: Path, facts: Mapping[str, Any], started: datetime, state: str, inputs: Sequence[InputRecord]) -> None:
    """Write ``run.json``, whole or not at all.

    Args:
        folder: of the results.
        facts: what holds for the whole run, ready for JSON.
        started: when it began.
        state: ``running``, ``finished``, ``interrupted`` or ``failed``.
        inputs: what became of each; those of a run that was ended early are missing.

    Raises:
        OutputError: it cannot be written.
    """
    finished = now()
    record = {
        **facts,
        "versions": versions(),
        "state": state,
        "started": started.isoformat(timespec="seconds"),
        "finished": None if state == "running" else finished.isoformat(timespec="seconds"),
        "seconds": round((finished - started).total_seconds(), 3),
        "counts": {kind: sum(item.state == kind for item in inputs) for kind in STATES},
        "inputs": [asdict(item) for item in inputs],
    }
    write_text(folder / NAME, json.dumps(record, indent=1) + "\n")
