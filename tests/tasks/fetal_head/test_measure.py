"""Biometry on closed forms, damaged masks and the real outlines of HC18."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.tasks.fetal_head.heads import Mask, draw_head, fill
from usseg_monai.datasets.hc18 import read_hc18
from usseg_monai.datasets.outline import fill_outline
from usseg_monai.errors import ImageError, UsageError
from usseg_monai.geometry.ellipse import Ellipse
from usseg_monai.geometry.types import MaskArray, Spacing
from usseg_monai.imaging import read_mask
from usseg_monai.measuring.result import Measurement, Status
from usseg_monai.predict.predictor import Predictor
from usseg_monai.tasks import get_task
from usseg_monai.tasks.fetal_head.measure import mask_of_axes, measure
from usseg_monai.tasks.fetal_head.showcase import FETAL_HEAD

SHAPE = (260, 300)
HEAD = Ellipse(128.3, 151.6, 100.0, 78.0, 25.0)
LENGTHS = ("head_circumference", "biparietal_diameter", "occipitofrontal_diameter")

heads = st.builds(
    lambda long, ratio, angle, row, col: Ellipse(130 + row, 150 + col, long, ratio * long, angle),
    st.floats(45, 110),
    st.floats(0.65, 0.95),
    st.integers(-89, 90),
    st.floats(-8, 8),
    st.floats(-8, 8),
)


def number(result: Measurement, column: str) -> float:
    value = result.values[column]
    assert isinstance(value, float), column
    return value


@pytest.fixture(scope="module")
def mask() -> Mask:
    return draw_head(HEAD, SHAPE)


# Values ---------------------------------------------------------------------------------------------------------------------------


def test_every_column_of_the_task_is_present(mask: Mask) -> None:
    columns = [column.name for column in get_task("fetal_head").columns]
    for result in (measure(mask, (0.8, 0.8)), measure(mask, None), measure(np.zeros(SHAPE), None)):
        assert list(result.values) == columns


@settings(max_examples=40, deadline=None)
@given(heads, st.floats(0.05, 2))
def test_drawn_ellipses_are_measured_exactly(head: Ellipse, side: float) -> None:
    result = measure(draw_head(head, SHAPE), (side, side))
    assert number(result, "head_circumference_px") == pytest.approx(head.perimeter, abs=1)
    assert number(result, "biparietal_diameter_px") == pytest.approx(2 * head.semi_minor, abs=0.4)
    assert number(result, "occipitofrontal_diameter_px") == pytest.approx(2 * head.semi_major, abs=0.4)
    assert number(result, "cephalic_index_percent") == pytest.approx(100 * head.semi_minor / head.semi_major, abs=0.5)
    assert number(result, "center_row_px") == pytest.approx(head.center_row, abs=0.1)
    assert number(result, "center_col_px") == pytest.approx(head.center_col, abs=0.1)
    assert abs(math.sin(math.radians(number(result, "angle_deg") - head.angle_deg))) < 0.03
    for name in LENGTHS:
        assert number(result, f"{name}_mm") == pytest.approx(side * number(result, f"{name}_px"), rel=1e-9)


@pytest.mark.parametrize("spacing", [(0.2, 0.2), (0.3, 0.2)])
def test_the_axes_that_are_drawn_are_the_diameters(spacing: Spacing) -> None:
    mask = fill(Ellipse(128.3, 151.6, 100.0, 78.0, 25.0), SHAPE)
    result = measure(mask, spacing)
    long, short = (np.diff(axis * spacing, axis=0)[0] for axis in result.axes)
    assert np.linalg.norm(long) == pytest.approx(number(result, "occipitofrontal_diameter_mm"))
    assert np.linalg.norm(short) == pytest.approx(number(result, "biparietal_diameter_mm"))
    assert long @ short == pytest.approx(0, abs=1e-6)
    for axis in result.axes:
        middle = number(result, "center_row_px"), number(result, "center_col_px")
        np.testing.assert_allclose(axis.mean(axis=0), middle, atol=1e-6)


def test_a_disc_as_wide_as_its_pen_says() -> None:
    # a filled disc is the head that was drawn inside of it, by 4 / pi pixels on average over the directions of a square pen
    disc = fill(Ellipse(130, 150, 90, 90, 0), SHAPE)
    assert number(measure(disc, None), "head_circumference_px") == pytest.approx(2 * math.pi * 90 - 8, abs=0.4)


def test_truth_masks_of_hc18(hc18: Path) -> None:
    errors = []
    for case in read_hc18(hc18).cases:
        assert isinstance(case.label, Path)
        result = measure(fill_outline(read_mask(case.label)), case.spacing_mm)
        assert result.status in (Status.OK, Status.TOUCHES_BORDER), (case.label.name, result.message)
        errors.append(number(result, "head_circumference_mm") - case.measured["head_circumference_mm"])
    assert abs(np.mean(errors)) < 0.02
    assert np.abs(errors).max() < 0.1


# Invariances ----------------------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(heads, st.integers(0, 3), st.booleans(), st.integers(-12, 12), st.integers(-12, 12), st.booleans())
def test_turns_flips_and_shifts(head: Ellipse, turns: int, flip: bool, down: int, right: int, bitten: bool) -> None:
    mask = np.pad(draw_head(head, SHAPE), 30)
    if bitten:
        rows, cols = np.indices(mask.shape)
        mask &= np.hypot(rows - 30 - head.center_row, cols - 30 - head.center_col - head.semi_minor) > 0.3 * head.semi_minor
    before = measure(mask, (0.7, 0.7))
    moved = np.roll(mask, (down, right), axis=(0, 1))
    moved = np.rot90(moved[:, ::-1] if flip else moved, turns)
    after = measure(moved, (0.7, 0.7))
    assert after.status == before.status
    for name in LENGTHS:
        assert number(after, f"{name}_mm") == pytest.approx(number(before, f"{name}_mm"), abs=0.01)
    angle = number(before, "angle_deg") * (-1 if flip else 1) + 90 * turns
    assert abs(math.sin(math.radians(number(after, "angle_deg") - angle))) < 2e-3
    row, col = number(before, "center_row_px") + down, number(before, "center_col_px") + right
    corner = complex((mask.shape[1] - 1 - col if flip else col) - (mask.shape[1] - 1) / 2, -(row - (mask.shape[0] - 1) / 2)) * 1j**turns
    assert number(after, "center_col_px") == pytest.approx((moved.shape[1] - 1) / 2 + corner.real, abs=0.02)
    assert number(after, "center_row_px") == pytest.approx((moved.shape[0] - 1) / 2 - corner.imag, abs=0.02)


@settings(max_examples=25, deadline=None)
@given(st.floats(1e-4, 50), st.floats(1.5, 20))
def test_lengths_scale_with_the_spacing(side: float, factor: float) -> None:
    mask = draw_head(HEAD, SHAPE)
    small, large = measure(mask, (side, side)), measure(mask, (factor * side, factor * side))
    for name in LENGTHS:
        assert number(large, f"{name}_mm") == pytest.approx(factor * number(small, f"{name}_mm"), rel=1e-6)


def test_a_larger_head_has_larger_numbers() -> None:
    found = [measure(draw_head(Ellipse(130, 150, size, 0.8 * size, 10), SHAPE), (1.0, 1.0)) for size in np.arange(40, 110, 5.3)]
    for name in LENGTHS:
        assert (np.diff([number(result, f"{name}_mm") for result in found]) > 0).all()


@pytest.mark.parametrize("spacing", [(0.5, 1.0), (1.0, 0.4)])
def test_pixels_that_are_not_square(spacing: Spacing) -> None:
    row, col = np.indices((400, 400))
    pen = [(r, c) for r in (-1, 1) for c in (-1, 1)]
    ball = np.any([np.hypot((row - r - 200) * spacing[0], (col - c - 200) * spacing[1]) <= 60 for r, c in pen], axis=0)
    result = measure(ball, spacing)
    assert number(result, "head_circumference_mm") == pytest.approx(2 * math.pi * 60, abs=0.3)
    assert number(result, "center_row_px") == pytest.approx(200, abs=0.1)
    assert number(result, "center_col_px") == pytest.approx(200, abs=0.1)
    assert all(result.values[f"{name}_px"] is None for name in LENGTHS)
    assert "not square" in result.message
    spread = np.ptp(result.outlines[0], axis=0)
    assert spread == pytest.approx([120 / spacing[0], 120 / spacing[1]], abs=1)


# Damage ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", range(4))
@pytest.mark.parametrize("damage", ["bite", "bump", "shadow"])
def test_damage_on_a_part_of_the_edge_moves_nothing(mask: Mask, damage: str, side: int) -> None:
    row, col = np.indices(SHAPE)
    place = HEAD.points(4)[side]
    disc = np.hypot(row - place[0], col - place[1]) < 32
    along = (row - HEAD.center_row) * (place[0] - HEAD.center_row) + (col - HEAD.center_col) * (place[1] - HEAD.center_col)
    damaged = {"bite": mask & ~disc, "bump": mask | disc, "shadow": mask & (along < 0.5 * along[mask].max())}[damage]
    result = measure(damaged, None)
    assert number(result, "head_circumference_px") == pytest.approx(HEAD.perimeter, rel=0.003)


@pytest.mark.parametrize("cut", [np.s_[90:], np.s_[:170], np.s_[:, 100:], np.s_[:, :200]])
def test_a_head_that_leaves_the_picture_is_completed(mask: Mask, cut: Any) -> None:
    result = measure(mask[cut], (0.5, 0.5))
    assert result.status == Status.TOUCHES_BORDER
    assert "leaves the picture" in result.message
    assert number(result, "head_circumference_px") == pytest.approx(HEAD.perimeter, rel=0.003)


# Statuses and messages ------------------------------------------------------------------------------------------------------------


def test_a_good_head_is_ok_without_a_word(mask: Mask) -> None:
    result = measure(mask, (0.4, 0.4))
    assert (result.status, result.message) == (Status.OK, "")
    assert result.outlines[0].shape[1] == 2
    assert np.abs(HEAD.distances(result.outlines[0])).max() < 0.1


def test_nothing_is_empty() -> None:
    result = measure(np.zeros(SHAPE, np.uint8), (1.0, 1.0))
    assert result.status == Status.EMPTY
    assert set(result.values.values()) == {None}
    assert result.outlines == ()


def test_without_spacing_millimetres_are_unknown_and_the_message_says_why(mask: Mask) -> None:
    result = measure(mask, None)
    assert result.status == Status.OK
    assert "pixel size unknown: give it to get millimetres" in result.message
    assert all(value is None for name, value in result.values.items() if name.endswith(("_mm", "_weeks")))
    assert number(result, "head_circumference_px") > 0


@pytest.mark.parametrize(("radius", "status"), [(10, Status.OK), (30, Status.MULTIPLE_STRUCTURES)])
def test_a_sizeable_second_piece_is_told(mask: Mask, radius: float, status: Status) -> None:
    padded = np.pad(mask, ((0, 80), (0, 0)))
    row, col = np.indices(padded.shape)
    result = measure(padded | (np.hypot(row - 290, col - 150) < radius), (0.5, 0.5))
    assert result.status == status
    assert number(result, "head_circumference_px") == pytest.approx(HEAD.perimeter, abs=0.3)


@pytest.mark.parametrize(
    ("doubtful", "spacing", "words"),
    [
        (draw_head(Ellipse(130, 150, 110, 50, 20), SHAPE), (0.5, 0.5), "cephalic index 45 %"),
        (draw_head(Ellipse(130, 150, 8, 7, 0), SHAPE), (4.0, 4.0), "too coarsely"),
        (draw_head(HEAD, SHAPE), (0.05, 0.05), "not in 40 to 400 mm"),
        (draw_head(HEAD, SHAPE), (5.0, 5.0), "not in 40 to 400 mm"),
        (np.indices(SHAPE).sum(axis=0) % 40 < 3, None, "ellipse"),
        (np.kron(np.eye(2, dtype=int), np.ones((100, 100), int)), None, "overlap"),
        (np.ones((50, 50)), None, "no ellipse fits"),
        (np.eye(3), (1.0, 1.0), "no ellipse fits"),
    ],
    ids=["long", "tiny", "small mm", "large mm", "stripes", "two squares", "everything", "three pixels"],
)
def test_implausible_shapes_are_doubted(doubtful: npt.NDArray[Any], spacing: Spacing | None, words: str) -> None:
    result = measure(doubtful, spacing)
    assert result.status == Status.LOW_CONFIDENCE
    assert words in result.message
    assert "\n" not in result.message


def test_ages_out_of_range_are_said(mask: Mask) -> None:
    small = measure(mask, (0.09, 0.09))  # HC about 50 mm
    assert small.values["gestational_age_hadlock_weeks"] is None
    assert "no age by Hadlock" in small.message and "no age by INTERGROWTH-21st" in small.message
    middle = measure(mask, (0.4, 0.4))
    assert number(middle, "gestational_age_hadlock_weeks") == pytest.approx(24.5, abs=1)
    assert number(middle, "gestational_age_intergrowth_weeks") == pytest.approx(24.5, abs=1)


@pytest.mark.parametrize(
    ("hc_mm", "doubt"),
    [
        (39.99, "head circumference 40.0 mm is not in 40 to 400 mm"),
        (40.01, ""),
        (399.9, ""),
        (400.1, "head circumference 400.1 mm is not in 40 to 400 mm"),
    ],
)
def test_bounds_of_the_circumference(mask: Mask, hc_mm: float, doubt: str) -> None:
    side = hc_mm / number(measure(mask, (1.0, 1.0)), "head_circumference_mm")
    result = measure(mask, (side, side))
    assert (result.status is Status.LOW_CONFIDENCE) == bool(doubt)
    assert doubt in result.message


@pytest.mark.parametrize(
    ("head", "doubt"),
    [
        (Ellipse(130, 150, 9, 8.3, 0), ""),
        (Ellipse(130, 150, 9, 7.7, 0), "below 16 it is measured too coarsely"),
        (Ellipse(130, 150, 100, 60.4, 20), ""),
        (Ellipse(130, 150, 100, 59.6, 20), "cephalic index 60 % is not in 60 to 100 %"),
    ],
)
def test_bounds_of_both_axes(head: Ellipse, doubt: str) -> None:
    result = measure(draw_head(head, SHAPE), None)
    assert number(result, "biparietal_diameter_px") == pytest.approx(2 * head.semi_minor, abs=0.4)
    assert (result.status is Status.LOW_CONFIDENCE) == bool(doubt)
    assert doubt in result.message


@pytest.mark.parametrize(("hole", "doubted"), [(4600, False), (4650, True)])
def test_how_much_of_the_ellipse_the_mask_fills(hole: int, doubted: bool) -> None:
    """A hole is not seen at the outer edge. Pixels and circle of radius 100 have 99.67 % in common; the hole takes 14.6 or 14.8 %."""
    disc = fill(Ellipse(130, 150, 100, 100, 0), SHAPE)
    rows, cols = np.divmod(np.arange(hole), 70)
    disc[90 + rows, 115 + cols] = False
    result = measure(disc, None)
    assert (result.status is Status.LOW_CONFIDENCE) == doubted
    assert ("mask and ellipse overlap by 85 %, less than 85 %" in result.message) == doubted


@pytest.mark.parametrize(("side", "square"), [(1.0009, True), (1.0011, False), (0.9991, True), (0.9989, False)])
def test_pixels_that_count_as_square(mask: Mask, side: float, square: bool) -> None:
    assert (measure(mask, (1.0, side)).values["head_circumference_px"] is not None) == square


# Bad input ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spacing", [(0, 1), (1, -1), (math.nan, 1), (1, math.inf), (1,), (1, 1, 1), ("a", "b"), -0.5, (1e-9, 1), (1, 1e4)])
def test_bad_spacing_is_refused(mask: Mask, spacing: Spacing | None) -> None:
    with pytest.raises(UsageError, match="pixel spacing") as error:
        measure(mask, spacing)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("bad", [np.zeros((3, 3, 3)), np.full((4, 4), np.nan), np.zeros((0, 0))])
def test_bad_masks_are_refused(bad: npt.NDArray[Any]) -> None:
    with pytest.raises(ImageError):
        measure(bad, None)


@settings(max_examples=80, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30)), elements=st.integers(0, 1)), st.booleans())
def test_any_mask_gives_a_status_and_finite_numbers(noise: MaskArray, known: bool) -> None:
    result = measure(noise, (0.3, 0.2) if known else None)
    assert (result.status == Status.EMPTY) == (not noise.any())
    assert all(value is None or (isinstance(value, (int, float)) and math.isfinite(value)) for value in result.values.values())


def test_a_noisy_mask_takes_no_time() -> None:
    noise = np.random.default_rng(0).random((540, 800)) < 0.5
    start = time.process_time()
    measure(noise, None)
    assert time.process_time() - start < 1


# The inverse ----------------------------------------------------------------------------------------------------------------------


def test_a_mask_filled_from_axes_measures_the_same_again() -> None:
    """Five rounds on all samples: the circumference stays within 0.02 mm on average and 0.1 mm at worst."""
    predictor, apart = Predictor("fetal_head"), []
    for group in FETAL_HEAD.groups:
        for sample in group.samples():
            found = predictor.predict(sample.content, spacing_mm=sample.spacing_mm)
            result, spacing = found.measurement, found.image.spacing_mm
            first = number(result, "head_circumference_mm")
            for _ in range(5):
                mask = mask_of_axes((result.axes[0], result.axes[1]), (found.mask.shape[0], found.mask.shape[1]), spacing)
                result = measure(mask, spacing)
                apart.append(abs(number(result, "head_circumference_mm") - first))
    assert len(apart) == 40 and np.mean(apart) <= 0.02 and max(apart) <= 0.1


@pytest.mark.parametrize("spacing", [None, (0.1, 0.2), (0.3, 0.15)])
@pytest.mark.parametrize("angle", [-89.0, -30.0, 0.0, 45.0, 90.0])
def test_a_filled_ellipse_has_its_lengths(spacing: Spacing | None, angle: float) -> None:
    step = np.array(spacing or (1.0, 1.0))
    ellipse = Ellipse(130 * step[0], 150 * step[1], 100 * min(step), 80 * min(step), angle)
    long, short = (axis / step for axis in ellipse.axes())
    result = measure(mask_of_axes((long, short), SHAPE, spacing), spacing)
    unit = "px" if spacing is None else "mm"
    assert number(result, f"occipitofrontal_diameter_{unit}") == pytest.approx(200 * min(step), abs=0.25 * max(step))
    assert number(result, f"biparietal_diameter_{unit}") == pytest.approx(160 * min(step), abs=0.25 * max(step))
    assert abs((number(result, "angle_deg") - angle + 90) % 180 - 90) < 0.5


def test_an_ellipse_beyond_the_picture_is_cut_off() -> None:
    mask = mask_of_axes((np.array([[50.0, -40.0], [50.0, 60.0]]), np.array([[20.0, 10.0], [80.0, 10.0]])), (100, 120), None)
    assert mask.shape == (100, 120) and mask.dtype == np.uint8 and mask[50, 0] == mask[50, 61] == 1 and mask[50, 62] == 0
    assert not mask_of_axes(
        (np.array([[500.0, 500.0], [500.0, 600.0]]), np.array([[450.0, 550.0], [550.0, 550.0]])), (100, 120), None
    ).any()


@pytest.mark.parametrize("ends", [[[1.0, 1.0], [1.0, 1.0]], [[1.0, math.nan], [1.0, 5.0]]])
def test_axes_that_are_none(ends: list[list[float]]) -> None:
    with pytest.raises(UsageError, match="two ends"):
        mask_of_axes((np.array(ends), np.array([[0.0, 0.0], [5.0, 5.0]])), (100, 120), None)
