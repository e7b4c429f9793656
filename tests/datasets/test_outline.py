"""Filling drawn outlines, with exact truth: the outline of a shape, filled, is the shape."""

from __future__ import annotations

import numpy as np
import pytest

from tests.datasets.samples import disc, outline_of
from usseg_monai.datasets.outline import fill_outline
from usseg_monai.errors import ImageError

CENTERS = {
    "inside": (20, 30),
    "top": (6, 30),
    "bottom": (35, 30),
    "left": (20, 5),
    "right": (20, 55),
    "top left corner": (5, 6),
    "bottom right corner": (36, 53),
    "top left corner cut off": (8.5, 8.5),
    "touching the top": (12, 30),
}


@pytest.mark.parametrize("center", CENTERS.values(), ids=CENTERS)
def test_an_outline_is_filled_also_where_the_border_cuts_it(center: tuple[float, float]) -> None:
    mask = disc(center=center)
    outline = outline_of(mask) * np.uint8(255)
    assert not np.array_equal(outline != 0, mask != 0)
    np.testing.assert_array_equal(fill_outline(outline), mask)
    np.testing.assert_array_equal(fill_outline(outline.T).T, mask)


@pytest.mark.parametrize("center", CENTERS.values(), ids=CENTERS)
def test_a_filled_mask_stays_as_it_is(center: tuple[float, float]) -> None:
    mask = disc(center=center)
    filled = fill_outline(mask)
    assert filled.dtype == np.uint8
    np.testing.assert_array_equal(filled, mask)


def test_an_ellipse_that_nearly_fills_the_picture_leaves_its_corners() -> None:
    row, col = np.ogrid[:41, :61]
    mask = (((row - 20) / 22) ** 2 + ((col - 30) / 32) ** 2 <= 1).astype(np.uint8)
    assert mask[0, 0] == 0 and mask[0, 30] == 1
    np.testing.assert_array_equal(fill_outline(outline_of(mask)), mask)


def test_a_thick_crescent_is_a_structure_not_an_outline() -> None:
    crescent = disc(radius=18) & ~disc(center=(20, 38), radius=16) & 1
    np.testing.assert_array_equal(fill_outline(crescent), crescent)


def test_holes_are_filled() -> None:
    mask = disc()
    pierced = mask.copy()
    pierced[15:18, 28:31] = 0
    np.testing.assert_array_equal(fill_outline(pierced), mask)


def test_an_empty_annotation_stays_empty() -> None:
    assert not fill_outline(np.zeros((5, 4))).any()


def test_an_open_outline_is_refused() -> None:
    outline = outline_of(disc())
    outline[:, 40:] = 0
    with pytest.raises(ImageError, match="encloses nothing"):
        fill_outline(outline)


def test_a_colour_annotation_is_refused() -> None:
    with pytest.raises(ImageError, match=r"\(4, 4, 3\).*2-D"):
        fill_outline(np.zeros((4, 4, 3)))
