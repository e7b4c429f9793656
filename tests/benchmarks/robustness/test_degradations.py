"""What each degradation changes, and what it leaves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.marks import diameters
from benchmarks.robustness import degradations
from benchmarks.robustness.degradations import DEGRADATIONS, Change, Degradation, Sample, degrade
from tests.datasets.samples import disc

ROWS, COLS = 120, 160
GEOMETRIC = ("lower resolution", "crop", "rotation")
NOTHING = {
    degradations.change_brightness: 0,
    degradations.change_gamma: 1,
    degradations.change_contrast: 1,
    degradations.blur: 0,
    degradations.add_speckle: 0,
    degradations.add_noise: 0,
    degradations.shrink: 1,
    degradations.crop: 0,
    degradations.rotate: 0,
    degradations.write_text: 0,
    degradations.draw_calipers: 0,
}
"""The strength at which a degradation changes nothing; JPEG has none."""


def make_sample() -> Sample:
    """Noise of 20 to 219 around a disc that is brighter at its right."""
    truth = disc(ROWS, COLS, (50, 70), 20)
    pixels = np.random.default_rng(0).integers(20, 180, (ROWS, COLS)) + 20 * truth * (np.arange(COLS) > 70)
    return Sample(pixels.astype(np.float32), truth, (0.2, 0.3))


def generator() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.mark.parametrize(("change", "strength"), NOTHING.items())
def test_no_strength_no_change(change: Change, strength: float) -> None:
    sample = make_sample()
    changed = change(sample, strength, generator())
    assert np.array_equal(changed.pixels, sample.pixels) and np.array_equal(changed.truth, sample.truth)
    assert changed.spacing_mm == sample.spacing_mm


def test_every_degradation_but_jpeg_can_do_nothing() -> None:
    assert {each.change for each in DEGRADATIONS} == {*NOTHING, degradations.compress}


@pytest.mark.parametrize("degradation", DEGRADATIONS, ids=lambda each: each.name)
def test_each_changes_more_from_strength_to_strength_and_always_alike(degradation: Degradation) -> None:
    sample = make_sample()
    kept = sample.pixels.copy()
    changed = [degrade(sample, degradation, strength, "a.png") for strength in degradation.strengths]
    again = degrade(sample, degradation, degradation.strengths[0], "a.png")
    assert np.array_equal(changed[0].pixels, again.pixels) and np.array_equal(sample.pixels, kept)
    for each in changed:
        assert each.pixels.dtype == np.float32 and each.truth.dtype == np.uint8
        assert each.pixels.shape == each.truth.shape
        assert each.pixels.min() >= 0 and each.pixels.max() <= 255 and np.array_equal(each.pixels, np.rint(each.pixels))
    if degradation.name not in GEOMETRIC:
        assert all(np.array_equal(each.truth, sample.truth) and each.spacing_mm == sample.spacing_mm for each in changed)
        off = [float(np.abs(each.pixels - sample.pixels).mean()) for each in changed]
        assert 0 < off[0] < off[1] < off[2]


def test_chance_comes_from_the_name() -> None:
    noise = next(each for each in DEGRADATIONS if each.name == "noise")
    first, second = (degrade(make_sample(), noise, 4, name).pixels for name in ("a.png", "b.png"))
    assert not np.array_equal(first, second)


def test_either_way() -> None:
    sample = make_sample()
    means = {float(degradations.change_brightness(sample, 10, np.random.default_rng(seed)).pixels.mean()) for seed in range(8)}
    assert means == {float(sample.pixels.mean()) - 10, float(sample.pixels.mean()) + 10}


def test_black_and_white_stand_and_the_middle_moves() -> None:
    scale = Sample(np.array([[0, 100, 127, 128, 255]], np.float32), np.ones((1, 5), np.uint8))
    gamma = degradations.change_gamma(scale, 2.0, generator()).pixels[0]
    assert gamma[[0, 4]].tolist() == [0, 255] and gamma[1] in (round(255 * (100 / 255) ** 2), round(255 * (100 / 255) ** 0.5))
    contrasts = {tuple(degradations.change_contrast(scale, 2.0, np.random.default_rng(seed)).pixels[0].tolist()) for seed in range(8)}
    assert contrasts == {(0, 72, 126, 128, 255), (64, 114, 127, 128, 191)}


def test_noise_and_speckle_are_as_strong_as_they_say() -> None:
    grey = Sample(np.full((300, 400), 100, np.float32), np.zeros((300, 400), np.uint8))
    for changed in (degradations.add_noise(grey, 10, generator()), degradations.add_speckle(grey, 0.1, generator())):
        assert changed.pixels.std() == pytest.approx(10, rel=0.02)
        assert changed.pixels.mean() == pytest.approx(100, abs=1)
    black = Sample(np.zeros((30, 40), np.float32), np.zeros((30, 40), np.uint8))
    assert not degradations.add_speckle(black, 0.4, generator()).pixels.any()  # it multiplies


@pytest.mark.parametrize("side", [100, 300])
def test_blur_is_wider_in_larger_pictures(side: int) -> None:
    edge = np.where(np.arange(side) < side // 2, 0, 255) * np.ones((side, 1))
    blurred = degradations.blur(Sample(edge.astype(np.float32), np.zeros((side, side), np.uint8)), 2, generator()).pixels
    deviation = 0.02 * side
    distance = np.arange(side) + 0.5 - side // 2
    expected = 255 / 2 * (1 + np.array([math.erf(each / deviation / math.sqrt(2)) for each in distance]))
    assert np.abs(blurred[side // 2] - expected).max() < 2


def test_jpeg_of_high_quality_is_nearly_the_picture() -> None:
    sample = make_sample()
    off = [np.abs(degradations.compress(sample, quality, generator()).pixels - sample.pixels).mean() for quality in (95, 15)]
    assert off[0] < 3 < off[1]


def test_shrinking_takes_mask_and_spacing_along() -> None:
    sample = make_sample()
    half = degradations.shrink(sample, 0.5, generator())
    assert half.pixels.shape == (ROWS // 2, COLS // 2) and half.spacing_mm == (0.4, 0.6)
    blocks = sample.truth.reshape(ROWS // 2, 2, COLS // 2, 2).sum(axis=(1, 3))
    assert np.array_equal(half.truth, blocks >= 2)
    assert np.array_equal(half.pixels, np.rint(sample.pixels.reshape(ROWS // 2, 2, COLS // 2, 2).mean(axis=(1, 3))))


def test_the_mask_goes_along_with_the_crop() -> None:
    sample = make_sample()
    cropped = degradations.crop(sample, 10, generator())
    assert np.array_equal(cropped.pixels, sample.pixels[12:-12, 16:-16]) and np.array_equal(cropped.truth, sample.truth[12:-12, 16:-16])
    assert cropped.spacing_mm == sample.spacing_mm
    tiny = Sample(np.ones((3, 1), np.float32), np.ones((3, 1), np.uint8))
    assert degradations.crop(tiny, 50, generator()).pixels.shape == (1, 1)


def test_a_quarter_turn_is_exact_and_the_mask_turns_with_the_picture() -> None:
    square = Sample(make_sample().pixels[:ROWS, :ROWS], make_sample().truth[:ROWS, :ROWS])
    turned = degradations.rotate(square, 90, generator())
    quarter = next(k for k in (1, 3) if np.array_equal(np.rot90(square.truth, k), turned.truth))
    assert np.array_equal(turned.pixels, np.rot90(square.pixels, quarter))
    alike = Sample(200 * disc(ROWS, COLS, (30, 50), 20).astype(np.float32), disc(ROWS, COLS, (30, 50), 20))
    tilted = degradations.rotate(alike, 20, generator())
    assert ((tilted.pixels > 100) != tilted.truth).sum() < 0.01 * tilted.truth.sum()
    assert not np.array_equal(tilted.truth, alike.truth)


def test_text_is_white_and_changes_few_pixels() -> None:
    sample = make_sample()
    changed = degradations.write_text(sample, 1, generator()).pixels
    at = changed != sample.pixels
    assert 0.001 < at.mean() < 0.05
    assert changed[at].max() == 255 and (changed[at] > sample.pixels[at]).all()
    rows = np.nonzero(at)[0]
    assert (rows < ROWS / 4).all() or (rows > ROWS * 3 / 4).all()  # in a corner
    more = degradations.write_text(sample, 3, generator()).pixels
    assert (more[at] == changed[at]).mean() > 0.9  # the first line stays where it was


def test_calipers_stand_on_the_structure_first() -> None:
    sample = make_sample()
    one, two = (degradations.draw_calipers(sample, pairs, generator()).pixels != sample.pixels for pairs in (1, 2))
    rows, cols = np.nonzero(one)
    assert (cols.min(), cols.max(), rows.mean()) == (50 - 2, 90 + 2, 50)  # arms of two pixels
    rows, cols = np.nonzero(two & ~one)
    assert (rows.min(), rows.max()) == (30 - 2, 70 + 2)
    assert one.mean() < 0.01


def test_diameters_of_nothing_lie_in_the_middle() -> None:
    assert diameters(np.zeros((30, 60))) == (((20, 15), (40, 15)), ((30, 10), (30, 20)))
