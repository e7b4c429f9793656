"""What a phantom's head does to sound: the skull is the brightest interface, and the amniotic fluid the darkest tissue."""

from __future__ import annotations

import numpy as np
import pytest

from usseg_monai.tasks.fetal_head.scene import Scene
from usseg_monai.tasks.fetal_head.view import draw_view

SHAPE = (135, 200)


@pytest.mark.parametrize("circumference", [80.0, 220.0])
def test_the_skull_reflects_more_than_what_it_holds(circumference: float) -> None:
    ratios = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        view = draw_view(rng, SHAPE, circumference)
        scene = Scene(rng, view)
        mirror, diffuse = scene.mirror(), scene.diffuse()
        assert mirror.shape == diffuse.shape == scene._edge.shape
        assert np.isfinite(mirror).all() and np.isfinite(diffuse).all() and (diffuse > 0).all()
        unit = 2 * view.head.long / 100
        skull = np.abs(scene._edge + scene._skull_depth) < unit
        brain = scene._edge < -10 * unit
        ratios.append(np.quantile(mirror[skull], 0.9) / np.quantile(mirror[brain], 0.9))
    assert min(ratios) > 2


def test_the_same_seed_gives_the_same_scene() -> None:
    amplitudes = []
    for _ in range(2):
        rng = np.random.default_rng(7)
        amplitudes.append(Scene(rng, draw_view(rng, SHAPE, 200.0)).diffuse())
    first, second = amplitudes
    assert np.array_equal(first, second)
