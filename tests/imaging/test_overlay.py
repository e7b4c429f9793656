"""Overlays: colours where they belong, on pictures of any size."""

from __future__ import annotations

import numpy as np
import pytest

from tests.imaging.samples import l_mask, picture
from usseg_monai.imaging import GreyImage, draw_overlay
from usseg_monai.imaging.overlay import CONTOUR_COLOR, OUTLINE_COLOR
from usseg_monai.tasks import UNITS

IMAGE = GreyImage(picture().astype(np.float32))
NOTHING = np.zeros_like(l_mask())


def test_the_contour_is_the_outermost_pixels_of_the_structure() -> None:
    drawn = draw_overlay(IMAGE, l_mask())
    painted = (drawn == CONTOUR_COLOR).all(axis=2)
    padded = np.pad(l_mask(), 1)
    core = l_mask() & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    np.testing.assert_array_equal(painted, (l_mask() == 1) & (core == 0))
    np.testing.assert_array_equal(drawn[~painted], np.repeat(picture()[~painted][:, None], 3, axis=1))


def test_no_contour_along_the_border_of_the_picture() -> None:
    drawn = draw_overlay(IMAGE, np.ones_like(l_mask()))
    assert not (drawn == CONTOUR_COLOR).all(axis=2).any()


def test_outlines_run_through_row_and_column() -> None:
    drawn = draw_overlay(IMAGE, NOTHING, [np.array([[30.0, 5.0], [30.0, 45.0]])])
    rows, cols = np.nonzero((drawn == OUTLINE_COLOR).all(axis=2))
    assert set(rows) == {30} and cols.min() <= 6 and cols.max() >= 44


def test_outlines_may_leave_the_picture() -> None:
    drawn = draw_overlay(IMAGE, NOTHING, [np.array([[-500.0, -500.0], [18.0, 26.0], [1e5, 3.0]])])
    assert drawn.shape == (37, 53, 3) and (drawn == OUTLINE_COLOR).all(axis=2).any()


def test_text_stands_at_the_top_left_and_leaves_the_rest_alone() -> None:
    image = GreyImage(np.full((540, 800), 90, np.float32))
    drawn = draw_overlay(image, np.zeros((540, 800), np.uint8), lines=["head circumference 175.3 mm", "12°"])
    rows, cols = np.nonzero((drawn != 90).any(axis=2))
    assert (rows.min(), cols.min()) == (0, 0) and rows.max() < 100 and cols.max() < 400
    assert (drawn[:100, :400] > 250).sum() > 500


@pytest.mark.parametrize("letter", sorted(set("".join(UNITS.values()))))
def test_no_letter_of_a_unit_is_an_empty_box(letter: str) -> None:
    image, mask = GreyImage(np.full((540, 800), 90, np.float32)), np.zeros((540, 800), np.uint8)
    of_no_font = "\u0378"
    assert (draw_overlay(image, mask, lines=[letter]) != draw_overlay(image, mask, lines=[of_no_font])).any()


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (8, 900), (3000, 20)])
def test_pictures_of_any_size(shape: tuple[int, int]) -> None:
    drawn = draw_overlay(
        GreyImage(np.zeros(shape, np.float32)), np.ones(shape, np.uint8), [np.zeros((2, 2))], ["far too long a text for it"] * 3
    )
    assert drawn.shape == (*shape, 3) and drawn.dtype == np.uint8


def test_large_pictures_get_thicker_lines() -> None:
    mask = np.zeros((2400, 2400), np.uint8)
    mask[600:1800, 600:1800] = 1
    drawn = draw_overlay(GreyImage(mask.astype(np.float32)), mask, [np.array([[300.0, 0.0], [300.0, 2399.0]])])
    assert (drawn[:, 1200] == CONTOUR_COLOR).all(axis=1).sum() == 16
    assert (drawn[:600, 1200] == OUTLINE_COLOR).all(axis=1).sum() == 8


@pytest.mark.parametrize(("low", "high"), [(0, 65535), (-1024, 3000), (0.0, 255.0), (7e5, 7e5)])
def test_grey_values_are_stretched_for_display(low: float, high: float) -> None:
    pixels = np.full((20, 20), low, np.float32)
    pixels[10:] = high
    drawn = draw_overlay(GreyImage(pixels), np.zeros((20, 20), np.uint8))
    assert drawn.min() == 0 and drawn.max() == (255 if high > low else 0)
