"""The tasks' networks, each loaded once when it is first needed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from threading import Lock

import numpy as np

from usseg_monai.errors import UsageError, WeightsError
from usseg_monai.geometry.types import GreyArray
from usseg_monai.predict.engines.base import Answer
from usseg_monai.predict.engines.onnx import OnnxEngine
from usseg_monai.tasks import TASKS, get_task, has_weights

__all__ = ["LOOKED_AT", "Engines"]

LOOKED_AT = 2_000_000
"""Pixels by which the task of a picture is found out; all networks at full size would need much time and memory."""


class Engines:
    """Runs networks of all tasks whose weights are here. Thread-safe."""

    def __init__(self) -> None:
        self._engines: dict[str, OnnxEngine] = {}
        self._lock = Lock()

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks whose weights are here."""
        return [task for task in TASKS if has_weights(task)]

    def weights(self, task: str) -> str:
        """SHA-256 of a task's weights."""
        return self._of(task).weights_sha256

    def answer(self, task: str, pixels: GreyArray) -> Answer:
        """What a task's network says of a picture; raises as `usseg_monai.predict.engines.onnx.OnnxEngine`."""
        return self._of(task)(pixels)

    def proposed(self, pixels: GreyArray, modality: str) -> tuple[str, Answer, dict[str, float]]:
        """The task whose training images the picture resembles most, its answer, and the unlikeness to those of each task.

        Args:
            pixels: ``(rows, cols)``.
            modality: of the picture as in DICOM, may be empty; tasks of other modalities are not asked.

        Raises:
            UsageError: the picture is unlike the training images of all tasks, or of a modality that no task is for.
        """
        names = [name for name in self.tasks if get_task(name).accepts(modality)]
        if not names:
            raise UsageError(f"no task here is for pictures of the modality {modality or 'unknown'}: choose one to go on")
        small = _reduced(pixels)
        unlikeness: dict[str, float] = {}
        best: tuple[str, Answer] | None = None
        for name in names:
            answer = self.answer(name, small)
            unlikeness[name] = answer[2].get("unlikeness", float("inf"))
            if best is None or unlikeness[name] < unlikeness[best[0]]:
                best = name, answer
        assert best is not None  # there are names
        if unlikeness[best[0]] > 1:
            raise UsageError(f"the picture is unlike the training images of all tasks ({_list(unlikeness)}): choose the task to go on")
        return best[0], best[1] if small is pixels else self.answer(best[0], pixels), unlikeness

    def _of(self, task: str) -> OnnxEngine:
        get_task(task)
        if not has_weights(task):
            raise WeightsError(f"the weights of {task} are not here: {get_task(task).weights_remedy}")
        with self._lock:
            if task not in self._engines:
                self._engines[task] = OnnxEngine(task, arena=False)
            return self._engines[task]


def _reduced(pixels: GreyArray) -> GreyArray:
    """A large picture by the means of its squares of so many pixels that `LOOKED_AT` are left: networks reduce it further."""
    step = math.ceil(math.sqrt(pixels.size / LOOKED_AT))
    rows, cols = pixels.shape[0] // step, pixels.shape[1] // step
    if step == 1 or min(rows, cols) == 0:
        return pixels
    means: GreyArray = pixels[: rows * step, : cols * step].reshape(rows, step, cols, step).mean(axis=(1, 3), dtype=np.float32)
    return means


def _list(unlikeness: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.1f}" for name, value in unlikeness.items()) + "; 1 is the limit"
