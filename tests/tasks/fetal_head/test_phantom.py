"""Phantoms are reproducible, their truth is exact, and they are built like ultrasound."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from usseg_monai.errors import UsageError
from usseg_monai.phantoms import Phantom
from usseg_monai.tasks import get_task
from usseg_monai.tasks.fetal_head.measure import measure
from usseg_monai.tasks.fetal_head.phantom import fetal_head_phantom

CIRCUMFERENCES = (60.0, 75.0, 110.0, 165.0, 180.0, 210.0, 280.0, 340.0)


@pytest.fixture(scope="module")
def phantoms() -> list[Phantom]:
    return [fetal_head_phantom(seed, head_circumference_mm=hc) for seed, hc in enumerate(CIRCUMFERENCES)]


def _axes(phantom: Phantom, rows: np.ndarray, cols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates along the long and short axis over the semi-axes, from the truth alone."""
    truth, angle = phantom.truth, np.deg2rad(phantom.truth["angle_deg"])
    dx, up = cols - truth["center_col_px"], truth["center_row_px"] - rows
    along, across = dx * np.cos(angle) + up * np.sin(angle), up * np.cos(angle) - dx * np.sin(angle)
    return along / (truth["occipitofrontal_diameter_px"] / 2), across / (truth["biparietal_diameter_px"] / 2)


def test_the_same_seed_gives_the_same_phantom_and_another_does_not() -> None:
    first, again, other = (
        fetal_head_phantom(5, shape=(135, 200)),
        fetal_head_phantom(5, shape=(135, 200)),
        fetal_head_phantom(6, shape=(135, 200)),
    )
    assert np.array_equal(first.image.pixels, again.image.pixels) and np.array_equal(first.mask, again.mask)
    assert first.truth == again.truth and first.image.spacing_mm == again.image.spacing_mm
    assert first.truth != other.truth


def test_form(phantoms: list[Phantom]) -> None:
    columns = {column.name for column in get_task("fetal_head").columns}
    for phantom in phantoms:
        assert phantom.image.pixels.shape == phantom.mask.shape == (540, 800)
        assert phantom.image.pixels.dtype == np.float32 and phantom.mask.dtype == np.uint8
        assert phantom.image.pixels.min() == 0 and phantom.image.pixels.max() <= 255
        assert set(np.unique(phantom.mask)) == {0, 1}
        assert set(phantom.truth) <= columns
        assert phantom.image.spacing_mm is not None
        assert 0.05 <= phantom.image.spacing_mm[0] == phantom.image.spacing_mm[1] <= 0.35


def test_truth_is_consistent(phantoms: list[Phantom]) -> None:
    for phantom, wanted in zip(phantoms, CIRCUMFERENCES, strict=True):
        truth = phantom.truth
        assert truth["head_circumference_mm"] == pytest.approx(wanted, rel=1e-9)
        assert truth["cephalic_index_percent"] == pytest.approx(
            100 * truth["biparietal_diameter_mm"] / truth["occipitofrontal_diameter_mm"]
        )
        assert phantom.image.spacing_mm is not None
        for name in ("head_circumference", "biparietal_diameter", "occipitofrontal_diameter"):
            assert truth[f"{name}_px"] * phantom.image.spacing_mm[0] == pytest.approx(truth[f"{name}_mm"])
        # Ramanujan's formula against the arc length summed over a fine polygon.
        turn = np.linspace(0, 2 * np.pi, 20001)
        x, y = truth["occipitofrontal_diameter_mm"] / 2 * np.cos(turn), truth["biparietal_diameter_mm"] / 2 * np.sin(turn)
        assert np.hypot(np.diff(x), np.diff(y)).sum() == pytest.approx(wanted, abs=1e-3)
        assert -90 < truth["angle_deg"] <= 90


