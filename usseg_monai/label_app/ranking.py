"""Which image to label next: the network's doubt about every image, found in the background, so that a request only sorts."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Lock, Thread

from usseg_monai.errors import OutputError, UssegError
from usseg_monai.files.write import write_text
from usseg_monai.label_app.studies import Studies
from usseg_monai.label_app.weights import Predictors
from usseg_monai.measuring.result import Status

__all__ = ["STRATEGIES", "Scorer", "Scores", "TaskScore", "task_of"]

_POLL_SECONDS = 3.0
"""How often new images and new weights are looked for."""

_SAVE_SECONDS = 20.0
"""How often scores are saved while there are many to make."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TaskScore:
    """What one task's network says about an image.

    Attributes:
        version: of the weights, see `Predictors.version`.
        status: of the measurement, or ``failed``.
        confidence: expected Dice, 0 to 1.
        unlikeness: of the image and the training images, above 1 where it is of another kind.
    """

    version: int
    status: str
    confidence: float
    unlikeness: float


Scores = Mapping[str, TaskScore]
"""By task, of one image."""


def task_of(scores: Scores) -> str:
    """The task whose training images an image is most like; empty where it cannot be read, or nothing is known.

    >>> task_of({"a": TaskScore(0, "ok", 0.9, 0.4), "b": TaskScore(0, "ok", 0.9, 3.0)})
    'a'
    """
    known = {task: score for task, score in scores.items() if score.status != Status.FAILED.value}
    return min(known, key=lambda task: known[task].unlikeness, default="")


def least_confident(scores: Mapping[str, Scores], task: str) -> list[str]:
    """Images like the training data, the least confident first; those without a score come last.

    Args:
        scores: of each image that may be proposed.
        task: whose network counts; empty for that of `task_of`, image by image.

    >>> sure, unsure = TaskScore(0, "ok", 0.9, 0.4), TaskScore(0, "ok", 0.5, 0.4)
    >>> least_confident({"1": {"a": sure}, "2": {}, "3": {"a": unsure}, "4": {"a": TaskScore(0, "ok", 0.1, 2.0)}}, "")
    ['3', '1', '2']
    """
    like = []
    for image, known in scores.items():
        nearest = task_of(known)
        if nearest and task in ("", nearest) and known[nearest].unlikeness <= 1:
            like.append((known[nearest].confidence, image))
    return [image for _, image in sorted(like)] + [image for image, known in scores.items() if not known]


def unlike(scores: Mapping[str, Scores], task: str) -> list[str]:
    """Images unlike the training data, the most unlike first; of a task, those that are not like another's either.

    Arguments are those of `least_confident`.

    >>> unlike({"1": {"a": TaskScore(0, "ok", 0.9, 0.4)}, "2": {"a": TaskScore(0, "ok", 0.9, 3.0)}}, "a")
    ['2']
    """
    found = []
    for image, known in scores.items():
        nearest = task_of(known)
        if nearest and known[nearest].unlikeness > 1:
            found.append((-known[task or nearest].unlikeness, image))
    return [image for _, image in sorted(found)]


def at_random(scores: Mapping[str, Scores], task: str) -> list[str]:
    """All images in a random order; of a task, without those that are like another's training images."""
    images = []
    for image, known in scores.items():
        nearest = task_of(known)
        if task in ("", nearest) or nearest == "" or known[nearest].unlikeness > 1:
            images.append(image)
    return random.sample(images, len(images))


STRATEGIES: Mapping[str, tuple[str, Callable[[Mapping[str, Scores], str], list[str]]]] = {
    "least_confident": ("The least confident first, among images like the training data", least_confident),
    "unlike": ("Images unlike the training data, the most unlike first", unlike),
    "random": ("At random", at_random),
}
"""Description and order, by name."""


class Scorer:
    """Scores of all images, kept up to date by a thread and in a file that other processes may read.

    Args:
        studies: the images.
        tasks: names of the tasks.
        predictors: their networks.
        file: for the scores.
        busy: whether requests are waiting; scoring then pauses.
    """

    def __init__(
        self, studies: Studies, tasks: Sequence[str], predictors: Predictors, file: Path, busy: Callable[[], bool] = lambda: False
    ) -> None:
        self._studies, self._tasks, self._predictors, self._file, self._busy = studies, tasks, predictors, file, busy
        self._scores: dict[str, tuple[int, dict[str, TaskScore]]] = _read(file)  # by file name, with its modification time
        self._lock = Lock()
        self._stop = Event()

    def start(self) -> None:
        """Score in the background from now on."""
        Thread(target=self._run, name="scorer", daemon=True).start()

    def stop(self) -> None:
        """End the thread after its present image."""
        self._stop.set()

    def of(self, path: Path) -> Scores:
        """What is known about an image; nothing if its file has changed."""
        with suppress(OSError), self._lock:
            changed, scores = self._scores.get(path.name, (0, {}))
            if changed == path.stat().st_mtime_ns:
                return dict(scores)
        return {}

    def score(self, path: Path) -> Scores:
        """Scores of an image with the weights that hold now; made where missing."""
        known = dict(self.of(path))
        for task in self._tasks:
            if task not in known or known[task].version != self._predictors.version(task):
                known[task] = self._ask(task, path)
        with suppress(OSError), self._lock:
            self._scores[path.name] = path.stat().st_mtime_ns, known
        return known

    def current(self, path: Path) -> bool:
        """Whether an image has scores of all tasks with the weights that hold now."""
        known = self.of(path)
        return all(task in known and known[task].version == self._predictors.version(task) for task in self._tasks)

    def _ask(self, task: str, path: Path) -> TaskScore:
        version, predictor = self._predictors.get(task)
        try:
            found = predictor.predict(path).measurement
        except UssegError:
            return TaskScore(version, Status.FAILED.value, 0.0, 0.0)
        confidence = 0.0 if found.confidence is None else found.confidence
        return TaskScore(version, found.status.value, confidence, 0.0 if found.unlikeness is None else found.unlikeness)

    def _run(self) -> None:
        while not self._stop.wait(_POLL_SECONDS if self._round() == 0 else 0):
            pass

    def _round(self) -> int:
        """Score what has no current score; returns the number of images that were scored."""
        done, saved = 0, time.monotonic()
        try:
            waiting = [path for path in self._studies.images().values() if not self.current(path)]
            for path in waiting:
                while self._busy() and not self._stop.wait(0.2):
                    pass
                if self._stop.is_set():
                    break
                self.score(path)
                done += 1
                if time.monotonic() - saved > _SAVE_SECONDS:
                    self._save()
                    saved = time.monotonic()
            if done:
                self._save()
                _log.info("%d images scored", done)
        except (UssegError, OSError):  # weights that are missing are reported by every request too
            _log.exception("images could not be scored")
            return 0
        return done

    def _save(self) -> None:
        with self._lock:
            scores = dict(self._scores)
        content = {name: [changed, {task: asdict(score) for task, score in known.items()}] for name, (changed, known) in scores.items()}
        with suppress(OutputError):  # they would be made again
            write_text(self._file, json.dumps(content))


def _read(file: Path) -> dict[str, tuple[int, dict[str, TaskScore]]]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return {name: (changed, {task: TaskScore(**score) for task, score in known.items()}) for name, (changed, known) in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
