"""The true outline of a lesion against an ellipse, and what tells the two kinds apart."""

from __future__ import annotations

import math

import numpy as np
import pytest

from usseg_monai.tasks.breast.lesion_scene import Lesion, draw_lesion

ELLIPSE = Lesion(False, 12.0, 9.0, 6.0, 3.0, math.radians(30), ())


def test_without_waves_it_is_an_ellipse() -> None:
    truth = ELLIPSE.truth(0.1)
    width = 2 * math.hypot(6 * math.cos(math.radians(30)), 3 * math.sin(math.radians(30)))
    depth = 2 * math.hypot(6 * math.sin(math.radians(30)), 3 * math.cos(math.radians(30)))
    assert truth["area_mm2"] == pytest.approx(math.pi * 18, rel=1e-5)
    assert truth["area_px"] == pytest.approx(math.pi * 1800, rel=1e-5)
    assert (truth["long_axis_mm"], truth["short_axis_mm"]) == pytest.approx((12, 6), rel=1e-5)
    assert (truth["width_mm"], truth["depth_mm"]) == pytest.approx((width, depth), rel=1e-5)
    assert truth["depth_width_ratio"] == pytest.approx(depth / width, rel=1e-5)
    assert (truth["center_row_px"], truth["center_col_px"]) == pytest.approx((90, 120), rel=1e-6)


def test_the_distance_is_negative_inside_and_0_on_the_outline() -> None:
    lesion = draw_lesion(np.random.default_rng(3), True)
    x, y = lesion.outline()
    assert np.abs(lesion.distance(x, y)).max() < 1e-9
    assert (lesion.distance(0.9 * x, 0.9 * y) < 0).all() and (lesion.distance(1.1 * x, 1.1 * y) > 0).all()


def test_moving_keeps_its_size() -> None:
    lesion = draw_lesion(np.random.default_rng(4), False)
    before, after = lesion.truth(0.1), lesion.moved(3, 5).truth(0.1)
    assert after["area_mm2"] == pytest.approx(before["area_mm2"])
    assert after["center_col_px"] - before["center_col_px"] == pytest.approx(30)
    assert after["center_row_px"] - before["center_row_px"] == pytest.approx(50)


def test_malignant_ones_are_taller_than_wide_and_benign_ones_are_not() -> None:
    for seed in range(30):
        malignant, benign = (draw_lesion(np.random.default_rng(seed), kind).truth(0.1) for kind in (True, False))
        assert malignant["depth_width_ratio"] >= 1.05
        assert benign["depth_width_ratio"] < 1
