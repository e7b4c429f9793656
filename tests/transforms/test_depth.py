"""Tests of usseg_monai.transforms.depth: closed forms of gain, shadow and speckle."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from usseg_monai.errors import UsageError
from usseg_monai.geometry.sector import Sector
from usseg_monai.transforms.depth import (
    MEAN_SPECKLE_DB,
    AcousticShadow,
    GainCompensation,
    RandAcousticShadow,
    RandDepthSpeckle,
    RandGainCompensation,
    spread_speckle,
)

SECTOR = Sector(apex=(80.0, -20.0), near=30.0, far=140.0, left=-0.6, right=0.6)
RAYLEIGH_DB = 10 / math.log(10) * math.pi / math.sqrt(6)
"""Standard deviation of the level of fully developed speckle: 5.57 dB."""


def flat(value: float = 120.0, shape: tuple[int, int] = (161, 121)) -> Tensor:
    return torch.full((1, *shape), value)


def noise(shape: tuple[int, int], seed: int = 0) -> Tensor:
    parts = np.random.default_rng(seed).standard_normal((2, *shape)).astype(np.float32) * np.float32(math.sqrt(0.5))
    return torch.complex(*torch.from_numpy(parts))


def test_gain_is_linear_between_the_sliders() -> None:
    gained = GainCompensation((0, 6, -6), dynamic_range_db=51, white=255)(flat(shape=(3, 5)))
    assert torch.allclose(gained[0, 1], torch.tensor([120.0, 135, 150, 120, 90]))  # 5 grey values a decibel


def test_gain_follows_the_radius_of_a_sector() -> None:
    gained = GainCompensation((0, 12), SECTOR)(flat())[0] - 120
    radius, _ = SECTOR.polar(*np.meshgrid(np.arange(161), np.arange(121), indexing="ij"))
    expected = torch.from_numpy(np.clip((radius - 30) / 110, 0, 1) * 12 * 255 / 60).float()
    assert torch.allclose(gained, expected, atol=1e-3)


def test_gain_undoes_attenuation() -> None:
    """5 MHz and 0.54 dB / (cm MHz): an even tissue of 12 cm is even again."""
    loss = 2 * 0.54 * 5 * np.linspace(0, 12, 121)
    seen = flat(shape=(5, 121)) * 0 + torch.from_numpy(250 - loss * 255 / 80).float()
    restored = GainCompensation((0, 2 * 0.54 * 5 * 12), dynamic_range_db=80)(seen)
    assert torch.allclose(restored, torch.full_like(restored, 250), atol=1e-3)


def test_black_stays_black_and_nothing_is_whiter_than_white() -> None:
    image = torch.tensor([[[0.0, 1, 250]]])
    assert GainCompensation((30, 30))(image).tolist() == [[[0.0, 128.5, 255.0]]]
    assert GainCompensation((-30, -30))(image).tolist() == [[[0.0, 0.0, 122.5]]]


def test_random_sliders_stay_within_their_strength_and_differ() -> None:
    transform = RandGainCompensation(4.0, prob=1.0)
    transform.set_random_state(0)
    gains = torch.stack([transform(flat())[0, 0] - 120 for _ in range(40)]) * 60 / 255
    assert 3.5 < float(gains.abs().max()) <= 4 + 1e-4
    assert float(gains[0].std()) > 0.5 and not torch.equal(gains[0], gains[1])


def test_a_shadow_loses_its_decibels_below_its_start_only() -> None:
    shadowed = AcousticShadow(0.5, 0.1, depth=0.5, loss_db=20, dynamic_range_db=51)(flat())[0]
    assert float(shadowed[80, -1]) == pytest.approx(20, abs=0.5)  # 120 - 20 dB of 5 grey values
    for col, row in ((80, 0), (80, 45), (0, 120), (160, 120)):
        assert float(shadowed[col, row]) == pytest.approx(120, abs=0.5)


def test_the_sides_of_a_shadow_lose_half() -> None:
    shadowed = AcousticShadow(0.5, 0.1, depth=0.0, loss_db=20, dynamic_range_db=51)(flat())[0]
    assert float(shadowed[80 + 16, -1]) == pytest.approx(70, abs=0.1)


def test_a_shadow_follows_the_beams() -> None:
    shadowed = AcousticShadow(0.75, 0.05, depth=0.3, loss_db=20, sector=SECTOR)(flat())[0]
    rows = torch.arange(80, 110, 10)
    darkest = shadowed[:, rows].argmin(dim=0)
    angle = SECTOR.left + 0.75 * (SECTOR.right - SECTOR.left)
    expected = SECTOR.apex[0] + math.tan(angle) * (rows - SECTOR.apex[1])
    assert torch.allclose(darkest.float(), expected.float(), atol=1.0)


def test_random_shadows_stay_within_their_bounds() -> None:
    transform = RandAcousticShadow(loss_db=(10, 20), width=(0.05, 0.1), prob=1.0)
    transform.set_random_state(0)
    losses = [(120 - transform(flat()).amin()).item() * 60 / 255 for _ in range(30)]
    assert 9 < min(losses) < 13 and 17 < max(losses) <= 20


@pytest.mark.parametrize("width", [1.0, 2.0, 4.0])
def test_a_point_target_shows_the_lateral_width_of_its_depth(width: float) -> None:
    target = torch.zeros(65, 5, dtype=torch.complex64)
    target[32, 2] = 1
    lateral = torch.tensor([9.0, 9.0, width, 9.0, 9.0])
    profile = spread_speckle(target, 0.0, lateral)[:, 2].abs()
    across = torch.arange(65) - 32.0
    assert torch.allclose(profile / profile.max(), torch.exp(-0.5 * (across / width) ** 2), atol=4e-3)


@pytest.mark.parametrize("axial", [1.0, 3.0])
def test_a_point_target_shows_the_axial_width(axial: float) -> None:
    target = torch.zeros(5, 65, dtype=torch.complex64)
    target[2, 32] = 1
    profile = spread_speckle(target, axial, torch.zeros(65))[2].abs()
    assert torch.allclose(profile / profile.max(), torch.exp(-0.5 * ((torch.arange(65) - 32.0) / axial) ** 2), atol=4e-3)


def test_speckle_is_fully_developed() -> None:
    """Rayleigh's law: mean over standard deviation 1.91, level -2.51 +- 5.57 dB; power 1."""
    amplitude = spread_speckle(noise((600, 500)), 1.0, torch.full((500,), 1.5)).abs()
    assert float(amplitude.square().mean()) == pytest.approx(1, abs=0.02)
    assert float(amplitude.mean() / amplitude.std()) == pytest.approx(math.sqrt(math.pi / (4 - math.pi)), abs=0.03)
    level = 20 * torch.log10(amplitude)
    assert float(level.mean()) == pytest.approx(MEAN_SPECKLE_DB, abs=0.1) == pytest.approx(-2.51, abs=0.1)
    assert float(level.std()) == pytest.approx(RAYLEIGH_DB, abs=0.15)


