"""Which axis is across the slices, and where slices lie, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from usseg_monai.errors import ImageError
from usseg_monai.imaging.formats.axes import Axes, Grid, find_axes, frame_place, slice_axis, trusted_spacing

NAN = float("nan")


@pytest.mark.parametrize(
    ("size", "steps", "stated", "expected"),
    [
        ((96, 96, 10), (1.4, 1.4, 8.0), None, 2),
        ((96, 10, 96), (1.4, 8.0, 1.4), None, 1),
        ((10, 96, 96), (8.0, 1.4, 1.4), None, 0),
        ((96, 10, 96), (1.4, 2.11, 1.4), None, 1),  # just thicker than 1.5
        ((96, 10, 96), (1.41, 8.0, 1.19), None, 1),  # just alike, 1.2
        ((60, 60, 60), (1.0, 1.0, 1.0), None, 2),
        ((50, 60, 70), (0.3, 0.2, 0.3), None, 2),  # one smaller step says nothing
        ((96, 96, 10), (NAN, NAN, NAN), None, 2),
        ((96, 96, 10), (1.0, 1.0, 1.0), None, 2),
        ((24, 96, 96), (1.0, 1.0, 1.0), 0, 0),  # told, where the sizes would only make us doubt
        ((640, 480, 60), (0.2, 0.4, 0.03), None, 2),  # a film whose pixels are no squares
        ((1, 96, 96), (1.0, 1.0, 1.0), None, 0),
        ((96, 1, 96), (1.0, 1.0, 1.0), None, 1),
        ((96, 96, 1), (9.0, 1.0, 1.0), None, 2),
        ((96, 1, 1), (1.0, 1.0, 1.0), None, 2),
        ((96, 96, 300), (1.4, 1.4, 8.0), None, 2),
    ],
)
def test_the_axis_across_the_slices(size: tuple[int, ...], steps: tuple[float, ...], stated: int | None, expected: int) -> None:
    assert slice_axis(size, steps, stated) == expected


@pytest.mark.parametrize(
    ("size", "steps", "stated", "reason"),
    [
        ((96, 10, 96), (1.4, 2.09, 1.4), None, "speak against the third axis"),  # just not 1.5 times as thick
        ((96, 10, 96), (1.44, 8.0, 1.19), None, "speak against the third axis"),  # just not alike
        ((96, 97, 96), (1.4, 8.0, 1.4), None, "speak against the third axis"),  # thick, and more of them than within the picture
        ((24, 96, 96), (1.0, 1.0, 1.0), None, "the sizes speak against"),
        ((10, 96, 96), (NAN, NAN, NAN), None, "the sizes speak against"),
        ((96, 10, 96), (1.4, 8.0, 1.4), 2, "dim_info states axis 2, the steps axis 1"),
    ],
)
def test_what_cannot_be_told_is_refused(size: tuple[int, ...], steps: tuple[float, ...], stated: int | None, reason: str) -> None:
    with pytest.raises(ImageError, match=reason) as caught:
        slice_axis(size, steps, stated)
    assert "affine" in str(caught.value) and " x ".join(map(str, size)) in str(caught.value)


def test_a_size_that_is_just_not_flat() -> None:
    assert slice_axis((25, 96, 96), (1.0, 1.0, 1.0)) == slice_axis((10, 40, 81), (1.0, 1.0, 1.0)) == 2


Steps = tuple[tuple[float, float, float], ...]
X, Y, Z = (2.0, 0.0, 0.0), (0.0, 2.0, 0.0), (0.0, 0.0, 8.0)


@pytest.mark.parametrize(
    ("size", "steps", "axes"),
    [
        ((96, 96, 10), (X, Y, Z), (0, 1, 2)),
        ((96, 10, 96), (X, Z, Y), (0, 2, 1)),
        ((10, 96, 96), (Z, Y, X), (2, 1, 0)),  # an array of numpy's: slices, rows, columns
        ((10, 96, 96), (Z, X, Y), (1, 2, 0)),
        ((96, 10, 96), (Y, Z, X), (2, 0, 1)),
        ((96, 96, 10), (Y, X, Z), (0, 1, 2)),  # slices on the third axis: pictures are as stored
    ],
)
def test_columns_run_across_the_patient_before_rows(size: tuple[int, ...], steps: Steps, axes: tuple[int, int, int]) -> None:
    assert find_axes(size, Grid((0, 1, 2), steps)) == Axes(*axes)


def test_lengths_alone_tell_the_slices_too() -> None:
    assert find_axes((10, 96, 96), Grid.of_lengths((0, 1, 2), (8, 1.4, 1.4))) == Axes(2, 1, 0)
    assert find_axes((96, 10, 96), Grid.of_lengths((0, 1, 2), (1.4, 8, 1.4))) == Axes(0, 2, 1)


def test_axes_behind_a_list_keep_their_numbers() -> None:
    assert find_axes((30, 96, 96, 10), Grid((1, 2, 3), (X, Y, Z))) == Axes(1, 2, 3)
    assert find_axes((3, 96, 10, 96), Grid((1, 2, 3), (X, Z, Y)), channel=0) == Axes(1, 3, 2, 0)
    assert find_axes((30, 96, 80), Grid((1, 2), (X, Y))) == Axes(1, 2)


def test_places_of_an_oblique_stack() -> None:
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    steps = (turn * (1.5, 1.25, 8.0)).T
    grid = Grid((0, 1, 2), tuple(map(tuple, steps)), (10.0, -20.0, 30.0))
    size = (96, 80, 10, 4)
    axes = find_axes(size, grid)
    assert grid.spacing_mm(axes) == pytest.approx((1.25, 1.5))
    place = frame_place(23, size, axes, grid, step_ms=40.0)  # slice 3, phase 2
    assert place.position_mm == pytest.approx(tuple(grid.origin_mm + 3 * steps[2]))
    assert place.normal == pytest.approx(tuple(np.cross(steps[0], steps[1]) / (1.5 * 1.25)))
    assert (place.number, place.time_ms) == (2, 80.0)
    first, second = (frame_place(index, size, axes, grid) for index in (0, 1))
    assert abs(np.dot(place.normal, np.subtract(second.position_mm, first.position_mm))) == pytest.approx(8.0)  # type: ignore[arg-type]


def test_slices_that_are_shifted_against_each_other_are_as_far_apart_as_along_the_normal() -> None:
    grid = Grid((0, 1, 2), (X, Y, (3.0, 0.0, 8.0)))
    places = [frame_place(index, (9, 9, 2), Axes(0, 1, 2), grid) for index in (0, 1)]
    assert np.dot(places[0].normal, np.subtract(places[1].position_mm, places[0].position_mm)) == 8.0  # type: ignore[arg-type]


@pytest.mark.parametrize(("lean", "known"), [(0.0, True), (0.0199, True), (0.0201, False), (1.0, False)])
def test_pixels_that_are_no_rectangles_have_no_spacing(lean: float, known: bool) -> None:
    grid = Grid((0, 1, 2), (X, (lean, 2.0, 0.0), Z))
    assert (grid.spacing_mm(Axes(0, 1, 2)) is not None) is known
    assert (frame_place(0, (9, 9, 2), Axes(0, 1, 2), grid).position_mm is not None) is known


@pytest.mark.parametrize(("step_ms", "known"), [(0.0, False), (-3.0, False), (NAN, False), (1e6, True), (1.001e6, False), (None, False)])
def test_steps_of_time(step_ms: float | None, known: bool) -> None:
    place = frame_place(2, (9, 9, 2, 2), Axes(0, 1, 2), Grid((0, 1, 2), (X, Y, Z)), step_ms=step_ms)
    assert place.time_ms == (step_ms if known else None) and place.number == 1


def test_a_list_before_the_slices_counts_phases() -> None:
    places = [frame_place(index, (3, 9, 9, 2), Axes(1, 2, 3), Grid((1, 2, 3), (X, Y, Z))) for index in range(6)]
    assert [(place.number, place.position_mm[2]) for place in places] == [(0, 0), (1, 0), (2, 0), (0, 8), (1, 8), (2, 8)]  # type: ignore[index]


def test_places_that_are_not_known() -> None:
    for lengths in ((2.0, 2.0, 0.0), (2.0, 2.0, NAN), (1.0, 1.0, 8.0), (NAN, NAN, NAN)):
        grid = Grid.of_lengths((0, 1, 2), lengths)
        assert frame_place(1, (9, 9, 2), Axes(0, 1, 2), grid).position_mm is None
    grid = Grid((0, 1, 2), (X, Y, Z), (NAN, 0.0, 0.0))
    assert frame_place(1, (9, 9, 2), Axes(0, 1, 2), grid).position_mm is None


@pytest.mark.parametrize("row", [0.0, -0.1, float("nan"), float("inf"), 1e200, 1e-200])
def test_spacing_that_cannot_be(row: float) -> None:
    assert trusted_spacing(row, 0.1) is trusted_spacing(0.1, row) is None


def test_one_by_one_means_unknown() -> None:
    assert trusted_spacing(1.0, 1.0) is None
    assert trusted_spacing(1.0, 0.5) == (1.0, 0.5)
