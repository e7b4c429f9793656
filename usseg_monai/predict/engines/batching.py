"""Gathers the images of several threads into batches."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future

from usseg_monai.geometry.types import GreyArray
from usseg_monai.predict.engines.base import Answer, BatchEngine

__all__ = ["Batching"]


class Batching:
    """An engine that runs the images of several threads through the network together.

    No call waits for a batch to fill: images that arrive while a batch runs form the next one. Only one thread at a time runs the network.

    Args:
        engine: engine that runs a batch.
        size: largest number of images in a batch.
    """

    def __init__(self, engine: BatchEngine, size: int) -> None:
        self.name, self.device, self.weights_sha256 = engine.name, engine.device, engine.weights_sha256
        self._engine, self._size = engine, size
        self._waiting: queue.SimpleQueue[tuple[GreyArray, Future[Answer]]] = queue.SimpleQueue()
        self._turn = threading.Lock()

    def __call__(self, pixels: GreyArray) -> Answer:
        """Segment grey values ``(rows, cols)``; the work may be done in the thread of another caller."""
        mine: Future[Answer] = Future()
        self._waiting.put((pixels, mine))
        with self._turn:
            while not mine.done():  # earlier images may fill a whole batch
                self._run()
        return mine.result()

    def _run(self) -> None:
        batch = [self._waiting.get() for _ in range(min(self._size, self._waiting.qsize()))]
        images = [pixels for pixels, _ in batch]
        try:
            answers = self._engine.batch(images)
        except Exception as error:
            for _, waiting in batch:
                waiting.set_exception(error)
        else:
            for (_, waiting), answer in zip(batch, answers, strict=True):
                waiting.set_result(answer)
