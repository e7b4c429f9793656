"""The curve goes through its points, at the heights that the grid's labels state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from usseg_monai.imaging.drawing.chart import BLUE, FAINT, GRID, INK, PAPER
from usseg_monai.imaging.drawing.curve import Mark, draw_curve

X = [0.0, 100.0, 250.0, 400.0, 800.0]
Y = [100.0, 60.0, 40.0, 55.0, 90.0]


def chart(x: list[float] | None = None, y: list[float] | None = None, **words: object) -> np.ndarray:
    texts = {"title": "", "subtitle": "", "x_label": "", "y_label": ""}
    return draw_curve(x or X, y or Y, **{**texts, **words})  # type: ignore[arg-type]


def near(drawn: np.ndarray, color: tuple[int, int, int], tolerance: int = 60) -> np.ndarray:
    """Where a colour is, blended at its edges."""
    close: np.ndarray = np.abs(drawn.astype(int) - color).max(axis=2) < tolerance
    return close


def level_rows(drawn: np.ndarray) -> np.ndarray:
    """Rows of the horizontal lines, from the top; the last is that of zero."""
    lines = np.flatnonzero((near(drawn, GRID, 12) | near(drawn, FAINT, 60)).mean(axis=1) > 0.5)
    return np.array([group.mean() for group in np.split(lines, np.flatnonzero(np.diff(lines) > 1) + 1)])


def span(drawn: np.ndarray) -> tuple[int, int]:
    """First and last column of the lines."""
    row = round(level_rows(drawn)[-1])  # that of zero, darker than the others
    cols = np.flatnonzero(near(drawn, FAINT)[row, 70:]) + 70
    return int(cols.min()), int(cols.max())


def test_lines_stand_at_round_values_up_to_above_the_curve() -> None:
    rows = level_rows(chart())
    assert len(rows) == 7  # 0, 20, ... 120
    assert np.ptp(np.diff(rows)) <= 1 and rows[0] < 130 and rows[-1] > 400


def test_the_curve_is_at_the_height_of_its_values() -> None:
    drawn = chart()
    rows, (left, right) = level_rows(drawn), span(drawn)
    blue = near(drawn, BLUE)
    for x, y in zip(X, Y, strict=True):
        col = left + x / 800 * (right - left)
        row = rows[-1] - y / 120 * (rows[-1] - rows[0])
        assert blue[round(row) - 1 : round(row) + 2, round(col) - 1 : round(col) + 2].mean() >= 0.6, (x, y)
    between = round(left + 600 / 800 * (right - left))  # halfway from 55 to 90
    middle = np.flatnonzero(blue[:, between]).mean()
    assert middle == pytest.approx(rows[-1] - 72.5 / 120 * (rows[-1] - rows[0]), abs=1)
    assert not blue[: round(rows[-1] - 104 / 120 * (rows[-1] - rows[0]))].any()  # nothing above the highest point
    assert not blue[round(rows[-1] - 36 / 120 * (rows[-1] - rows[0])) :].any()  # nor below the lowest


def test_each_line_has_its_value_beside_it_and_each_tick_below() -> None:
    drawn = chart()
    words = near(drawn, FAINT, 90)
    rows, (left, right) = level_rows(drawn), span(drawn)
    labels = np.flatnonzero(words[:425, : left - 4].any(axis=1))
    groups = np.split(labels, np.flatnonzero(np.diff(labels) > 3) + 1)
    assert [group.mean() for group in groups] == pytest.approx(list(rows), abs=2)
    below = np.flatnonzero(words[round(rows[-1]) + 8 : round(rows[-1]) + 26].any(axis=0))
    ticks = np.split(below, np.flatnonzero(np.diff(below) > 12) + 1)  # 0, 200, 400, 600, 800
    assert [group.mean() for group in ticks] == pytest.approx(list(np.linspace(left, right, 5)), abs=3)


@pytest.mark.parametrize("index", range(len(X)))
@pytest.mark.parametrize("above", [True, False])
def test_a_mark_stands_at_its_point_with_its_name_above_or_below(index: int, above: bool) -> None:
    drawn = chart(marks=[Mark(index, "end diastole", above)])
    ink = near(drawn, INK, 50)
    rows, (left, right) = level_rows(chart()), span(chart())
    row, col = rows[-1] - Y[index] / 120 * (rows[-1] - rows[0]), left + X[index] / 800 * (right - left)
    assert ink[round(row) - 2 : round(row) + 3, round(col) - 2 : round(col) + 3].mean() > 0.9
    letters = np.nonzero(ink & (np.abs(np.arange(480) - row) > 9)[:, None])
    assert len(letters[0]) > 50 and (letters[0] < row).all() == above == (letters[0] < row).any()
    assert abs(letters[0].mean() - row) < 26 and letters[1].min() <= col + 8 and letters[1].max() >= col - 8
    assert letters[1].max() < 840 - 10


@pytest.mark.parametrize("words", ["title", "subtitle", "x_label", "y_label"])
def test_words_are_where_they_belong(words: str) -> None:
    more: dict[str, Any] = {words: "Volume, ml"}
    changed = (chart() != chart(**more)).any(axis=2)
    rows, cols = np.nonzero(changed)
    place = {"title": (28, 0), "subtitle": (54, 0), "y_label": (90, 0), "x_label": (460, 400)}[words]
    assert rows.mean() == pytest.approx(place[0], abs=8) and cols.min() >= place[1]


def test_a_long_title_is_cut_and_odd_letters_are_replaced() -> None:
    drawn = chart(title="x" * 85 + "\u5fc3\n" + "y" * 300)
    assert drawn.shape == (480, 840, 3) and (drawn[:, -8:] == PAPER).all()


@pytest.mark.parametrize(("x", "y"), [([0.0], [5.0]), ([0.0, 1.0], [0.0, 0.0]), ([3.0, 4.0], [1e-3, 2e-3]), ([0.0, 1e6], [1e5, 3.0])])
def test_any_values_have_a_curve_within_the_picture(x: list[float], y: list[float]) -> None:
    rows, _ = np.nonzero(near(chart(x, y), BLUE))
    assert len(rows) and rows.min() > 100 and rows.max() < 425
