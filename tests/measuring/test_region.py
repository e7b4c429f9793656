"""Area, centre and diameter of rectangles and discs, and the status that the largest piece alone decides."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.values import numbers
from usseg_monai.measuring.region import UNKNOWN_SPACING, has_square_pixels, measure_region
from usseg_monai.measuring.result import Status


def rectangle(rows: int, cols: int, shape: tuple[int, int] = (60, 80), at: tuple[int, int] = (10, 20)) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    mask[at[0] : at[0] + rows, at[1] : at[1] + cols] = 1
    return mask


def test_numbers_of_a_rectangle() -> None:
    region = measure_region(rectangle(20, 30), (0.5, 0.25))
    assert region is not None
    assert region.values == {
        "area_mm2": 75.0,
        "equivalent_diameter_mm": pytest.approx(2 * math.sqrt(75 / math.pi)),
        "area_px": 600,
        "equivalent_diameter_px": None,
        "center_row_px": 19.5,
        "center_col_px": 34.5,
    }
    assert region.remarks == ("pixels are not square: no diameter in pixels",)


def test_without_spacing_there_are_no_millimetres() -> None:
    region = measure_region(rectangle(20, 30), None)
    assert region is not None
    assert (region.values["area_mm2"], region.values["equivalent_diameter_mm"]) == (None, None)
    assert region.values["equivalent_diameter_px"] == pytest.approx(2 * math.sqrt(600 / math.pi))
    assert region.remarks == (UNKNOWN_SPACING,)


def test_nothing_to_measure() -> None:
    assert measure_region(np.zeros((10, 10)), (1, 1)) is None


@pytest.mark.parametrize(("ratio", "square"), [(1.0, True), (1.0009, True), (0.9991, True), (1.0011, False), (0.9989, False)])
def test_square_pixels(ratio: float, square: bool) -> None:
    assert has_square_pixels((0.3 * ratio, 0.3)) is square
    assert has_square_pixels(None)


@pytest.mark.parametrize(("area", "status"), [(49, Status.OK), (50, Status.MULTIPLE_STRUCTURES)])
def test_a_second_piece_counts_from_a_twentieth_on(area: int, status: Status) -> None:
    mask = rectangle(20, 50, (60, 200), (5, 5))
    mask[40, 5 : 5 + area] = 1
    region = measure_region(mask, (1, 1))
    assert region is not None and region.values["area_px"] == 1000
    measurement = region.conclude(region.values, [], "cut")
    assert measurement.status is status


@pytest.mark.parametrize(("at", "status"), [((0, 20), Status.TOUCHES_BORDER), ((1, 20), Status.OK), ((40, 20), Status.TOUCHES_BORDER)])
def test_a_piece_at_the_border(at: tuple[int, int], status: Status) -> None:
    region = measure_region(rectangle(20, 30, at=at), (1, 1))
    assert region is not None
    measurement = region.conclude(region.values, [], "cut by the border")
    assert measurement.status is status
    assert ("cut by the border" in measurement.message) is (status is Status.TOUCHES_BORDER)


def test_doubts_come_before_everything_else() -> None:
    region = measure_region(rectangle(20, 30, at=(0, 0)), None)
    assert region is not None
    measurement = region.conclude(region.values, ["far too large"], "cut")
    assert measurement.status is Status.LOW_CONFIDENCE
    assert measurement.message == f"far too large; cut; {UNKNOWN_SPACING}"


@pytest.mark.parametrize("spacing", [None, (0.5, 0.5), (0.5, 0.25)])
def test_the_disc_that_is_drawn_has_the_diameter_that_is_measured(spacing: tuple[float, float] | None) -> None:
    region = measure_region(rectangle(20, 30), spacing)
    assert region is not None
    away = (region.disc - (19.5, 34.5)) * (spacing or (1.0, 1.0))
    diameter = numbers(region.values)["equivalent_diameter_px" if spacing is None else "equivalent_diameter_mm"]
    np.testing.assert_allclose(2 * np.hypot(*away.T), diameter)
    np.testing.assert_allclose(region.disc[0], region.disc[-1])  # closed
    assert all(np.array_equal(axis, region.disc) for axis in region.conclude(region.values, [], "cut").axes)


@pytest.mark.parametrize(
    ("spacing", "square"), [((1.0009, 1.0), True), ((1.0, 1.0009), True), ((1.0011, 1.0), False), ((1.0, 1.0012), False)]
)
def test_pixels_are_square_within_a_thousandth(spacing: tuple[float, float], square: bool) -> None:
    assert has_square_pixels(spacing) == square


def test_doubts_of_sizes_and_pixels() -> None:
    diameter = 2 * math.sqrt(600 * 0.3 * 3.03 / math.pi)
    region = measure_region(rectangle(20, 30), (0.3, 3.03))
    assert region is not None
    pixels = "pixels of 0.3 x 3.03 mm: one side is more than 10 times the other; check the pixel size"
    size = f"equivalent diameter {diameter:.1f} mm is not in 1 to 26 mm: check the pixel size, 0.3 x 3.03 mm"
    assert region.size_doubts((1.0, diameter + 0.01)) == [pixels]
    assert region.size_doubts((1.0, 26.0)) == [pixels, size]
    unknown = measure_region(rectangle(20, 30), None)
    assert unknown is not None and unknown.size_doubts((1.0, 2.0)) == []
