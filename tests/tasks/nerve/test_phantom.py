"""Phantoms of the neck: reproducible, true, and with what makes a nerve a nerve."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from usseg_monai.errors import UsageError
from usseg_monai.phantoms import Phantom
from usseg_monai.tasks.nerve.measure import measure
from usseg_monai.tasks.nerve.phantom import nerve_phantom
from usseg_monai.tasks.nerve.record import NERVE

SEEDS = range(8)
SMALL = (210, 290)


@pytest.fixture(scope="module")
def phantoms() -> list[Phantom]:
    return [nerve_phantom(seed, shape=SMALL) for seed in SEEDS]


def test_the_same_seed_gives_the_same_phantom_and_another_does_not() -> None:
    first, again, other = nerve_phantom(5, shape=SMALL), nerve_phantom(5, shape=SMALL), nerve_phantom(6, shape=SMALL)
    assert np.array_equal(first.image.pixels, again.image.pixels) and np.array_equal(first.mask, again.mask)
    assert first.truth == again.truth and first.image.spacing_mm == again.image.spacing_mm
    assert first.truth != other.truth


def test_form() -> None:
    phantom = nerve_phantom(0)
    assert phantom.image.pixels.shape == phantom.mask.shape == (420, 580)
    assert phantom.image.pixels.dtype == np.float32 and phantom.mask.dtype == np.uint8
    assert phantom.image.pixels.min() >= 0 and phantom.image.pixels.max() <= 255
    assert set(phantom.truth) <= {column.name for column in NERVE.columns}
    assert phantom.image.spacing_mm is not None and 38 <= 580 * phantom.image.spacing_mm[1] <= 46


def test_measuring_the_mask_gives_the_truth(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        measured = measure(phantom.mask, phantom.image.spacing_mm)
        assert measured.status.value == "ok", measured.message
        for name, tolerance in (("area_mm2", 0.02), ("area_px", 0.02), ("equivalent_diameter_mm", 0.01), ("equivalent_diameter_px", 0.01)):
            assert measured.values[name] == pytest.approx(phantom.truth[name], rel=tolerance)
        for name in ("center_row_px", "center_col_px"):
            assert measured.values[name] == pytest.approx(phantom.truth[name], abs=0.2)


def test_truth_is_consistent(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        truth, spacing = phantom.truth, phantom.image.spacing_mm
        assert spacing is not None
        assert truth["area_mm2"] == pytest.approx(np.pi / 4 * truth["equivalent_diameter_mm"] ** 2)
        assert truth["area_px"] * spacing[0] * spacing[1] == pytest.approx(truth["area_mm2"])
        assert truth["equivalent_diameter_px"] * spacing[0] == pytest.approx(truth["equivalent_diameter_mm"])
        assert 4 < truth["equivalent_diameter_mm"] < 10


@pytest.mark.parametrize("seed", range(100, 112))
def test_every_nerve_lies_whole_in_the_picture_where_annotators_find_them(seed: int) -> None:
    phantom = nerve_phantom(seed, shape=(105, 145))
    mask = phantom.mask
    assert mask.any() and not np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).any()
    assert 0.01 < mask.mean() < 0.07  # 1.1 to 6.2 % of Kaggle's pictures
    assert 0.2 < phantom.truth["center_row_px"] / 105 < 0.55


def test_the_nerve_is_brighter_than_the_picture_and_has_dark_parts(phantoms: list[Phantom]) -> None:
    ratios = []
    for phantom in phantoms:
        pixels, nerve = phantom.image.pixels, phantom.mask > 0
        ratios.append(pixels[nerve].mean() / pixels.mean())
        assert np.percentile(pixels[nerve], 10) < pixels.mean() < np.percentile(pixels[nerve], 75)
    assert 1.2 < np.mean(ratios) < 1.7  # Kaggle's pictures: 1.4


def test_without_a_nerve_there_is_none() -> None:
    absent, present = nerve_phantom(3, present=False, shape=SMALL), nerve_phantom(3, shape=SMALL)
    assert not absent.mask.any()
    assert absent.truth == {"presence_probability": 0.0}
    assert measure(absent.mask, absent.image.spacing_mm).status.value == "empty"
    assert present.truth["presence_probability"] == 1.0
    assert absent.image.pixels.mean() == pytest.approx(present.image.pixels.mean(), rel=0.4)


def test_bad_sizes_are_refused() -> None:
    assert nerve_phantom(0, shape=(64, 64)).mask.any()
    for shape in ((63, 100), (64, 300), (300, 200)):
        with pytest.raises(UsageError, match="at least 64 rows and columns"):
            nerve_phantom(0, shape=shape)


def test_needs_numpy_alone() -> None:
    program = (
        "import sys; from usseg_monai.tasks.nerve.phantom import nerve_phantom; nerve_phantom(0, shape=(64, 64))\n"
        "print([m for m in ('torch', 'monai', 'scipy', 'skimage', 'matplotlib', 'PIL') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
