"""Phantoms of the breast: reproducible, true, and with the signs that tell benign from malignant."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from tests.values import numbers
from usseg_monai.errors import UsageError
from usseg_monai.phantoms import Phantom
from usseg_monai.tasks.breast.measure import measure
from usseg_monai.tasks.breast.phantom import breast_phantom
from usseg_monai.tasks.breast.record import BREAST

SMALL = (220, 280)


@pytest.fixture(scope="module")
def phantoms() -> dict[str, list[Phantom]]:
    return {category: [breast_phantom(seed, category, shape=SMALL) for seed in range(6)] for category in ("benign", "malignant")}


def test_the_same_seed_gives_the_same_phantom_and_another_does_not() -> None:
    first, again, other = (breast_phantom(seed, "malignant", shape=(110, 140)) for seed in (5, 5, 6))
    assert np.array_equal(first.image.pixels, again.image.pixels) and np.array_equal(first.mask, again.mask)
    assert first.truth == again.truth and first.image.spacing_mm == again.image.spacing_mm
    assert first.truth != other.truth


def test_form() -> None:
    phantom = breast_phantom(0)
    assert phantom.image.pixels.shape == phantom.mask.shape == (440, 560)
    assert phantom.image.pixels.dtype == np.float32 and phantom.mask.dtype == np.uint8
    assert phantom.image.pixels.min() >= 0 and phantom.image.pixels.max() <= 255
    assert set(phantom.truth) <= {column.name for column in BREAST.columns}
    assert phantom.image.spacing_mm is not None and 38 <= 560 * phantom.image.spacing_mm[1] <= 50


def test_measuring_the_mask_gives_the_truth(phantoms: dict[str, list[Phantom]]) -> None:
    for phantom in [*phantoms["benign"], *phantoms["malignant"]]:
        measured = measure(phantom.mask, phantom.image.spacing_mm)
        assert measured.status.value == "ok", measured.message
        truth = phantom.truth
        for name in ("lesion_count", "total_area_mm2", "total_area_px", "area_mm2", "area_px", "depth_width_ratio"):
            assert measured.values[name] == pytest.approx(truth[name], rel=0.04), name
        for name in ("long_axis_px", "short_axis_px", "width_px", "depth_px"):
            assert measured.values[name] == pytest.approx(truth[name], abs=1.5), name
        for name in ("center_row_px", "center_col_px"):
            assert measured.values[name] == pytest.approx(truth[name], abs=0.25), name


def test_signs_of_the_two_kinds(phantoms: dict[str, list[Phantom]]) -> None:
    for category, tall in (("benign", "no"), ("malignant", "yes")):
        for phantom in phantoms[category]:
            assert measure(phantom.mask, phantom.image.spacing_mm).values["taller_than_wide"] == tall
    shapes = {
        category: [numbers(measure(phantom.mask, phantom.image.spacing_mm).values) for phantom in of_category]
        for category, of_category in phantoms.items()
    }
    assert min(shape["solidity_ratio"] for shape in shapes["benign"]) > max(shape["solidity_ratio"] for shape in shapes["malignant"])
    assert max(shape["roughness_ratio"] for shape in shapes["benign"]) < min(shape["roughness_ratio"] for shape in shapes["malignant"])


def test_lesions_are_dark_with_more_sound_behind_benign_than_behind_malignant_ones(phantoms: dict[str, list[Phantom]]) -> None:
    behind: dict[str, list[float]] = {"benign": [], "malignant": []}
    for category, group in phantoms.items():
        for phantom in group:
            pixels, lesion = phantom.image.pixels, phantom.mask > 0
            assert pixels[lesion].mean() < 0.8 * pixels[~lesion].mean()
            rows, cols = np.nonzero(lesion)
            stripe = slice(rows.max() + 3, rows.max() + 25)
            below = np.zeros(SMALL[1], bool)
            below[int(np.quantile(cols, 0.2)) : int(np.quantile(cols, 0.8))] = True
            behind[category].append(float(pixels[stripe, below].mean() / pixels[stripe, ~below].mean()))
    assert np.mean(behind["benign"]) > 1.1
    assert np.mean(behind["malignant"]) < 0.85


@pytest.mark.parametrize("category", ["benign", "malignant"])
def test_every_lesion_lies_whole_in_the_picture(category: str) -> None:
    for seed in range(100, 110):
        mask = breast_phantom(seed, category, shape=(88, 112)).mask
        assert mask.any() and not np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).any()


def test_a_normal_breast_has_no_lesion() -> None:
    phantom = breast_phantom(3, "normal", shape=SMALL)
    assert not phantom.mask.any()
    assert phantom.truth == {"normal_probability": 1.0, "benign_probability": 0.0, "malignant_probability": 0.0, "lesion_count": 0.0}


def test_what_cannot_be_drawn_is_refused() -> None:
    assert breast_phantom(0, shape=(64, 64)).mask.any()
    for shape in ((63, 80), (64, 100), (300, 200)):
        with pytest.raises(UsageError, match="at least 64 rows and columns"):
            breast_phantom(0, shape=shape)
    with pytest.raises(UsageError, match="no phantom of category 'cyst'"):
        breast_phantom(0, "cyst")


def test_needs_numpy_alone() -> None:
    program = (
        "import sys; from usseg_monai.tasks.breast.phantom import breast_phantom; breast_phantom(0, shape=(64, 64))\n"
        "print([m for m in ('torch', 'monai', 'scipy', 'skimage', 'matplotlib', 'PIL') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
