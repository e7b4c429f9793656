"""Each pair is a dot at its mean and difference; bias and limits are lines at their heights, with words that do not overlap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from tests.imaging.drawing.test_curve import near
from usseg_monai.imaging.drawing.agreement import draw_agreement
from usseg_monai.imaging.drawing.chart import BLUE, BOTTOM, INK, LEFT, PAPER, TOP

PAIRS = [(12.0, 8.0), (31.0, 33.0), (50.0, 50.0)]  # means 10, 32, 50; differences 4, -2, 0
RIGHT = 690


def drawn(pairs: list[tuple[float, float]], mean: float, limits: tuple[float, float]) -> npt.NDArray[np.uint8]:
    return draw_agreement(pairs, mean, limits, title="", subtitle="", x_label="", y_label="")


def row_of(value: float, low: float, high: float) -> float:
    return BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP)


def words(picture: npt.NDArray[np.uint8]) -> list[float]:
    """Middle rows of the texts beside the axes."""
    rows = np.flatnonzero(near(picture[: BOTTOM + 8, RIGHT + 6 :], INK, 120).any(axis=1))
    return [float(group.mean()) for group in np.split(rows, np.flatnonzero(np.diff(rows) > 3) + 1)]


def test_dots_stand_at_means_and_differences() -> None:
    picture = drawn(PAIRS, 0.5, (-5.0, 6.0))  # the axes: -6 to 6, 10 to 50
    dots = near(picture, BLUE)
    for mean, difference in ((10.0, 4.0), (32.0, -2.0), (50.0, 0.0)):
        row, col = row_of(difference, -6, 6), LEFT + (mean - 10) / 40 * (RIGHT - LEFT)
        assert dots[round(row) - 1 : round(row) + 2, round(col) - 2 : round(col) + 2].mean() > 0.6, (mean, difference)
    at = np.nonzero(dots)
    assert at[1].max() <= RIGHT + 4 and len(at[0]) < 3 * 60  # nothing but three dots


def test_lines_stand_at_bias_and_limits() -> None:
    picture = drawn([(20.0, 20.0)] * 2, 1.0, (-3.5, 5.5))  # the axes: -4 to 6
    ink = near(picture[:, LEFT:RIGHT], INK, 90).mean(axis=1)
    for value, share in ((1.0, 0.95), (-3.5, 0.4), (5.5, 0.4)):  # whole, and dashed
        row = round(row_of(value, -4, 6))
        assert ink[row - 1 : row + 2].max() == pytest.approx(share, abs=0.15), value
    assert words(picture) == pytest.approx([row_of(value, -4, 6) for value in (5.5, 1.0, -3.5)], abs=4)


@pytest.mark.parametrize(
    ("pairs", "mean", "limits"),
    [([(7.0, 7.0)], 0.0, (0.0, 0.0)), ([(0.0, 0.0), (1e-9, 0.0)], 5e-10, (-8e-10, 2e-9)), ([(1e6, 0.0), (0.0, 1e6)], 0.0, (-2e6, 2e6))],
)
def test_any_values_are_within_the_picture_and_words_apart(
    pairs: list[tuple[float, float]], mean: float, limits: tuple[float, float]
) -> None:
    picture = drawn(pairs, mean, limits)
    assert near(picture, BLUE).any() and (picture[:, -3:] == PAPER).all()
    assert len(words(picture)) == 3
