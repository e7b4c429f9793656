"""The node: receives in threads, does one job at a time in the thread that serves, and tries again what an archive did not take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from usseg_monai.dicom.exchange.address import Entity, WebAddress, check_aet
from usseg_monai.dicom.node.queue import Queue
from usseg_monai.dicom.node.receiver import Receiver
from usseg_monai.dicom.node.work import Work
from usseg_monai.errors import OutputError, UssegError
from usseg_monai.predict.predictor import Predictor
from usseg_monai.runs.lock import lock_folder

__all__ = ["WAITS_S", "Node"]

WAITS_S = (5.0, 30.0, 120.0, 600.0)
"""Seconds to wait before each new attempt to send; after the last one a job is set aside until the next start."""

_LOOK_EVERY_S = 0.2


@dataclass
class _Attempt:
    due: float
    number: int = 0


@dataclass(frozen=True)
class Node:
    """A node and its settings.

    Attributes:
        task: name of the task.
        store: folder of the queue.
        target: where objects go.
        aet: our title.
        host, port: to listen at; port 0 takes a free one.
        min_free_mb: megabytes that must be free on the disk of the store, else images are refused.
        settle_s: seconds of silence after which a series is taken to be whole, once its association has ended.
        weights: in place of the released ones.
        waits_s: see `WAITS_S`.
    """

    task: str
    store: Path
    target: Entity | WebAddress
    aet: str = "USSEG"
    host: str = "127.0.0.1"
    port: int = 0
    min_free_mb: int = 1000
    settle_s: float = 2.0
    weights: Path | None = None
    waits_s: Sequence[float] = WAITS_S

    def serve(self, on_event: Callable[..., None] = lambda name, **facts: None, until: Callable[[], bool] = lambda: False) -> None:
        """Receive, predict and send until a `KeyboardInterrupt`, or until the function says so. Whatever waits then is done after the next
        start, as after a crash.

        Args:
            on_event: called with a name and facts, from several threads.
            until: asked several times a second.

        Raises:
            UsageError: a wrong setting, or the address cannot be listened at.
            WeightsError: the weights cannot be used.
            OutputError: the store cannot be used, or another node uses it.
        """
        check_aet(self.aet)
        with get_context("spawn").Pool(1) as pool:  # wrong settings are no job's fault; this process never loads a network
            pool.apply(_check, (self.task, self.weights))
        with lock_folder(self.store):
            try:
                queue = Queue(self.store)
            except OSError as error:
                raise OutputError(f"{self.store}: cannot be written ({error.strerror}); give another folder") from error
            settings: dict[str, Any] = {"min_free": self.min_free_mb << 20, "settle_s": self.settle_s, "on_event": on_event}
            receiver = Receiver(queue, self.aet, self.host, self.port, **settings)
            try:
                on_event(
                    "listening", aet=self.aet, host=self.host, port=receiver.port, task=self.task, to=str(self.target), **queue.counts()
                )
                self._work(queue, receiver, on_event, until)
            except KeyboardInterrupt:
                pass
            finally:
                receiver.close()
                on_event("stopped", **receiver.counts, **queue.counts())

    def _work(self, queue: Queue, receiver: Receiver, on_event: Callable[..., None], until: Callable[[], bool]) -> None:
        work = Work(queue, self.task, self.target, self.aet, self.weights, on_event)
        attempts = {job: _Attempt(0.0) for job in queue.jobs()}
        while not until():
            for series in receiver.ready():
                attempts[queue.claim(series)] = _Attempt(0.0)
            due = [job for job, attempt in attempts.items() if attempt.due <= time.monotonic()]
            if not due:
                with receiver.changed:
                    receiver.changed.wait(_LOOK_EVERY_S)
                continue
            self._attempt(work, due[0], attempts)
            if not attempts:
                on_event("idle", **receiver.counts, **queue.counts())

    def _attempt(self, work: Work, job: Path, attempts: dict[Path, _Attempt]) -> None:
        """Do a job; if that fails, plan a new attempt, or set it aside."""
        attempt = attempts[job]
        try:
            work.do(job)
        except Exception as error:  # a job must not end the node
            reason = str(error) if isinstance(error, UssegError) else f"{type(error).__name__}: {error}"
            series = job.name.rpartition(".")[0]
            if attempt.number < len(self.waits_s):
                wait = self.waits_s[attempt.number]
                work.on_event("waits", series=series, seconds=wait, reason=reason)
                attempts[job] = replace(attempt, due=time.monotonic() + wait, number=attempt.number + 1)
                return
            work.on_event("aside", series=series, reason=reason)
            work.queue.set_aside(job, reason)
        del attempts[job]


def _check(task: str, weights: Path | None) -> None:
    """Raise what a `Predictor` raises."""
    Predictor(task, weights=weights)
