"""The nerve's numbers on closed forms, its statuses, and the real masks."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.tasks.masks import dented, filled
from tests.values import numbers
from usseg_monai.errors import ImageError, UsageError
from usseg_monai.imaging import read_mask
from usseg_monai.measuring.result import Status
from usseg_monai.tasks.nerve.measure import measure
from usseg_monai.tasks.nerve.record import NERVE

SHAPE = (120, 160)


def oval(row: float = 50, col: float = 80, down: float = 14, right: float = 18, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    rows, cols = np.indices(shape)
    result: np.ndarray = np.hypot((rows - row) / down, (cols - col) / right) <= 1
    return result


def test_every_column_of_the_task_is_present() -> None:
    columns = [column.name for column in NERVE.columns]
    for mask, spacing in ((oval(), (0.1, 0.1)), (oval(), None), (oval() & False, None)):
        assert list(NERVE.measure(mask, spacing, presence_probability=0.5).values) == columns
        assert list(NERVE.measure(mask, spacing).values) == columns


@settings(max_examples=40, deadline=None)
@given(st.floats(40, 70), st.floats(60, 100), st.floats(8, 30), st.floats(8, 40), st.floats(0.01, 3), st.floats(0.01, 3))
def test_ovals(row: float, col: float, down: float, right: float, high: float, wide: float) -> None:
    values = numbers(measure(oval(row, col, down, right), (high, wide)).values)
    assert values["area_px"] == pytest.approx(math.pi * down * right, rel=0.04)
    assert values["area_mm2"] == pytest.approx(values["area_px"] * high * wide)
    assert values["equivalent_diameter_mm"] == pytest.approx(2 * math.sqrt(down * right * high * wide), rel=0.02)
    assert (values["center_row_px"], values["center_col_px"]) == pytest.approx((row, col), abs=0.2)
    # The oval is half a pixel wide where its tip is that far away; nearer to it, it may lie between two pixels.
    tips = 1 + down / (8 * right**2) + 0.01, 1 + right / (8 * down**2) + 0.01
    assert (values["first_row_px"], values["last_row_px"]) == pytest.approx((row - down, row + down), abs=tips[0])
    assert (values["first_col_px"], values["last_col_px"]) == pytest.approx((col - right, col + right), abs=tips[1])


def test_a_rectangle_exactly() -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[20:30, 41:73] = 255
    assert measure(mask, (0.5, 0.25), presence_probability=0.75).values == {
        "presence_probability": 0.75,
        "area_mm2": 40.0,
        "equivalent_diameter_mm": pytest.approx(2 * math.sqrt(40 / math.pi)),
        "area_px": 320,
        "equivalent_diameter_px": None,
        "center_row_px": 24.5,
        "center_col_px": 56.5,
        "first_row_px": 20,
        "last_row_px": 29,
        "first_col_px": 41,
        "last_col_px": 72,
    }


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30)), elements=st.integers(0, 1)), st.booleans())
def test_any_mask_gives_a_status_and_numbers_within_the_picture(noise: np.ndarray, known: bool) -> None:
    result = measure(noise, (0.2, 0.1) if known else None)
    values = numbers(result.values)
    assert (result.status == Status.EMPTY) == (not noise.any())
    assert all(value is None or name in values for name, value in result.values.items())
    assert all(math.isfinite(value) for value in values.values())
    if noise.any():
        assert 0 <= values["first_row_px"] <= values["center_row_px"] <= values["last_row_px"] < noise.shape[0]
        assert 0 <= values["first_col_px"] <= values["center_col_px"] <= values["last_col_px"] < noise.shape[1]
        assert 1 <= values["area_px"] <= noise.sum()
        turned = measure(noise.T, (0.1, 0.2) if known else None).values
        assert turned["area_px"] == values["area_px"]


@pytest.mark.parametrize(
    ("mask", "spacing", "status", "words"),
    [
        (oval(), (0.1, 0.1), Status.OK, ""),
        (oval(), None, Status.OK, "pixel size unknown: give it to get millimetres"),
        (oval(), (0.1, 0.2), Status.OK, "pixels are not square: no diameter in pixels"),
        (oval() & False, (0.1, 0.1), Status.EMPTY, "no nerve found"),
        (oval() | oval(100, 20, 6, 6), (0.1, 0.1), Status.MULTIPLE_STRUCTURES, "a second piece has 14 %"),
        (oval() | oval(100, 20, 2, 2), (0.1, 0.1), Status.OK, ""),
        (oval(row=5), (0.1, 0.1), Status.TOUCHES_BORDER, "the nerve leaves the picture"),
        (oval(down=5, right=5), (0.1, 0.1), Status.LOW_CONFIDENCE, "covers 0.42 % of the picture, not 0.5 to 12.5 %"),
        (oval(down=30, right=40), (0.1, 0.1), Status.LOW_CONFIDENCE, "covers 20 % of the picture"),
    ],
)
def test_statuses(mask: np.ndarray, spacing: tuple[float, float] | None, status: Status, words: str) -> None:
    result = measure(mask, spacing)
    assert result.status == status
    assert words in result.message if words else result.message == ""


def test_no_nerve_leaves_all_but_the_presence_empty() -> None:
    values = measure(np.zeros(SHAPE), (0.1, 0.1), presence_probability=0.02).values
    assert {name for name, value in values.items() if value is not None} == {"presence_probability"}


@pytest.mark.parametrize("probability", [-0.1, 1.1, math.nan, math.inf])
def test_what_is_no_probability_is_refused(probability: float) -> None:
    with pytest.raises(UsageError, match="presence probability"):
        measure(oval(), None, presence_probability=probability)


@pytest.mark.parametrize("spacing", [(0, 1), (1, math.nan), (1,), -0.5])
def test_bad_spacing_is_refused(spacing: object) -> None:
    with pytest.raises(UsageError, match="pixel spacing"):
        measure(oval(), spacing)  # type: ignore[arg-type]


def test_bad_masks_are_refused() -> None:
    with pytest.raises(ImageError, match="2-D"):
        measure(np.zeros((3, 3, 3)), None)


def test_real_masks_are_plausible(data_root: Path) -> None:
    masks = sorted((data_root / "nerve" / "reduced" / "masks").iterdir())[::20]
    results = [measure(read_mask(file), None) for file in masks]
    assert len(results) > 50
    assert {result.status for result in results} == {Status.OK}


@pytest.mark.parametrize(
    ("mask", "diameter_mm", "doubt"),
    [
        (filled(100, 10), 5.0, ""),
        (filled(99, 10), 5.0, "covers 0.49 % of the picture, not 0.5 to 12.5 %"),
        (filled(2500, 50), 5.0, ""),
        (filled(2501, 50), 5.0, "covers 13 % of the picture, not 0.5 to 12.5 %"),
        (filled(400, 20), 1.001, ""),
        (filled(400, 20), 0.999, "equivalent diameter 1.0 mm is not in 1 to 25 mm"),
        (filled(400, 20), 24.99, ""),
        (filled(400, 20), 25.01, "equivalent diameter 25.0 mm is not in 1 to 25 mm"),
        (dented(120), 5.0, ""),
        (dented(121), 5.0, "fills 70 % of its convex hull, less than 70 %"),
    ],
)
def test_bounds_just_inside_and_just_outside(mask: np.ndarray, diameter_mm: float, doubt: str) -> None:
    side = diameter_mm / (2 * math.sqrt(mask.sum() / math.pi))
    result = measure(mask, (side, side))
    assert (result.status is Status.LOW_CONFIDENCE) == bool(doubt)
    assert doubt in result.message if doubt else result.message == ""
