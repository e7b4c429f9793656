"""Edges of masks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from usseg_monai.geometry.boundary import boundaries

Polygon = npt.NDArray[np.float64]


def area(polygon: Polygon) -> float:
    """Signed: positive where the structure lies to the right of the way, as seen with rows downwards."""
    row, col = polygon.T
    return float(col @ np.roll(row, -1) - row @ np.roll(col, -1)) / 2


@given(arrays(np.uint8, st.tuples(st.integers(1, 8), st.integers(1, 8)), elements=st.integers(0, 1)))
def test_area_and_number_of_polygons(mask: npt.NDArray[np.uint8]) -> None:
    """A corner takes or gives an eighth of a pixel, and a closed way has four more of one kind than of the other."""
    polygons = boundaries(mask)
    _, pieces = ndimage.label(mask)
    _, rest = ndimage.label(np.pad(mask, 1) == 0, np.ones((3, 3)))
    holes = rest - 1
    assert sorted(np.sign([area(polygon) for polygon in polygons])) == [-1] * holes + [1] * pieces
    assert sum(area(polygon) for polygon in polygons) == pytest.approx(mask.sum() - 0.5 * (pieces - holes))


@given(arrays(np.uint8, (6, 7), elements=st.integers(0, 1)))
def test_ways_are_closed_in_small_steps_between_pixels_that_differ(mask: npt.NDArray[np.uint8]) -> None:
    padded = np.pad(mask, 1)
    for polygon in boundaries(mask):
        assert (np.abs(polygon - np.roll(polygon, 1, 0)).max(axis=1) <= 1).all()
        for row, col in polygon + 1:
            pair = {padded[int(np.floor(row)), int(np.floor(col))], padded[int(np.ceil(row)), int(np.ceil(col))]}
            assert pair == {0, 1}


def test_nothing_and_everything() -> None:
    assert boundaries(np.zeros((5, 5), np.uint8)) == ()
    (frame,) = boundaries(np.full((3, 5), 255, np.uint8))
    assert (frame.min(axis=0).tolist(), frame.max(axis=0).tolist()) == ([-0.5, -0.5], [2.5, 4.5])
