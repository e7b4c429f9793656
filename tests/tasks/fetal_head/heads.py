"""Masks with a known head, for the tests of the measurements."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usseg_monai.geometry.ellipse import Ellipse

Mask = npt.NDArray[np.bool_]


def fill(ellipse: Ellipse, shape: tuple[int, int]) -> Mask:
    """Pixels whose centre is inside."""
    centers = np.indices(shape).reshape(2, -1).T.astype(np.float64)
    inside: Mask = ellipse.distances(centers) <= 0
    return inside.reshape(shape)


def draw_head(ellipse: Ellipse, shape: tuple[int, int]) -> Mask:
    """Pixels that a pen of 2 x 2 pixels covers, drawn along the ellipse, and those inside: the masks of HC18."""
    corners = [(row, col) for row in (-1, 1) for col in (-1, 1)]
    moved = (
        Ellipse(ellipse.center_row + row, ellipse.center_col + col, ellipse.semi_major, ellipse.semi_minor, ellipse.angle_deg)
        for row, col in corners
    )
    result: Mask = np.logical_or.reduce([fill(one, shape) for one in moved])
    return result
