"""Tests of usseg_monai.transforms.ultrasound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import RandomizableTransform
from torch import Tensor

from usseg_monai.transforms import ultrasound
from usseg_monai.transforms.ultrasound import (
    RandCalipers,
    RandCalipersd,
    RandGainRamp,
    RandGainRampd,
    RandShadow,
    RandShadowd,
    RandSpeckle,
    RandSpeckled,
)

ARRAY_FORMS = [RandGainRamp, RandShadow, RandSpeckle, RandCalipers]
DICTIONARY_FORMS = [RandGainRampd, RandShadowd, RandSpeckled, RandCalipersd]
Form = Callable[..., RandomizableTransform]


def disc(width: int = 60, height: int = 40) -> Tensor:
    """Large grey disc on a black ground, off the centre."""
    across, down = torch.meshgrid(torch.arange(width), torch.arange(height), indexing="ij")
    return (((across - 28) ** 2 + (down - 19) ** 2) < 300)[None] * 120.0


def seeded(transform: RandomizableTransform, seed: int) -> Callable[[Any], Any]:
    transform.set_random_state(seed)
    return transform


def applied(form: Form, seed: int, image: Tensor) -> Tensor:
    changed: Tensor = seeded(form(prob=1.0), seed)(image)
    return changed


@pytest.mark.parametrize("form", [form for form in ARRAY_FORMS if form is not RandCalipers])
@pytest.mark.parametrize("seed", range(5))
def test_changes_grey_values_and_no_geometry(form: Form, seed: int) -> None:
    image = disc()
    changed = applied(form, seed, image)
    assert changed.shape == image.shape and changed.dtype == image.dtype
    assert changed.isfinite().all() and (changed >= 0).all()
    assert not torch.equal(changed, image)
    assert not changed[image == 0].any()
    assert (changed[image > 0] > 0).float().mean() > 0.99


@pytest.mark.parametrize("form", ARRAY_FORMS)
def test_is_determined_by_the_seed(form: Form) -> None:
    image = disc()
    assert torch.equal(applied(form, 7, image), applied(form, 7, image))
    assert not torch.equal(applied(form, 7, image), applied(form, 8, image))


@pytest.mark.parametrize("form", ARRAY_FORMS)
def test_leaves_its_input_alone(form: Form) -> None:
    image = disc()
    applied(form, 1, image)
    assert torch.equal(image, disc())


@pytest.mark.parametrize("form", ARRAY_FORMS)
def test_changes_the_asked_share_of_the_images(form: Form) -> None:
    transform = seeded(form(prob=0.3), 0)
    image = disc()
    changed = sum(not torch.equal(transform(image), image) for _ in range(300))
    assert 65 <= changed <= 115  # 90 expected, a deviation of 8


@pytest.mark.parametrize("form", ARRAY_FORMS)
def test_keeps_metadata(form: Form) -> None:
    image = MetaTensor(disc(), meta={"filename_or_obj": "a.png"})
    changed = applied(form, 1, image)
    assert isinstance(changed, MetaTensor) and changed.meta["filename_or_obj"] == "a.png"


def test_gain_is_a_plane_in_the_logarithm() -> None:
    gain = ultrasound._gain_ramp(torch.ones(1, 5, 3), (0.4, -0.2)).log()[0]
    assert torch.allclose(gain[:, 1], torch.tensor([-0.4, -0.2, 0, 0.2, 0.4]), atol=1e-6)
    assert torch.allclose(gain[2], torch.tensor([0.2, 0, -0.2]), atol=1e-6)


def test_gain_stays_within_its_strength() -> None:
    gains = torch.stack([seeded(RandGainRamp(0.3, prob=1.0), seed)(torch.ones(1, 8, 8)).log() for seed in range(30)])
    assert float(gains.abs().max()) <= 0.6 + 1e-6  # both axes together
    assert float(gains.abs().max()) > 0.3


def test_speckle_has_its_strength_and_a_mean_of_one() -> None:
    grain = torch.randn(400, 400, generator=torch.Generator().manual_seed(0))
    factor = ultrasound._speckle(torch.ones(1, 400, 400), grain, 0.2)
    assert float(factor.mean()) == pytest.approx(1, abs=0.01)
    assert float(factor.std()) == pytest.approx(0.2, abs=0.01)


def test_speckle_never_turns_negative() -> None:
    assert float(ultrasound._speckle(torch.ones(1, 4, 4), torch.full((2, 2), -9.0), 1.0).min()) == 0


def test_shadow_darkens_below_its_start_only() -> None:
    image = torch.ones(1, 101, 101)
    shadowed = ultrasound._shadow(image, centre=0.5, width=0.1, slant=0.0, depth=0.5, transmission=0.2)[0]
    assert float(shadowed[50, -1]) == pytest.approx(0.2, abs=0.01)
    assert float(shadowed[50, 0]) == pytest.approx(1, abs=0.01)
    assert float(shadowed[0, -1]) == pytest.approx(1, abs=0.01)
    assert float(shadowed[-1, -1]) == pytest.approx(1, abs=0.01)


def test_calipers_are_crosses_as_bright_as_asked_for() -> None:
    image = disc() + torch.rand(1, 60, 40, generator=torch.Generator().manual_seed(0))
    marked = ultrasound._calipers(image, np.array([[[0.5, 0.1], [0.5, 0.9]]]), arm=2, dots=False, whiteness=1.2)
    changed = (marked != image)[0].nonzero()
    assert float(marked.max()) == pytest.approx(1.2 * float(image.max())) and (marked >= image).all()
    assert len(changed) == 2 * 9  # two crosses
    assert len(
        (ultrasound._calipers(image, np.array([[[0.5, 0.1], [0.5, 0.9]]]), arm=2, dots=True, whiteness=1.2) != image)[0].nonzero()
    ) > len(changed)


def test_calipers_measure_the_structure_in_half_of_the_draws() -> None:
    structure = torch.zeros(2, 60, 40)
    structure[1, 20:30, 10:30] = 1
    transform = seeded(RandCalipersd("image", prob=1.0, structure="label"), 3)
    on_its_border = 0
    for _ in range(100):
        marked = transform({"image": torch.rand(1, 60, 40, generator=torch.Generator().manual_seed(0)), "label": structure})["image"][0]
        first, second = (marked > 0.999).nonzero().T
        near = (first >= 17) & (first <= 32) & (second >= 7) & (second <= 32)
        on_its_border += int(near.sum() >= 8)
    assert 45 <= on_its_border <= 85  # one or two pairs, each with a chance of one half; few others fall there by chance


@pytest.mark.parametrize(("array_form", "dictionary_form"), zip(ARRAY_FORMS, DICTIONARY_FORMS, strict=True))
def test_dictionary_form_does_the_same_to_its_key(array_form: Form, dictionary_form: Form) -> None:
    item = {"image": disc(), "label": disc()}
    result = seeded(dictionary_form("image", prob=1.0), 5)(item)
    assert torch.equal(result["image"], applied(array_form, 5, disc()))
    assert result["label"] is item["label"]
    assert torch.equal(item["image"], disc())


@pytest.mark.parametrize("dictionary_form", DICTIONARY_FORMS)
def test_dictionary_form_draws_anew_for_every_item(dictionary_form: Form) -> None:
    transform = seeded(dictionary_form("image", prob=1.0), 5)
    first, second = (transform({"image": disc()})["image"] for _ in range(2))
    assert not torch.equal(first, second)
