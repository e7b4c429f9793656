"""Brushes against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from usseg_monai.phantoms.drawing import Oval, bell, blend, step


def test_a_step_is_soft_and_odd_around_its_middle() -> None:
    distance = np.linspace(-1, 1, 201)
    soft = step(distance, 0.8)
    assert (soft[distance < -0.41] == 0).all() and (soft[distance > 0.41] == 1).all()
    assert soft + soft[::-1] == pytest.approx(np.ones(201), abs=1e-6)
    assert (np.diff(soft) >= 0).all()


def test_a_bell_is_a_gaussian() -> None:
    assert bell(np.array([0.0, 2.0, 4.0]), 2.0).tolist() == pytest.approx([1, math.exp(-0.5), math.exp(-2)])


def test_blending() -> None:
    assert blend(np.array([1.0, 1.0, 1.0]), np.array([5.0, 5.0, 5.0]), np.array([0.0, 0.25, 1.0])).tolist() == [1, 2, 5]


@pytest.mark.parametrize("angle_deg", [0, 30, 90, -60])
def test_an_oval_has_its_area_reach_and_edge(angle_deg: float) -> None:
    oval = Oval(10.0, 8.0, 5.0, 3.0, math.radians(angle_deg))
    turn = np.linspace(0, 2 * math.pi, 721)
    u, v = oval.long * np.cos(turn), oval.short * np.sin(turn)
    c, s = math.cos(oval.angle), math.sin(oval.angle)
    x, y = oval.x + u * c + v * s, oval.y - u * s + v * c  # counter-clockwise as seen, y down
    assert np.abs(oval.distance(x, y)).max() < 1e-4
    assert oval.reach == pytest.approx((np.abs(x - oval.x).max(), np.abs(y - oval.y).max()), abs=1e-3)
    assert oval.area == pytest.approx(abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2, rel=1e-3)
    assert oval.distance(np.array([oval.x]), np.array([oval.y]))[0] <= 0
