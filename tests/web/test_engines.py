"""Engines of the page: the task that a picture belongs to, and answers that do not depend on where memory comes from."""

from __future__ import annotations

import numpy as np
import pytest

from usseg_monai.errors import UsageError
from usseg_monai.imaging import read_image
from usseg_monai.predict.engines.onnx import OnnxEngine
from usseg_monai.tasks.fetal_head.showcase import SAMPLES
from usseg_monai.web import engines
from usseg_monai.web.engines import Engines, _reduced

HEAD = read_image(SAMPLES / "741_HC.png").pixels


def test_without_the_arena_the_answers_are_the_same() -> None:
    kept, given_back = OnnxEngine("fetal_head")(HEAD), OnnxEngine("fetal_head", arena=False)(HEAD)
    assert np.array_equal(kept[0], given_back[0]) and np.array_equal(kept[1], given_back[1]) and kept[2] == given_back[2]


@pytest.mark.parametrize("most", [HEAD.size, HEAD.size - 1, HEAD.size // 4])
def test_the_task_of_a_large_picture_is_found_on_a_smaller_one(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """The answer is that for the picture itself."""
    monkeypatch.setattr(engines, "LOOKED_AT", most)
    task, (mask, _, said), unlikeness = Engines().proposed(HEAD, "US")
    assert task == "fetal_head" and mask.shape == HEAD.shape and "left_ventricle" not in unlikeness
    assert said["unlikeness"] == pytest.approx(unlikeness[task], abs=0.2)
    assert (said["unlikeness"] == pytest.approx(unlikeness[task], abs=1e-6)) == (most == HEAD.size)


def test_reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "LOOKED_AT", 6)
    pixels = np.arange(24, dtype=np.float32).reshape(4, 6)
    assert _reduced(pixels).tolist() == [[3.5, 5.5, 7.5], [15.5, 17.5, 19.5]]
    strip = np.zeros((1, 24), np.float32)
    assert _reduced(strip) is strip and _reduced(pixels[:2, :3]).shape == (2, 3)


def test_weights() -> None:
    known = Engines()
    assert known.weights("fetal_head") == OnnxEngine("fetal_head").weights_sha256
    with pytest.raises(UsageError):
        known.answer("no_task", HEAD)
