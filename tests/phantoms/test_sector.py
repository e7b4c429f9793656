"""Scan conversion puts samples where the geometry says."""

from __future__ import annotations

import numpy as np
import pytest

from usseg_monai.phantoms.sector import Sector

SECTOR = Sector(apex_mm=(30.0, -40.0), face_mm=45.0, near_mm=50.0, far_mm=85.0, half_angle=0.6)
SHAPE, SPACING = (100, 120), 0.5


def test_points_are_scan_converted_to_themselves() -> None:
    grid = SECTOR.beam_grid((60.0, 50.0), 0.25, 0.25)
    x, y = grid.points()
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]] * SPACING
    radius, angle = SECTOR.polar(cols, rows)
    inside = (radius > 50.1) & (radius < 84.9) & (np.abs(angle) < 0.59)
    for samples, expected in ((x, cols), (y, rows)):
        picture = grid.to_picture(samples, SHAPE, SPACING)
        assert picture[inside] == pytest.approx(expected[inside], abs=0.01)


def test_outside_of_the_sector_is_black() -> None:
    grid = SECTOR.beam_grid((60.0, 50.0), 0.25, 0.25)
    picture = grid.to_picture(np.ones((grid.radius.size, grid.angle.size), np.float32), SHAPE, SPACING)
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]] * SPACING
    radius, angle = SECTOR.polar(cols, rows)
    outside = (radius < 49.9) | (radius > 85.1) | (np.abs(angle) > 0.601)
    assert outside.any() and not picture[outside].any()
    assert picture[50, 60] == pytest.approx(1.0)


def test_grid_covers_no_more_than_the_picture_shows() -> None:
    grid = Sector((30.0, -40.0), 41.0, 41.0, 500.0, 1.2).beam_grid((60.0, 50.0), 0.25, 0.25)
    assert grid.radius[-1] == pytest.approx(np.hypot(30, 90), abs=0.1)
    assert grid.angle[-1] == pytest.approx(np.arctan2(30, 40), abs=1e-3) == -grid.angle[0]


def test_steps_are_at_most_those_asked_for() -> None:
    grid = SECTOR.beam_grid((60.0, 50.0), 0.3, 0.4)
    assert 0.25 < grid.depth_step_mm <= 0.3
    assert np.diff(grid.angle)[0] * (grid.radius[0] + grid.radius[-1]) / 2 <= 0.4 + 1e-6
