"""One job of a node: predict what was received of a series, make its objects, send them on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from usseg_monai.dicom.exchange.address import Entity, WebAddress
from usseg_monai.dicom.exchange.deliver import deliver
from usseg_monai.dicom.node.queue import Queue
from usseg_monai.errors import ArchiveError, OutputError
from usseg_monai.runs.accounts import read_accounts, read_head
from usseg_monai.runs.objects import OBJECTS_FOLDER

__all__ = ["KINDS", "Work"]

KINDS = ("seg", "sr")
"""Objects that a node makes."""


@dataclass(frozen=True)
class Work:
    """How jobs are done.

    Attributes:
        queue: that holds the jobs.
        task: name of the task.
        target: where objects go.
        aet: our title.
        weights: in place of the released ones.
        on_event: called with a name and facts.
    """

    queue: Queue
    task: str
    target: Entity | WebAddress
    aet: str
    weights: Path | None = None
    on_event: Callable[..., None] = lambda name, **facts: None

    def do(self, job: Path) -> None:
        """Do a job: predict unless that was done before, send, remove it. What could not be used is set aside.

        Raises:
            ArchiveError: the archive cannot be reached, or refused an object; the job stays and can be done again.
            UssegError: the results cannot be written; the same holds.
        """
        made = self.queue.read_made(job)
        series = job.name.rpartition(".")[0]
        if made is None:
            made = self._make(job)
            self.queue.write_made(job, made)
            self.on_event("predicted", series=series, **{name: made[name] for name in ("images", "objects", "skipped")})
        files = sorted((job / "out" / OBJECTS_FOLDER).rglob("*.dcm"))
        if files:
            delivery = deliver(files, self.target, self.aet)
            if delivery.refused:
                reasons = "; ".join(dict.fromkeys(delivery.refused.values()))
                raise ArchiveError(f"{self.target} refuses {len(delivery.refused)} of {len(files)} objects: {reasons}")
            self.on_event("sent", series=series, objects=len(files), to=str(self.target))
        failed: dict[str, str] = made["failed"]
        if failed:
            reason = next(iter(failed.values()))
            self.on_event("aside", series=series, images=len(failed), reason=reason)
        self.queue.finish(job, tuple(failed), "\n".join(f"{name}: {reason}" for name, reason in failed.items()))

    def _make(self, job: Path) -> dict[str, Any]:
        """Predict the images of a job and make their objects; what there is to say of it.

        Both are done by processes of their own: their memory is given back, and a decoder that crashes does not end the node.
        """
        inputs, out = job / "in", job / "out"
        images = sorted(file.name for file in inputs.iterdir())
        weights = ["--weights", self.weights] if self.weights else []
        _, said = _usseg("predict", self.task, inputs, "-o", out, "--save", "mask", "--threads", 1, "--quiet", *weights)
        accounts = list(read_accounts(out)) if read_head(out) else []
        if len(accounts) < len(images):
            raise OutputError(said or "predicting ended without a word")
        failed = {account.file: account.reason for account in accounts if account.state == "failed"}
        skipped = sum(account.state == "skipped" for account in accounts)
        objects = 0
        if skipped < len(images):
            text, said = _usseg("dicom", out, inputs, "--make", ",".join(KINDS), "--json")
            if not text:
                raise OutputError(said or "making objects ended without a word")
            facts = json.loads(text)
            objects = len(facts["objects"])
            by_output = {account.output: account.file for account in accounts}
            for name, reason in facts["failed"].items():
                names = [by_output[name]] if name in by_output else images  # a stack
                failed |= {file: reason for file in names if file not in failed}
        return {"images": len(images) - len(failed) - skipped, "objects": objects, "skipped": skipped, "failed": failed}


def _usseg(*words: object) -> tuple[str, str]:
    """Run a command of this package; what it printed, and the last line of its errors."""
    line = [sys.executable, "-m", "usseg_monai", *map(str, words)]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.stdout.strip(), (done.stderr.strip().splitlines() or [""])[-1]