def test_speckle_is_as_wide_as_the_point_spread_at_each_depth() -> None:
    """The field's correlation over a distance d is exp(-d^2 / 4 sigma^2)."""
    lateral = torch.linspace(1.0, 5.0, 400)
    field = spread_speckle(noise((4000, 400)), 0.0, lateral)
    for depth in (0, 200, 399):
        for distance in (2, 4):
            line = field[:, depth]
            found = float((line * line.roll(distance).conj()).mean().real)
            assert found == pytest.approx(math.exp(-(distance**2) / 4 / float(lateral[depth]) ** 2), abs=0.1)


def drawn(transform: Any, image: Tensor, seed: int = 0) -> Tensor:
    transform.set_random_state(seed)
    changed: Tensor = transform(image)
    return changed


def test_the_point_spread_is_narrowest_in_the_focus() -> None:
    transform = RandDepthSpeckle(lateral=2.0, focal_range=0.25, prob=1.0)
    drawn(transform, flat(shape=(64, 101)))
    transform._focus = 0.5
    widths = transform.widths(101)
    assert float(widths[50]) == pytest.approx(2) == float(widths.min())
    assert float(widths[75]) == float(widths[25]) == pytest.approx(2 * math.sqrt(2))
    assert float(widths[100]) == pytest.approx(2 * math.sqrt(5))


def test_in_a_sector_the_width_is_that_of_pixels_whatever_the_distance_of_the_beams() -> None:
    transform = RandDepthSpeckle(lateral=2.0, focal_range=1e6, sector=SECTOR, prob=1.0)
    drawn(transform, flat())
    beams, depths = SECTOR.grid()
    arc = torch.linspace(30, 140, depths) * 1.2 / (beams - 1)
    assert torch.allclose(transform.widths(depths) * arc, torch.tensor(2.0), atol=1e-4)


@pytest.mark.parametrize("sector", [None, SECTOR])
def test_speckle_keeps_the_mean_and_adds_its_share(sector: Sector | None) -> None:
    transform = RandDepthSpeckle(strength=1.0, sector=sector, prob=1.0, dynamic_range_db=255)  # a grey value a decibel
    changed = drawn(transform, flat())[0]
    inside = torch.ones(161, 121, dtype=torch.bool) if sector is None else torch.from_numpy(SECTOR.mask((121, 161)).T)
    assert float(changed[inside].mean()) == pytest.approx(120, abs=0.8)
    assert float(changed[inside].std()) == pytest.approx(transform._share * RAYLEIGH_DB, rel=0.12)
    assert torch.equal(changed[~inside], flat()[0][~inside])


def test_a_second_key_of_another_size_gets_the_same_speckle() -> None:
    transform = RandDepthSpeckle(prob=1.0)
    first = drawn(transform, flat(shape=(64, 48)))
    second = transform(flat(shape=(128, 96)), randomize=False)
    smaller = torch.nn.functional.avg_pool2d(second[None], 2)[0]
    assert float(torch.corrcoef(torch.stack([first.flatten(), smaller.flatten()]))[0, 1]) > 0.8


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GainCompensation((1,)), "1 gains along depth"),
        (lambda: GainCompensation((0, 1), dynamic_range_db=0), "dynamic range of 0 dB"),
        (lambda: AcousticShadow(0.5, 0, 0.5, 20), "width 0"),
        (lambda: AcousticShadow(0.5, 0.1, 0.5, 20, white=0), "white of 0"),
        (lambda: RandDepthSpeckle(focal_range=0), "focal range 0"),
        (lambda: RandDepthSpeckle(lateral=-1), "by -1 pixels"),
    ],
)
def test_wrong_numbers_are_refused(make: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()
