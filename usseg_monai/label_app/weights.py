"""Weights of a label session: the released ones, until a training on submitted labels gave better ones."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from usseg_monai.files.write import write_text
from usseg_monai.predict.predictor import Predictor

__all__ = ["Kept", "Predictors", "WeightsOfSession"]

_OLD = 2
"""Trainings that stay: the newest, and the one before, which another thread may be loading."""


@dataclass(frozen=True)
class Kept:
    """Weights that a training left.

    Attributes:
        number: of the training, from 1.
        graph: ONNX file, for inference.
        checkpoint: for the next training.
    """

    number: int
    graph: Path
    checkpoint: Path


class WeightsOfSession:
    """The weights that trainings of a session left: ``FOLDER/TASK/NUMBER/model.{onnx,pt}``, the newest named by ``current``.

    Args:
        folder: for all tasks.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def current(self, task: str) -> Kept | None:
        """The newest weights that were kept; ``None`` where the released ones are in use."""
        try:
            number = int((self.folder / task / "current").read_text())
        except (OSError, ValueError):
            return None
        place = self.folder / task / str(number)
        return Kept(number, place / "model.onnx", place / "model.pt")

    def keep(self, task: str, training: Path) -> Kept:
        """Take over the ``model.onnx`` and ``model.pt`` (and ``model.trust``) of a training's folder."""
        before = self.current(task)
        number = 1 if before is None else before.number + 1
        place = self.folder / task / str(number)
        shutil.rmtree(place, ignore_errors=True)  # left by an interrupted call
        place.mkdir(parents=True)
        for name in ("model.pt", "model.trust", "model.onnx"):
            if (training / name).is_file():
                shutil.copy(training / name, place / name)
        write_text(self.folder / task / "current", str(number))
        for old in range(1, number - _OLD + 1):
            shutil.rmtree(self.folder / task / str(old), ignore_errors=True)
        return Kept(number, place / "model.onnx", place / "model.pt")


class Predictors:
    """A predictor for each task with the weights that hold now; loads each once. Thread-safe.

    Args:
        weights: of the session.
        threads: of the network for one image.
    """

    def __init__(self, weights: WeightsOfSession, threads: int = os.cpu_count() or 1) -> None:
        self._weights, self._threads = weights, threads
        self._loaded: dict[str, tuple[int, Predictor]] = {}
        self._lock = Lock()

    def version(self, task: str) -> int:
        """Number of the training whose weights hold now; 0 for the released ones."""
        kept = self._weights.current(task)
        return 0 if kept is None else kept.number

    def get(self, task: str) -> tuple[int, Predictor]:
        """Version of the weights, and the predictor that has them.

        Raises:
            WeightsError: they are missing or damaged.
        """
        with self._lock:
            kept = self._weights.current(task)
            version = 0 if kept is None else kept.number
            if self._loaded.get(task, (-1,))[0] != version:
                graph = None if kept is None else kept.graph
                self._loaded[task] = version, Predictor(task, engine="onnx", threads=self._threads, weights=graph)
            return self._loaded[task]
