"""Where a phantom's head lies: whole in the picture and in the field of view, of the size that was asked for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from usseg_monai.tasks.fetal_head.view import EARLY_BELOW_MM, MARGIN_PX, Head, draw_view

SHAPE = (270, 400)


def test_the_circumference_of_a_circle() -> None:
    assert Head(0, 0, 30, 30, 0).circumference_mm == pytest.approx(60 * math.pi)


@pytest.mark.parametrize("circumference", [60.0, EARLY_BELOW_MM - 0.01, EARLY_BELOW_MM, 200.0, 340.0, None])
def test_the_head_is_seen_whole(circumference: float | None) -> None:
    turn = np.linspace(0, 2 * math.pi, 361)
    for seed in range(25):
        view = draw_view(np.random.default_rng(seed), SHAPE, circumference)
        head = view.head
        if circumference is not None:
            assert head.circumference_mm == pytest.approx(circumference, rel=1e-9)
        ratio = head.short / head.long
        early = (circumference or head.circumference_mm) < EARLY_BELOW_MM
        assert (0.78 <= ratio <= 0.92) if early else (0.72 <= ratio <= 0.86)
        c, s = math.cos(head.angle), math.sin(head.angle)
        u, v = head.long * np.cos(turn), head.short * np.sin(turn)
        x, y = head.x + u * c + v * s, head.y - u * s + v * c
        assert x.min() >= MARGIN_PX * view.spacing_mm - 1e-6 and x.max() <= (SHAPE[1] - MARGIN_PX) * view.spacing_mm + 1e-6
        assert y.min() >= MARGIN_PX * view.spacing_mm - 1e-6 and y.max() <= (SHAPE[0] - MARGIN_PX) * view.spacing_mm + 1e-6
        radius, angle = view.grid.sector.polar(x, y)
        assert np.abs(angle).max() <= view.grid.sector.half_angle
        assert radius.max() <= view.grid.sector.far_mm
