"""The curve goes through its rates, in a square, with its name beside it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.imaging.drawing.test_curve import near
from usseg_monai.imaging.drawing.chart import BLUE, BOTTOM, INK, LEFT, RED, TOP
from usseg_monai.imaging.drawing.roc import draw_roc

RIGHT = LEFT + BOTTOM - TOP


def test_curves_go_through_their_rates() -> None:
    picture = draw_roc({"one": ([0.0, 0.25, 1.0], [0.5, 0.75, 1.0]), "two": ([0.0, 0.5, 0.5, 1.0], [0.0, 0.0, 1.0, 1.0])}, title="ROC")
    for color, points in ((BLUE, [(0.125, 0.625), (0.25, 0.75), (0.7, 0.9)]), (RED, [(0.5, 0.3), (0.5, 0.9), (0.25, 0.0)])):
        line = near(picture, color, 80)
        for false, true in points:
            row, col = round(BOTTOM - true * (BOTTOM - TOP)), round(LEFT + false * (RIGHT - LEFT))
            assert line[row - 2 : row + 3, col - 2 : col + 3].mean() > 0.3, (color, false, true)
    assert not near(picture, BLUE)[round(BOTTOM - 0.45 * (BOTTOM - TOP)) :, :RIGHT].any()


@pytest.mark.parametrize("count", [1, 3, 5])
def test_each_curve_has_a_name_beside_the_square(count: int) -> None:
    picture = draw_roc({f"class {number}": ([0.0, 1.0], [0.0, 1.0]) for number in range(count)}, title="")
    rows = np.flatnonzero(near(picture[:, RIGHT + 70 :], INK, 120).any(axis=1))
    assert len(np.split(rows, np.flatnonzero(np.diff(rows) > 6) + 1)) == count
