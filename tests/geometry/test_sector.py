"""Tests of usseg_monai.geometry.sector."""

from __future__ import annotations

import numpy as np
import pytest

from usseg_monai.geometry.sector import Sector

SECTOR = Sector(apex=(20.0, -8.0), near=10.0, far=60.0, left=-0.5, right=0.7, spacing=(0.3, 0.4))


def test_there_and_back() -> None:
    rows, cols = np.mgrid[:80:7, :100:9]
    back_cols, back_rows = SECTOR.pixels(*SECTOR.polar(cols, rows))
    np.testing.assert_allclose(back_cols, cols, atol=1e-9)
    np.testing.assert_allclose(back_rows, rows, atol=1e-9)


def test_a_circle_has_its_polar_equation() -> None:
    """Radius q about a point at radius p and angle b: r^2 - 2 r p cos(a - b) + p^2 = q^2."""
    p, b, q = 30.0, 0.2, 7.0
    centre = SECTOR.apex[0] + p * np.sin(b), SECTOR.apex[1] + p * np.cos(b)
    turn = np.linspace(0, 2 * np.pi, 50)
    x, y = centre[0] + q * np.cos(turn), centre[1] + q * np.sin(turn)
    radius, angle = SECTOR.polar(x / SECTOR.spacing[1], y / SECTOR.spacing[0])
    np.testing.assert_allclose(radius**2 - 2 * radius * p * np.cos(angle - b) + p**2, q**2, rtol=1e-9)


def test_corners_have_fractions_of_zero_and_one() -> None:
    square = Sector(apex=(50, 0), near=20, far=80, left=-0.3, right=0.3)
    across, down = square.fractions((100, 101))
    assert down[20, 50] == 0 and down[80, 50] == 1 and across[40, 50] == pytest.approx(0.5)


@pytest.mark.parametrize(("row", "inside"), [(19, False), (20, True), (80, True), (81, False)])
def test_the_mask_ends_at_the_radii(row: int, inside: bool) -> None:
    assert Sector(apex=(50, 0), near=20, far=80, left=-0.3, right=0.3).mask((100, 101))[row, 50] == inside


def test_the_mask_has_the_area_of_the_sector() -> None:
    sector = Sector(apex=(150, 5), near=30, far=200, left=-0.6, right=0.5)
    assert sector.mask((220, 300)).sum() == pytest.approx((200**2 - 30**2) / 2 * 1.1, rel=0.005)


def test_the_grid_is_nowhere_coarser_than_the_picture() -> None:
    beams, depths = SECTOR.grid()
    assert SECTOR.far * (SECTOR.right - SECTOR.left) / (beams - 1) <= 0.3 < SECTOR.far * (SECTOR.right - SECTOR.left) / (beams - 3)
    assert (SECTOR.far - SECTOR.near) / (depths - 1) <= 0.3 < (SECTOR.far - SECTOR.near) / (depths - 3)


@pytest.mark.parametrize(
    "wrong",
    [{"near": -1}, {"near": 60}, {"left": 0.7}, {"left": -1.58}, {"right": 1.58}, {"spacing": (0.0, 1.0)}],
)
def test_what_has_no_area_is_refused(wrong: dict[str, float]) -> None:
    values = {"apex": (20, -8), "near": 10, "far": 60, "left": -0.5, "right": 0.7, **wrong}
    with pytest.raises(ValueError, match="radii must rise from 0"):
        Sector(**values)  # type: ignore[arg-type]  # some are wrong on purpose
