"""Values lie where the axes' labels state; axes enclose all values and have round labels."""

from __future__ import annotations

import numpy as np
import pytest

from tests.imaging.drawing.test_curve import level_rows, near
from usseg_monai.imaging.drawing.chart import BLUE, BOTTOM, HEIGHT, INK, LEFT, RIGHT, TOP, WIDTH, Chart, Scale, round_step


def chart(x: Scale, y: Scale, right: int = RIGHT) -> Chart:
    return Chart(x, y, title="", subtitle="", x_label="", y_label="", right=right)


@pytest.mark.parametrize("right", [RIGHT, 400])
def test_corners_and_middle(right: int) -> None:
    drawn = chart(Scale.around(-2, 8), Scale.around(10, 60), right)
    assert drawn.at(-2, 10) == (LEFT, BOTTOM) and drawn.at(8, 60) == (right, TOP)
    assert drawn.at(3, 35) == ((LEFT + right) / 2, (TOP + BOTTOM) / 2)
    assert drawn.picture().shape == (HEIGHT, WIDTH, 3)
    assert level_rows(drawn.picture()[:, :right]) == pytest.approx(np.linspace(TOP, BOTTOM, 6), abs=1)


@pytest.mark.parametrize(("low", "high"), [(-3.1, 7.2), (0.0, 1.0), (1e-9, 3e-9), (-5e6, -4e6), (7.0, 7.0), (0.0, 0.0), (-1e-3, 1e3)])
def test_an_axis_encloses_its_values_with_round_labels(low: float, high: float) -> None:
    scale = Scale.around(low, high)
    assert scale.low <= low and high <= scale.high and scale.low < scale.high
    assert (scale.ticks[0], scale.ticks[-1]) == pytest.approx((scale.low, scale.high))
    steps = np.diff(scale.ticks)
    assert 3 <= len(steps) <= 9 and np.ptp(steps) <= 1e-9 * abs(steps).max() + 1e-12 * abs(scale.high)
    assert f"{steps[0]:.3e}"[0] in "125"


@pytest.mark.parametrize(("span", "step"), [(1, 0.2), (6.6, 1), (6.7, 2), (13, 2), (30, 5), (33.4, 10), (60, 10)])
def test_steps_are_round_and_about_six(span: float, step: float) -> None:
    assert round_step(span) == pytest.approx(step)


def test_a_dashed_line_has_gaps() -> None:
    drawn = chart(Scale.within(0, 1), Scale.within(0, 1))
    height = round(drawn.level(0.5, INK))
    assert height == (TOP + BOTTOM) / 2
    dashed = chart(Scale.within(0, 1), Scale.within(0, 1))
    dashed.level(0.5, BLUE, dashed=True)
    whole, parts = (near(each.picture(), color, 120)[height, LEFT:RIGHT].mean() for each, color in ((drawn, INK), (dashed, BLUE)))
    assert whole > 0.98 and 0.35 < parts < 0.65
    assert not near(dashed.picture(), BLUE)[height, RIGHT + 2 :].any()
