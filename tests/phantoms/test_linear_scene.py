"""What every scene under a linear probe has in common."""

from __future__ import annotations

import numpy as np
import pytest

from usseg_monai.phantoms.drawing import Oval
from usseg_monai.phantoms.linear_scene import LinearScene
from usseg_monai.tasks.breast.lesion_scene import draw_lesion
from usseg_monai.tasks.breast.scene import BreastScene
from usseg_monai.tasks.nerve.scene import NeckScene

SHAPE, SPACING_MM = (120, 160), 0.25


def scene(kind: str, seed: int = 1) -> LinearScene:
    rng = np.random.default_rng(seed)
    if kind == "plain":
        return LinearScene(rng, SHAPE, SPACING_MM)
    if kind == "neck":
        return NeckScene(rng, SHAPE, SPACING_MM, Oval(20, 14, 3, 1.5, 0.1), (20.0, 14.0))
    return BreastScene(rng, SHAPE, SPACING_MM, draw_lesion(rng, kind == "malignant").moved(20, 14))


@pytest.mark.parametrize("kind", ["plain", "neck", "benign", "malignant"])
def test_amplitudes_are_positive_and_follow_from_the_seed(kind: str) -> None:
    first, again, other = scene(kind), scene(kind), scene(kind, 2)
    for amplitude in (first.diffuse(), first.mirror()):
        assert amplitude.shape == SHAPE and amplitude.dtype == np.float32
        assert np.isfinite(amplitude).all() and (amplitude > 0).all()
    assert np.array_equal(first.diffuse(), again.diffuse()) and np.array_equal(first.mirror(), again.mirror())
    if kind != "plain":
        assert not np.array_equal(first.diffuse(), other.diffuse())


def test_sound_fades_by_what_lies_above() -> None:
    """0.15 dB a millimetre of plain tissue, and 40 dB at most."""
    fade = scene("plain")._fade()
    depth_mm = (np.arange(SHAPE[0]) + 1) * SPACING_MM
    assert fade[:, 7] == pytest.approx(-0.15 * depth_mm, rel=1e-4)
    dark = scene("plain")
    dark._absorb[:] = 1000
    assert (dark._fade() == -40).all()


def test_a_nerve_is_brighter_than_the_muscles_around_it() -> None:
    inside, around = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        nerve = Oval(20, 14, 3.5, 2.0, 0.0)
        amplitude = NeckScene(rng, SHAPE, SPACING_MM, nerve, (20.0, 14.0)).diffuse()
        y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] * SPACING_MM
        distance = nerve.distance(x, y)
        inside.append(np.median(amplitude[distance < -0.3]))
        around.append(np.median(amplitude[(distance > 0.6) & (distance < 1.5)]))
    assert np.mean(inside) > 1.2 * np.mean(around)


@pytest.mark.parametrize("malignant", [False, True])
def test_a_lesion_is_darker_than_the_gland(malignant: bool) -> None:
    inside, around = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        lesion = draw_lesion(rng, malignant).moved(20, 15)
        amplitude = BreastScene(rng, SHAPE, SPACING_MM, lesion).diffuse()
        y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] * SPACING_MM
        distance = lesion.distance(x, y)
        inside.append(np.median(amplitude[distance < -0.5]))
        around.append(np.median(amplitude[(distance > 1) & (distance < 4)]))
    assert np.mean(inside) < 0.8 * np.mean(around)
