"""Gathers the images of several threads into batches."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future

from usseg_monai.imaging.image import GreyArray
from usseg_monai.inference.engines.base import BatchEngine, EngineOutput

__all__ = ["Batching"]


class Batching:
    """An engine that takes what several threads bring through the network together.

    Nobody waits for a batch to fill: while one runs, images gather for the next. The network itself runs in one thread at a time.

    Args:
        engine: what runs a batch.
        size: most images of a batch.
    """

    def __init__(self, engine: BatchEngine, size: int) -> None:
        self.name, self.device, self.weights_sha256 = engine.name, engine.device, engine.weights_sha256
        self._engine, self._size = engine, size
        self._waiting: queue.SimpleQueue[tuple[GreyArray, Future[EngineOutput]]] = queue.SimpleQueue()
        self._turn = threading.Lock()

    def __call__(self, pixels: GreyArray) -> EngineOutput:
        """Segment grey values ``(rows, cols)``, whoever's thread does the work."""
        mine: Future[EngineOutput] = Future()
        self._waiting.put((pixels, mine))
        with self._turn:
            while not mine.done():  # those that came first may fill a batch of their own
                self._run()
        return mine.result()

    def _run(self) -> None:
        batch = [self._waiting.get() for _ in range(min(self._size, self._waiting.qsize()))]
        images = [pixels for pixels, _ in batch]
        try:
            outputs = self._engine.batch(images)
        except Exception as error:
            for _, answer in batch:
                answer.set_exception(error)
        else:
            for (_, answer), output in zip(batch, outputs, strict=True):
                answer.set_result(output)
