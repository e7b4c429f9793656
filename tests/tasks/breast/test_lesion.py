"""Shape and margin on closed forms: discs, ellipses, turned rectangles, stars."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from usseg_monai.geometry.ellipse import Ellipse
from usseg_monai.geometry.runs import find_runs, largest_piece
from usseg_monai.tasks.breast import lesion
from usseg_monai.tasks.breast.lesion import LesionShape, measure_shape


def shape_of(mask: np.ndarray, pixel: tuple[float, float] = (1.0, 1.0)) -> LesionShape:
    return measure_shape(largest_piece(find_runs(mask))[0], pixel)


def grid(size: int = 200, pixel: tuple[float, float] = (1.0, 1.0)) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns in the unit of the pixels, from a centre that lies between them."""
    rows, cols = np.indices((round(size / pixel[0]), round(size / pixel[1])))
    return (rows * pixel[0] - size / 2 - 0.3), (cols * pixel[1] - size / 2 + 0.2)


def ellipse(a: float, b: float, degrees: float, pixel: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    down, right = grid(pixel=pixel)
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.hypot((right * c - down * s) / a, (right * s + down * c) / b) <= 1


def star(radius: float, count: int, height: float) -> np.ndarray:
    down, right = grid()
    result: np.ndarray = np.hypot(down, right) <= radius * (1 + height * np.cos(count * np.arctan2(down, right) + 0.4))
    return result


def turn_between(first: float, second: float) -> float:
    return abs((first - second + 90) % 180 - 90)


@settings(max_examples=40, deadline=None)
@given(st.floats(25, 80), st.floats(0.3, 1.0), st.floats(-89, 90))
@example(25.0, 0.3046875, 85.375)
def test_ellipses(a: float, ratio: float, degrees: float) -> None:
    b = ratio * a
    shape = shape_of(ellipse(a, b, degrees))
    perimeter = Ellipse(0, 0, a, b, 0).perimeter
    assert shape.area == pytest.approx(math.pi * a * b, rel=0.02)
    assert (shape.long_axis, shape.short_axis) == pytest.approx((2 * a, 2 * b), abs=2)
    if ratio < 0.6:
        assert turn_between(shape.angle_deg, degrees) < 6
    # The steps of pixels lengthen the outline: of the thinnest, 15 pixels wide and nearly upright, circularity is 2.3 % too small.
    assert shape.circularity == pytest.approx(4 * math.pi * math.pi * a * b / perimeter**2, rel=0.02 if b >= 10 else 0.025)
    assert shape.normalized_circumference == pytest.approx(1, abs=0.015)
    assert shape.roughness < 0.03
    assert shape.solidity == 1 and shape.depressions == 0
    angle = math.radians(degrees)
    half_depth, half_width = math.hypot(a * math.sin(angle), b * math.cos(angle)), math.hypot(a * math.cos(angle), b * math.sin(angle))
    assert (shape.depth, shape.width) == pytest.approx((2 * half_depth, 2 * half_width), abs=1.5)


@pytest.mark.parametrize("degrees", [0, 20, 45, 70, 90, -30])
@pytest.mark.parametrize("pixel", [(1.0, 1.0), (0.5, 1.0), (1.0, 0.4)])
def test_turned_rectangles(degrees: float, pixel: tuple[float, float]) -> None:
    down, right = grid(pixel=pixel)
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    shape = shape_of((np.abs(right * c - down * s) <= 60) & (np.abs(right * s + down * c) <= 25), pixel)
    assert (shape.long_axis, shape.short_axis) == pytest.approx((130, 2 * 120 * 50 / 130), abs=3)  # a diagonal, and across it
    assert abs(turn_between(shape.angle_deg, degrees) - math.degrees(math.atan2(50, 120))) < 1.5 and -90 < shape.angle_deg <= 90
    assert shape.circularity == pytest.approx(4 * math.pi * 6000 / 340**2, rel=0.04)
    assert shape.solidity == 1 and shape.depressions == 0
    assert shape.area == pytest.approx(6000, rel=0.02)


@pytest.mark.parametrize("pixel", [(0.5, 1.0), (1.0, 0.4), (0.7, 0.7)])
def test_the_shape_does_not_depend_on_the_pixels(pixel: tuple[float, float]) -> None:
    fine, other = shape_of(ellipse(60, 30, 30)), shape_of(ellipse(60, 30, 30, pixel), pixel)
    for name in ("area", "long_axis", "short_axis", "width", "depth", "circularity", "solidity", "normalized_circumference"):
        assert getattr(other, name) == pytest.approx(getattr(fine, name), rel=0.03), name
    assert turn_between(other.angle_deg, fine.angle_deg) < 5


@pytest.mark.parametrize("count", [3, 5, 8])
def test_stars_have_a_depression_between_any_two_points(count: int) -> None:
    shape = shape_of(star(60, count, 0.2))
    assert shape.depressions == count
    assert shape.roughness == pytest.approx(0.2 / math.sqrt(2), rel=0.15)
    # Exact: area pi r² (1 + h²/2), and the length of the curve in polar form.
    turn = np.linspace(0, 2 * math.pi, 20001)
    x = np.exp(1j * turn) * 60 * (1 + 0.2 * np.cos(count * turn))
    length = np.abs(np.diff(x)).sum()
    assert shape.area == pytest.approx(math.pi * 3600 * 1.02, rel=0.01)
    assert shape.circularity == pytest.approx(4 * math.pi * math.pi * 3600 * 1.02 / length**2, rel=0.03)
    assert shape.normalized_circumference > 1.03 and shape.solidity < 0.98


def test_deeper_waves_are_rougher_less_solid_and_less_round() -> None:
    shapes = [shape_of(star(60, 6, height)) for height in (0.0, 0.05, 0.1, 0.2)]
    assert sorted(shape.roughness for shape in shapes) == [shape.roughness for shape in shapes]
    assert sorted((shape.solidity for shape in shapes), reverse=True) == [shape.solidity for shape in shapes]
    assert sorted((shape.circularity for shape in shapes), reverse=True) == [shape.circularity for shape in shapes]


def test_a_hole_takes_area_and_leaves_the_margin() -> None:
    whole = ellipse(50, 30, 10)
    holed = whole & ~ellipse(10, 6, 10)
    first, second = shape_of(whole), shape_of(holed)
    assert second.area < first.area and second.solidity == pytest.approx(second.area / first.area)
    for name in ("circularity", "roughness", "depressions", "long_axis"):
        assert getattr(first, name) == pytest.approx(getattr(second, name)), name


@settings(max_examples=80, deadline=None)
@example(np.array([[1, 0, 1, 0], [1, 0, 0, 1]], np.uint8), 1.0, 1.0)  # two of a size: in the mirror the other one comes first
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 25), st.integers(1, 25)), elements=st.integers(0, 1)), st.floats(0.05, 2), st.floats(0.05, 2)
)
def test_any_piece_has_finite_numbers_within_their_ranges(noise: np.ndarray, high: float, wide: float) -> None:
    if not noise.any():
        return
    shape = shape_of(noise, (high, wide))
    numbers = {name: value for name, value in vars(shape).items() if name not in ("center", "axes")}
    assert all(math.isfinite(value) for value in numbers.values())
    assert 0 < shape.circularity <= 1 and 0 < shape.solidity <= 1
    assert 0 < shape.short_axis <= shape.long_axis * (1 + 1e-12) and shape.roughness >= 0
    assert -90 < shape.angle_deg <= 90
    piece = np.zeros_like(noise)
    runs = largest_piece(find_runs(noise))[0]
    for row, start, stop in zip(runs.row, runs.start, runs.stop, strict=True):
        piece[row, start:stop] = 1
    mirrored = shape_of(piece[:, ::-1], (high, wide))
    assert (mirrored.area, mirrored.width, mirrored.depth) == pytest.approx((shape.area, shape.width, shape.depth))


