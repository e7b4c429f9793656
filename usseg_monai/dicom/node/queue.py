"""The queue of a node on disk. Whatever the process was doing when it was killed, what it had accepted is here when it starts again.

``incoming/``
    Objects that are being received; emptied at the start: nobody was told that they are accepted.
``queue/SERIES/OBJECT.dcm``
    Objects that were accepted.
``work/JOB/in/``
    Objects that are predicted, with ``out/``, the folder of their run, and ``made.json``, written when the results are made.
``failed/JOB/``
    What needs a person, with ``reason.txt``: objects that could not be used, or results that the archive did not take.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from usseg_monai.files.write import write_text

__all__ = ["Queue"]

_MADE, _REASON = "made.json", "reason.txt"
_MODE = 0o700  # the files hold names of patients


class Queue:
    """A queue in a folder. One process has it at a time. Thread-safe.

    Args:
        folder: is made as needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.incoming, self._queue, self._work, self._failed = (folder / name for name in ("incoming", "queue", "work", "failed"))
        self._lock = Lock()
        shutil.rmtree(self.incoming, ignore_errors=True)
        for place in (self.incoming, self._queue, self._work, self._failed):
            place.mkdir(mode=_MODE, parents=True, exist_ok=True)
        for job in self._work.iterdir():
            if not (job / "in").is_dir():  # killed before anything was moved into it, or when all was done
                shutil.rmtree(job)
        for job in self._failed.iterdir():
            if (job / _MADE).is_file():  # only the archive was missing
                os.replace(job, self._work / job.name)

    def put(self, received: Path, series: str, uid: str) -> None:
        """Accept an object: when this returns, it is on the disk, whatever happens then.

        Args:
            received: its file in `incoming`; is moved.
            series, uid: its identifiers, checked to be digits and dots.
        """
        with received.open("rb+") as file:
            os.fsync(file.fileno())
        place = self._queue / series
        with self._lock:
            place.mkdir(mode=_MODE, exist_ok=True)
            os.replace(received, place / f"{uid}.dcm")
            _settle(place)
            _settle(self._queue)

    def waiting(self) -> list[str]:
        """Series with objects that were accepted and are in no job."""
        return sorted(place.name for place in self._queue.iterdir())

    def claim(self, series: str) -> Path:
        """Make a job of what is there of a series; objects of it that come later are another job."""
        job = self._work / f"{series}.{secrets.token_hex(4)}"
        job.mkdir(mode=_MODE)
        with self._lock:
            os.replace(self._queue / series, job / "in")
        _settle(job)
        _settle(self._work)
        _settle(self._queue)
        return job

    def jobs(self) -> list[Path]:
        """Jobs that are not finished, such as those of a process that was killed."""
        return sorted(self._work.iterdir())

    def write_made(self, job: Path, facts: Mapping[str, Any]) -> None:
        """Note that the results of a job are made, with facts about them."""
        write_text(job / _MADE, json.dumps(facts))

    def read_made(self, job: Path) -> dict[str, Any] | None:
        """The facts of `write_made`, ``None`` if the results are not made yet."""
        if not (job / _MADE).is_file():
            return None
        facts: dict[str, Any] = json.loads((job / _MADE).read_text(encoding="utf-8"))
        return facts

    def finish(self, job: Path, left: Collection[str] = (), reason: str = "") -> None:
        """Remove a job whose results are sent, with its objects, but for those that could not be used.

        Args:
            job: is removed.
            left: names of objects that go to ``failed/``.
            reason: why.
        """
        if left:
            place = self._failed / job.name
            (place / "in").mkdir(mode=_MODE, parents=True, exist_ok=True)
            for name in left:
                if (job / "in" / name).is_file():  # not moved before the process was killed
                    os.replace(job / "in" / name, place / "in" / name)
            write_text(place / _REASON, f"{reason}\n")
            _settle(place / "in")
        trash = self.incoming / secrets.token_hex(4)
        os.replace(job, trash)  # at once: what is left of a job must not look like one
        shutil.rmtree(trash, ignore_errors=True)

    def set_aside(self, job: Path, reason: str) -> None:
        """Move a whole job to ``failed/``. If its results are made, the next start tries to send them again."""
        write_text(job / _REASON, f"{reason}\n")
        os.replace(job, self._failed / job.name)

    def counts(self) -> dict[str, int]:
        """Number of objects that wait, and of jobs in work and set aside."""
        return {
            "waiting": sum(len(os.listdir(self._queue / series)) for series in self.waiting()),
            "working": len(self.jobs()),
            "aside": len(os.listdir(self._failed)),
        }


def _settle(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
