from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.tiny import StubEngine
from usseg_monai.errors import ImageError
from usseg_monai.predict.engines.batching import Batching


def test_a_single_image_does_not_wait_for_others() -> None:
    engine = StubEngine()
    mask, _, _ = Batching(engine, 4)(np.eye(3, dtype=np.float32))
    assert mask.sum() == 3
    assert engine.batches == [1]


def test_images_that_come_meanwhile_go_together_and_find_their_own_result() -> None:
    first_runs, all_wait = threading.Event(), threading.Event()

    def hold_the_first() -> None:
        first_runs.set()
        assert all_wait.wait(10)

    engine = StubEngine(hold_the_first)
    batching = Batching(engine, 4)
    images = [np.pad(np.ones((1, 1), np.float32), ((0, size), (size, 0))) for size in range(1, 8)]
    with ThreadPoolExecutor(len(images)) as pool:
        answers = [pool.submit(batching, images[0])]
        assert first_runs.wait(10)
        answers += [pool.submit(batching, image) for image in images[1:]]
        while batching._waiting.qsize() < len(images) - 1:
            time.sleep(0.001)
        all_wait.set()
        found = [answer.result(10) for answer in answers]
    assert [mask.shape for mask, _, _ in found] == [image.shape for image in images]
    assert engine.batches == [1, 4, 2]


def test_a_failure_reaches_everyone_in_the_batch_and_the_next_batch_runs() -> None:
    failures = iter([ImageError("too much")])

    def fail_once() -> None:
        for failure in failures:
            raise failure

    batching = Batching(StubEngine(fail_once), 2)
    with pytest.raises(ImageError, match="too much"):
        batching(np.eye(3, dtype=np.float32))
    mask, _, _ = batching(np.eye(3, dtype=np.float32))
    assert mask.sum() == 3


def test_it_passes_on_what_the_engine_is() -> None:
    batching = Batching(StubEngine(), 2)
    assert (batching.name, batching.device, batching.weights_sha256) == ("torch", "cpu", "0" * 64)
