"""The run record, ``run.json``: task, weights, options, progress and outcome. For the inputs see `usseg_monai.runs.accounts`.

It is small, and replaced as a whole at the start of a run, every few seconds during it, and at its end. So it is valid JSON at any time;
after a kill it says ``running``, and its counts may be some seconds old.
"""

from __future__ import annotations

import json
import math
import platform
import sys
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from usseg_monai import __version__
from usseg_monai.errors import OutputError
from usseg_monai.inputs.results_folder import RUN_RECORD
from usseg_monai.runs.accounts import ACCOUNTS, STATES, count_states
from usseg_monai.runs.lock import HeldFolder
from usseg_monai.tasks import bundle_path

__all__ = ["RunRecord", "bundle_version", "now", "read_run_record", "versions"]

_EVERY_SECONDS = 2.0
_LIBRARIES = {"onnxruntime": "onnxruntime", "numpy": "numpy", "PIL": "pillow", "torch": "torch", "monai": "monai"}


class RunRecord:
    """The run record of the current run; created on disk at once.

    Args:
        held: output folder.
        facts: facts about the whole run, as JSON values.
        started: start of the run.
        total: number of inputs.

    Attributes:
        total: see above.
        counts: number of inputs in the account file, by state.

    Raises:
        OutputError: the record cannot be written.

    >>> import tempfile
    >>> from usseg_monai.runs.lock import lock_folder
    >>> with lock_folder(Path(tempfile.mkdtemp())) as held:
    ...     record = RunRecord(held, {"task": "nerve"}, now(), total=2)
    ...     record.count("done")
    ...     record.end("finished")
    ...     read_run_record(held.path)["counts"]
    {'done': 1, 'failed': 0, 'skipped': 0, 'not_reached': 1}
    """

    def __init__(self, held: HeldFolder, facts: Mapping[str, Any], started: datetime, total: int) -> None:
        self.total, self.counts = total, Counter[str]()
        self._held, self._facts, self._started = held, facts, started
        self._written = -math.inf
        self._write("running")

    def count(self, state: str) -> None:
        """Count an input that was added to the account file; raises `OutputError` if the disk is full."""
        self.counts[state] += 1
        if time.monotonic() - self._written >= _EVERY_SECONDS:
            self._write("running")

    def recount(self) -> None:
        """Count the lines of the account file: an interrupt may have come between the account of an input and its count."""
        self.counts = count_states(self._held.real)

    def end(self, state: str) -> None:
        """Write how the run ended: ``finished``, ``interrupted`` or ``failed``."""
        self._write(state)

    def _write(self, state: str) -> None:
        moment = now()
        record = {
            **self._facts,
            "accounts": ACCOUNTS,
            "started": self._started.isoformat(timespec="seconds"),
            "state": state,
            "finished": None if state == "running" else moment.isoformat(timespec="seconds"),
            "seconds": round((moment - self._started).total_seconds(), 3),
            "counts": {**{kind: self.counts[kind] for kind in STATES}, "not_reached": self.total - self.counts.total()},
            "versions": versions(),
        }
        self._held.write_text(RUN_RECORD, json.dumps(record, indent=1) + "\n")
        self._written = time.monotonic()


def read_run_record(folder: Path) -> dict[str, Any]:
    """Read a folder's run record.

    Raises:
        OutputError: the record is missing, or was not written by this version.
    """
    path = folder / RUN_RECORD
    try:
        facts = json.loads(path.read_bytes())
        if not isinstance(facts, dict) or facts.get("accounts") != ACCOUNTS or "counts" not in facts:
            raise ValueError(f"it does not name {ACCOUNTS}, which lists the inputs")
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise OutputError(f"{path} is not a run record of this version ({reason}); give a folder that 'usseg predict' wrote") from error
    return facts


def versions() -> dict[str, str]:
    """Versions of this package, of Python and of the libraries that are loaded.

    >>> {"numpy", "python", "usseg-monai"} <= versions().keys()
    True
    """
    # A module that another thread is still importing has no version yet.
    loaded = {name: number for module, name in _LIBRARIES.items() if (number := getattr(sys.modules.get(module), "__version__", None))}
    return {"usseg-monai": __version__, "python": platform.python_version(), **loaded}


def bundle_version(task: str) -> str | None:
    """Version of a task's bundle, ``None`` if its metadata cannot be read. The file is parsed as JSON only; no code in it runs."""
    try:
        metadata = json.loads((bundle_path(task) / "configs" / "metadata.json").read_text(encoding="utf-8"))
        return str(metadata["version"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def now() -> datetime:
    """Current time in UTC."""
    return datetime.now(timezone.utc)