def test_mask_is_the_ellipse_drawn_with_a_pen_of_two_pixels(phantoms: list[Phantom]) -> None:
    rows, cols = np.mgrid[:540, :800]
    for phantom in phantoms:
        along, across = _axes(phantom, rows, cols)
        radius = np.hypot(along, across)
        assert phantom.mask[radius < 1].all()
        assert not phantom.mask[radius > 1 + np.sqrt(2.0) / (phantom.truth["biparietal_diameter_px"] / 2)].any()
        # Area of the sum of an ellipse and a square of side 2: ellipse, its bounding box's edges, square.
        angle, long, short = (phantom.truth[name] for name in ("angle_deg", "occipitofrontal_diameter_px", "biparietal_diameter_px"))
        cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        width, height = np.hypot(long * cos, short * sin), np.hypot(long * sin, short * cos)
        assert phantom.mask.sum() == pytest.approx(np.pi / 4 * long * short + 2 * (width + height) + 4, rel=3e-4)


def test_measuring_the_mask_gives_the_truth(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        measured = measure(phantom.mask, phantom.image.spacing_mm)
        assert measured.status.value == "ok", measured.message
        for name in ("head_circumference_mm", "biparietal_diameter_mm", "occipitofrontal_diameter_mm"):
            assert measured.values[name] == pytest.approx(phantom.truth[name], abs=0.2), name
        assert measured.values["center_row_px"] == pytest.approx(phantom.truth["center_row_px"], abs=0.2)
        assert measured.values["center_col_px"] == pytest.approx(phantom.truth["center_col_px"], abs=0.2)
        turn = float(measured.values["angle_deg"]) - phantom.truth["angle_deg"]  # type: ignore[arg-type]
        assert abs((turn + 90) % 180 - 90) < 1.0


@pytest.mark.parametrize("seed", range(12))
def test_every_head_lies_whole_in_the_picture(seed: int) -> None:
    phantom = fetal_head_phantom(seed, shape=(135, 200))
    border = np.concatenate([phantom.mask[0], phantom.mask[-1], phantom.mask[:, 0], phantom.mask[:, -1]])
    assert phantom.mask.any() and not border.any()
    assert 60 <= phantom.truth["head_circumference_mm"] <= 340
    # No part of it is blanked: a head outside the sector or under the box could not be measured.
    assert (phantom.image.pixels[phantom.mask > 0] > 0).mean() > 0.75


def test_skull_is_brighter_than_brain_and_than_its_surroundings(phantoms: list[Phantom]) -> None:
    rows, cols = np.mgrid[:540, :800]
    for phantom in phantoms:
        radius = np.hypot(*_axes(phantom, rows, cols))
        pixels = phantom.image.pixels
        # Just inside the outline, where HC18's annotations have the skull.
        skull, brain, outside = (pixels[(radius > low) & (radius < high)].mean() for low, high in ((0.955, 1.0), (0.0, 0.8), (1.06, 1.15)))
        assert skull > 1.5 * brain and skull > 1.5 * outside


def test_first_pictures_parts(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        pixels = phantom.image.pixels
        assert not pixels[:, 786:].any(), "black border at the right"
        bar = pixels[24:187, 4:11]
        assert (bar == bar[:, :1]).all() and (np.diff(bar[:, 0]) <= 0).all() and bar[0, 0] == 240, "grey bar at the left"


def test_small_pictures_and_bad_sizes() -> None:
    assert fetal_head_phantom(0, shape=(64, 64)).mask.shape == (64, 64)
    with pytest.raises(UsageError, match="at least 64"):
        fetal_head_phantom(0, shape=(63, 800))
    for circumference in (59.9, 341.0, float("nan")):
        with pytest.raises(UsageError, match="60 to 340 mm"):
            fetal_head_phantom(0, head_circumference_mm=circumference)


def test_needs_numpy_alone() -> None:
    program = (
        "import sys; from usseg_monai.tasks.fetal_head.phantom import fetal_head_phantom; fetal_head_phantom(0, shape=(64, 64))\n"
        "print([m for m in ('torch', 'monai', 'scipy', 'skimage', 'matplotlib', 'PIL') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