@pytest.mark.parametrize("pixel", [(1.0, 1.0), (0.5, 1.0), (0.2, 0.15)])
def test_the_axes_that_are_drawn_have_the_lengths_that_are_measured(pixel: tuple[float, float]) -> None:
    mask = ellipse(60, 35, 25, pixel)
    shape = shape_of(mask, pixel)
    long, short = (axis * pixel for axis in shape.axes)  # in the unit of the pixels
    assert np.linalg.norm(long[1] - long[0]) == pytest.approx(shape.long_axis)
    assert np.linalg.norm(short[1] - short[0]) == pytest.approx(shape.short_axis)
    down, right = long[1] - long[0]
    assert turn_between(math.degrees(math.atan2(-down, right)), shape.angle_deg) == pytest.approx(0, abs=1e-9)
    assert (long[1] - long[0]) @ (short[1] - short[0]) == pytest.approx(0, abs=1e-6)
    for axis, tolerance in ((long, 1.0), (short, 3.0)):  # through the middle, from edge to edge
        np.testing.assert_allclose(axis.mean(axis=0), np.array(shape.center) * pixel, atol=tolerance)
    inside = [mask[tuple(np.rint(0.97 * end + 0.03 * axis.mean(axis=0)).astype(int))] for axis in shape.axes for end in axis]
    outside = [mask[tuple(np.rint(1.04 * end - 0.04 * axis.mean(axis=0)).astype(int))] for axis in shape.axes for end in axis]
    assert all(inside) and not any(outside)


