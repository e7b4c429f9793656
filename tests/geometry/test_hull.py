"""Convex hulls of masks whose hulls are known exactly."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from usseg_monai.geometry.hull import hull_corners, pixels_of_hull
from usseg_monai.geometry.runs import find_runs

ROWS, COLS = np.mgrid[:40, :50]
L_SHAPE = (ROWS < 10) & (COLS < 10) & ~((ROWS < 5) & (COLS >= 5))
RING = np.abs(np.hypot(ROWS - 20, COLS - 25) - 12) < 2

masks = arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=st.integers(0, 1)).filter(np.any)


def _brute_force(mask: npt.NDArray[Any]) -> int:
    """Pixels that lie in a triangle of pixels of the mask (Caratheodory), in whole numbers."""
    points = np.argwhere(mask)
    a, b, c = (points[list(index)] for index in zip(*itertools.combinations_with_replacement(range(len(points)), 3), strict=True))
    inside = 0
    for pixel in np.ndindex(mask.shape):
        sides = [(q - p)[:, 0] * (pixel - p)[:, 1] - (q - p)[:, 1] * (pixel - p)[:, 0] for p, q in ((a, b), (b, c), (c, a))]
        one_side = (np.min(sides, axis=0) >= 0) | (np.max(sides, axis=0) <= 0)
        box = ((np.min([a, b, c], axis=0) <= pixel) & (np.max([a, b, c], axis=0) >= pixel)).all(axis=1)  # for flat triangles
        inside += bool((one_side & box).any())
    return inside


@pytest.mark.parametrize(
    ("mask", "pixels"),
    [
        ((ROWS == 7) & (COLS == 9), 1),
        ((ROWS == 7) & (COLS < 20), 20),
        ((ROWS < 13) & (COLS == 9), 13),
        ((ROWS == COLS) & (ROWS < 11), 11),
        ((ROWS < 20) & (COLS < 20), 400),
        ((ROWS >= 3) & (ROWS < 8) & (COLS >= 11) & (COLS < 20), 45),
        (np.hypot(ROWS - 20, COLS - 25) <= 14, 613),  # Gauss's circle problem: points of the grid in a circle of radius 14
        ((COLS <= ROWS) & (ROWS < 12), 78),  # a triangle: 12 x 13 / 2
        (L_SHAPE, 85),  # 100 without the 5 + 4 + 3 + 2 + 1 beyond the line from arm to arm
        (L_SHAPE[::-1], 85),
        (L_SHAPE.T, 85),
        (RING, int((np.hypot(ROWS - 20, COLS - 25) < 14).sum())),  # holes are filled
    ],
    ids=["pixel", "row", "column", "diagonal", "square", "rectangle", "disc", "triangle", "L", "L mirrored", "L turned", "ring"],
)
def test_known_hulls(mask: npt.NDArray[Any], pixels: int) -> None:
    assert pixels_of_hull(find_runs(mask)) == pixels


@settings(max_examples=150, deadline=None)
@given(masks)
def test_hulls_of_any_mask(mask: npt.NDArray[Any]) -> None:
    assert pixels_of_hull(find_runs(mask)) == _brute_force(mask)


@pytest.mark.parametrize(
    ("outline", "corners"),
    [
        ([(4, 7)], [0]),
        ([(4, 7), (2, 9)], [0, 1]),
        ([(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)], [0, 2, 4, 6]),  # on a side is no corner
        ([(0, 0), (1, 1), (2, 2), (2, 0)], [0, 2, 3]),  # nor on a diagonal
        ([(0, 0), (1, 1.001), (2, 2), (2, 0)], [0, 1, 2, 3]),
        ([(0, 0), (1, 0.999), (2, 2), (2, 0)], [0, 2, 3]),
        ([(0, 0), (0, 5), (5, 5), (5, 10), (10, 10), (10, 0)], [0, 1, 3, 4, 5]),
        ([(0, 3), (5, 3), (9, 3)], [0, 2]),
    ],
)
def test_corners(outline: list[tuple[float, float]], corners: list[int]) -> None:
    assert hull_corners(np.array(outline, np.float64)).tolist() == corners


def test_all_points_of_a_circle_are_corners_and_none_within() -> None:
    angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    circle = np.stack([20 + 10 * np.sin(angles), 30 + 10 * np.cos(angles)], axis=1)
    assert hull_corners(np.concatenate([circle, [[20, 30], [25, 33], [11, 30]]])).tolist() == list(range(90))
