"""Areas, volumes and function on closed forms, and the manual contours of two real patients."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.tasks.masks import dented, filled
from tests.values import numbers
from usseg_monai.errors import ImageError, UsageError
from usseg_monai.measuring.result import Status
from usseg_monai.tasks.left_ventricle.measure import (
    atrial_slices,
    coherence,
    measure,
    myocardial_mass_g,
    ventricular_function,
    volume_curve,
)
from usseg_monai.tasks.left_ventricle.record import LEFT_VENTRICLE


def disc(radius: float, row: float = 64.0, col: float = 70.0, shape: tuple[int, int] = (128, 140)) -> np.ndarray:
    rows, cols = np.indices(shape)
    result: np.ndarray = np.hypot(rows - row, cols - col) <= radius
    return result


def test_every_column_of_the_task_is_present() -> None:
    columns = [column.name for column in LEFT_VENTRICLE.columns]
    for mask, spacing in ((disc(20), (1.4, 1.4)), (disc(20), None), (disc(0) & False, None)):
        assert list(LEFT_VENTRICLE.measure(mask, spacing).values) == columns


@settings(max_examples=40, deadline=None)
@given(st.floats(8, 45), st.floats(55, 75), st.floats(60, 80), st.floats(0.3, 3), st.floats(0.3, 3))
def test_discs(radius: float, row: float, col: float, down: float, right: float) -> None:
    values = numbers(measure(disc(radius, row, col), (down, right)).values)
    assert values["area_px"] == pytest.approx(math.pi * radius**2, rel=0.05)
    assert values["area_mm2"] == pytest.approx(values["area_px"] * down * right)
    assert values["equivalent_diameter_mm"] == pytest.approx(2 * radius * math.sqrt(down * right), rel=0.03)
    assert (values["center_row_px"], values["center_col_px"]) == pytest.approx((row, col), abs=0.3)


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30)), elements=st.integers(0, 1)), st.booleans())
def test_any_mask_gives_a_status_and_finite_numbers(noise: np.ndarray, known: bool) -> None:
    result = measure(noise, (1.3, 1.2) if known else None)
    assert (result.status == Status.EMPTY) == (not noise.any())
    assert all(value is None or (isinstance(value, (int, float)) and math.isfinite(value)) for value in result.values.values())
    turned = measure(noise.T, (1.2, 1.3) if known else None)
    assert turned.values["area_px"] == result.values["area_px"] and turned.values["area_mm2"] == pytest.approx(result.values["area_mm2"])


@pytest.mark.parametrize(
    ("mask", "spacing", "status", "words"),
    [
        (disc(20), (1.4, 1.4), Status.OK, ""),
        (disc(20), None, Status.OK, "pixel size unknown"),
        (disc(20), (1.4, 1.0), Status.OK, "not square"),
        (disc(20) & False, (1.4, 1.4), Status.EMPTY, "no cavity found"),
        (disc(20) | disc(8, 64, 110), (1.4, 1.4), Status.MULTIPLE_STRUCTURES, "a second piece has 16 %"),
        (disc(20) | disc(2, 64, 110), (1.4, 1.4), Status.OK, ""),
        (disc(20, col=5), (1.4, 1.4), Status.TOUCHES_BORDER, "leaves the picture"),
        (disc(20), (3.0, 3.0), Status.LOW_CONFIDENCE, "equivalent diameter 120.0 mm is not in 2 to 100 mm"),
    ],
)
def test_statuses(mask: np.ndarray, spacing: tuple[float, float] | None, status: Status, words: str) -> None:
    result = measure(mask, spacing)
    assert result.status is status
    assert (words in result.message) if words else (result.message == "")


@pytest.mark.parametrize("bad", [np.zeros((3, 3, 3)), np.full((4, 4), np.nan), np.zeros((0, 0))])
def test_bad_masks_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(ImageError):
        measure(bad, None)


@pytest.mark.parametrize("spacing", [(0, 1), (math.nan, 1), (1,), -0.5])
def test_bad_spacing_is_refused(spacing: object) -> None:
    with pytest.raises(UsageError, match="pixel spacing"):
        measure(disc(20), spacing)  # type: ignore[arg-type]


# Volumes


def test_a_half_ellipsoid() -> None:
    # V = 2/3 pi a b L; slices through the middle of each of 100 equal parts
    long, radius = 90.0, 25.0
    positions = (np.arange(100) + 0.5) / 100
    areas = math.pi * radius**2 * (1 - positions**2)
    (volume,) = volume_curve(areas[:, None], long / 100)
    assert volume == pytest.approx(2 / 3 * math.pi * radius**2 * long / 1000, rel=1e-4)


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, (7, 9), elements=st.integers(0, 3000)), st.floats(1, 15), st.permutations(range(7)))
def test_volumes_scale_add_and_do_not_mind_the_order(areas: np.ndarray, distance: float, order: list[int]) -> None:
    volumes = volume_curve(areas, distance)
    assert volumes == pytest.approx(areas.sum(axis=0) * distance / 1000)
    assert volume_curve(areas[order], distance) == pytest.approx(volumes)
    assert volume_curve(areas, 2 * distance) == pytest.approx(2 * volumes)
    if volumes.max() > 0:
        function = ventricular_function(volumes)
        assert function.end_diastolic_volume_ml == volumes.max() and function.end_systolic_volume_ml == volumes.min()
        assert 0 <= function.ejection_fraction_percent <= 100
        assert function.stroke_volume_ml == pytest.approx(np.ptp(volumes))


def test_phases_are_found() -> None:
    function = ventricular_function([100, 140, 90, 60, 70])
    assert (function.end_diastole, function.end_systole) == (1, 3)
    assert function.stroke_volume_ml == 80 and function.ejection_fraction_percent == pytest.approx(57.142857)


@pytest.mark.parametrize(
    ("diastole", "systole", "left_out"),
    [
        ([0, 300, 900, 1000, 800, 0], [0, 100, 500, 600, 500, 0], []),  # a whole ventricle
        ([0, 300, 900, 1000, 1100, 0], [0, 100, 500, 600, 1300, 0], [4]),  # an atrium at the end
        ([1100, 1200, 1000, 900, 700, 500, 300], [1300, 1200, 600, 500, 300, 200, 100], [0, 1]),  # at the other end
        ([300, 900, 1000, 1100, 0], [100, 500, 600, 700, 400], [4]),  # seen in systole only: a base that comes down
        ([200, 900, 1000, 1100, 1200], [400, 500, 600, 700, 800], []),  # an apex that widens after an infarct
        ([500, 500, 500, 500, 500, 500], [400, 500, 500, 500, 500, 500], [5, 4]),  # hardly any motion: a third at most
        ([0, 0], [0, 0], []),
    ],
)
def test_slices_of_the_atrium(diastole: list[float], systole: list[float], left_out: list[int]) -> None:
    assert atrial_slices(np.stack([diastole, systole], axis=1)) == left_out


@pytest.mark.parametrize(
    ("areas_mm2", "expected"),
    [
        ([[900, 400, 600], [300, 100, 200]], 1.0),  # all slices contract together
        ([[900, 400, 600], [100, 300, 200]], 300 / 700),  # sums of 1000, 700 and 800; ranges of 500 and 200
        ([[900, 400], [400, 900]], 0.0),  # one fills what the other loses
        ([[900, 400, 600]], 1.0),
        ([[500, 500], [300, 300]], 1.0),  # no motion contradicts nothing
        ([[0, 0], [0, 0]], 1.0),
    ],
)
def test_coherence_of_slices(areas_mm2: list[list[float]], expected: float) -> None:
    assert coherence(areas_mm2) == pytest.approx(expected)


def test_mass_of_a_shell() -> None:
    outer, inner = math.pi * 35**2, math.pi * 25**2
    assert myocardial_mass_g([outer] * 5, [inner] * 5, 10.0) == pytest.approx(1.05 * (outer - inner) * 50 / 1000)
    assert myocardial_mass_g([outer], [0], 8.0) == pytest.approx(1.05 * outer * 8 / 1000)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: volume_curve([1.0, 2.0], 8), "(slices, phases)"),
        (lambda: volume_curve([[math.nan]], 8), "finite"),
        (lambda: volume_curve([[-1.0]], 8), "finite numbers of mm2 from 0 on"),
        (lambda: volume_curve([[1.0]], 0), "slice distance 0"),
        (lambda: volume_curve([[1e308, 1.0]], 1e5), "too large for volumes"),
        (lambda: ventricular_function([1.0]), "at least two phases"),
        (lambda: ventricular_function([0.0, 0.0]), "no cavity in any phase"),
        (lambda: myocardial_mass_g([5.0], [6.0], 8), "not smaller than its endocardial"),
        (lambda: myocardial_mass_g([5.0], [3.0, 2.0], 8), "every slice"),
    ],
)
def test_bad_volumes_are_refused(call: Callable[[], object], words: str) -> None:
    with pytest.raises(UsageError) as error:
        call()
    assert words in str(error.value) and "\n" not in str(error.value)


def test_spacing_may_be_an_array() -> None:
    rows, cols = np.mgrid[:100, :100]
    disc = np.hypot(rows - 50, cols - 50) < 20
    sides: Any = np.array([1.0, 1.0])
    assert measure(disc, sides).values == measure(disc, (1.0, 1.0)).values


def _of_diameter(mask: np.ndarray, diameter_mm: float) -> tuple[float, float]:
    side = diameter_mm / (2 * math.sqrt(mask.sum() / math.pi))
    return side, side


@pytest.mark.parametrize(
    ("mask", "spacing", "doubt"),
    [
        (filled(400, 20), _of_diameter(filled(400, 20), 2.001), ""),
        (filled(400, 20), _of_diameter(filled(400, 20), 1.999), "equivalent diameter 2.0 mm is not in 2 to 100 mm"),
        (filled(400, 20), _of_diameter(filled(400, 20), 99.9), ""),
        (filled(400, 20), _of_diameter(filled(400, 20), 100.1), "equivalent diameter 100.1 mm is not in 2 to 100 mm"),
        (filled(10_000, 96), (0.5, 0.5), ""),
        (filled(10_001, 96), (0.5, 0.5), "covers 50 % of the picture, not 0 to 50 %"),
        (filled(8, 4), (1.5, 1.5), ""),
        (filled(7, 4), (1.5, 1.5), "a cavity of 7 pixels: below 8 it is a speck"),
        (dented(60), (1.0, 1.0), ""),
        (dented(61), (1.0, 1.0), "fills 85 % of its convex hull, less than 85 %"),
        (filled(300, 10), (1.0, 1.0005), ""),
        (filled(300, 10), (1.0005, 1.0), "the cavity is 3 times as long as wide, more than 3 times"),
        (filled(300, 30), (1.0005, 1.0), ""),
        (filled(300, 30), (1.0, 1.0005), "the cavity is 3 times as long as wide, more than 3 times"),
    ],
)
def test_bounds_just_inside_and_just_outside(mask: np.ndarray, spacing: tuple[float, float], doubt: str) -> None:
    result = measure(mask, spacing)
    assert (result.status is Status.LOW_CONFIDENCE) == bool(doubt)
    assert doubt in result.message if doubt else result.message == ""


@pytest.mark.parametrize(("slices", "most"), [(2, 0), (3, 1), (5, 1), (6, 2), (50, 16), (51, 17)])
def test_at_most_a_third_of_the_slices_are_the_atriums(slices: int, most: int) -> None:
    areas = np.full((slices, 2), 500.0)
    areas[0, 1] = 400.0  # only one contracts
    assert len(atrial_slices(areas)) == most