def test_noise_is_followed_along_its_largest_part_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkerboard is one piece with an outline for each of its fields."""
    looked_at = []
    moments = lesion._moments

    def noted(polygon: Any) -> Any:
        looked_at.append(len(polygon))
        return moments(polygon)

    monkeypatch.setattr(lesion, "_moments", noted)
    board = np.indices((80, 80)).sum(axis=0) % 2
    board[30:33, 40:44] = 1
    assert measure_shape(find_runs(board)).area == board.sum()
    assert len(looked_at) <= 4


def notched(rows: int, cols: int, depth: int) -> np.ndarray:
    """A rectangle with a notch of 20 pixels in its upper side."""
    mask = np.zeros((rows + 20, cols + 20), np.bool_)
    mask[10 : 10 + rows, 10 : 10 + cols] = True
    mask[10 : 10 + depth, 10 + cols // 2 - 10 : 10 + cols // 2 + 10] = False
    return mask


@pytest.mark.parametrize(
    ("rows", "cols", "depth", "depressions"),
    [
        (40, 40, 1, 0),  # below 1.5 pixels
        (40, 40, 2, 1),
        (88, 89, 3, 1),  # 3 pixels are 3.02 % of the diameter of the disc of equal area
        (90, 89, 3, 0),  # 2.98 %
    ],
)
def test_how_deep_a_depression_is(rows: int, cols: int, depth: int, depressions: int) -> None:
    assert shape_of(notched(rows, cols, depth)).depressions == depressions


def slope(cols: int, drop: int) -> np.ndarray:
    """A block whose upper side falls by so many rows, but for its second column, which begins two rows below the first."""
    mask = np.zeros((50, cols + 20), np.bool_)
    for col in range(cols + 1):
        mask[10 + (2 if col == 1 else math.ceil(drop * col / cols)) : 40, 10 + col] = True
    return mask


@pytest.mark.parametrize(("cols", "drop", "depressions"), [(18, 7, 1), (28, 11, 0)])
def test_one_and_a_half_pixels_are_measured_across_the_hull(cols: int, drop: int, depressions: int) -> None:
    deep = (2 - drop / cols) / math.hypot(1, drop / cols)
    assert deep == pytest.approx(1.5, abs=0.005) and (deep > 1.5) == (depressions == 1)
    assert shape_of(slope(cols, drop)).depressions == depressions
