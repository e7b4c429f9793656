"""Overlays: the image stays whole, lines lie where they belong, text lies below."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import ndimage

from tests.imaging.samples import l_mask, picture
from usseg_monai.imaging import GreyImage
from usseg_monai.imaging.drawing.colors import BACKGROUND, FOUND, MEASURED, TRUTH
from usseg_monai.imaging.drawing.display import to_display
from usseg_monai.imaging.drawing.overlay import Caption, Marks, draw_overlay, draw_result, magnification

IMAGE = GreyImage(picture().astype(np.float32))
NOTHING = np.zeros_like(l_mask())
LONG = Caption("unlike training data", note="expected Dice 0.31", items=["head circumference 175.3 mm"] * 9, message="why " * 200)


def painted(drawn: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    found: np.ndarray = (drawn == color).all(axis=2)
    return found


def noise(shape: tuple[int, int]) -> GreyImage:
    return GreyImage(np.random.default_rng(0).integers(0, 256, shape).astype(np.float32))


@pytest.mark.parametrize(
    ("shape", "factor"),
    [((540, 800), 1), ((600, 40), 1), ((599, 600), 1), ((599, 40), 2), ((300, 300), 2), ((299, 200), 3), ((64, 64), 10)],
)
def test_small_pictures_are_enlarged_by_the_least_whole_factor(shape: tuple[int, int], factor: int) -> None:
    assert magnification(shape) == factor and max(shape) * factor >= 600
    assert factor == 1 or max(shape) * (factor - 1) < 600


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (8, 900), (3000, 20), (40, 37), (64, 64), (300, 40), (540, 800), (3000, 4000)])
def test_the_picture_stays_whole_at_the_top_left_and_the_text_below_it(shape: tuple[int, int]) -> None:
    image, mask = noise(shape), np.zeros(shape, np.uint8)
    drawn = draw_overlay(image, mask, caption=LONG)
    factor = magnification(shape)
    rows, cols = factor * shape[0], factor * shape[1]
    expected = np.kron(image.pixels, np.ones((factor, factor))) if factor > 1 else image.pixels
    for channel in range(3):
        np.testing.assert_array_equal(drawn[:rows, :cols, channel], expected)
    assert drawn.dtype == np.uint8 and drawn.shape[1] == max(cols, 480)
    assert (drawn[:rows, cols:] == BACKGROUND).all()
    assert (drawn[rows:] != BACKGROUND).any() and 50 < len(drawn) - rows < max(400, drawn.shape[1])


@pytest.mark.parametrize("shape", [(8, 16_384), (16_384, 8), (8, 16_385), (16_385, 8), (8, 2**21), (2**21, 8)])
def test_pictures_that_no_scanner_makes_take_bounded_memory(shape: tuple[int, int]) -> None:
    mask = np.zeros(shape, np.uint8)
    mask[2:5, 2:5] = 1
    marks = Marks([np.array([[0.0, 0.0], [9e6, 9e6]])], [np.array([[0.0, 0.0], [7.0, 7.0]])] * 2, numbered=[(3.0, 3.0)])
    tracemalloc.start()
    drawn = draw_overlay(GreyImage(np.zeros(shape, np.float32)), mask, marks, caption=LONG)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert drawn.shape[:2] >= shape and (drawn.shape[:2] == shape) == (max(shape) > 16_384)
    assert peak < 300e6


@pytest.mark.parametrize("factor", [1, 2, 5])
def test_the_contour_runs_outside_along_the_edges_of_the_structure(factor: int) -> None:
    drawn = draw_result(IMAGE, l_mask(), factor=factor)
    inside = np.kron(l_mask(), np.ones((factor, factor), np.uint8)) > 0
    np.testing.assert_array_equal(painted(drawn, FOUND), ndimage.binary_dilation(inside, iterations=2) & ~inside)
    grey = np.kron(picture(), np.ones((factor, factor), np.uint8))
    untouched = ~painted(drawn, FOUND)
    np.testing.assert_array_equal(drawn[untouched], np.repeat(grey[untouched][:, None], 3, axis=1))


def test_no_contour_where_the_structure_leaves_the_picture() -> None:
    assert not painted(draw_result(IMAGE, np.ones_like(l_mask())), FOUND).any()
    half = NOTHING.copy()
    half[:, :20] = 1
    assert set(np.nonzero(painted(draw_result(IMAGE, half), FOUND))[1]) == {20, 21}


def test_large_pictures_get_thicker_lines() -> None:
    mask = np.zeros((2400, 2400), np.uint8)
    mask[600:1800, 600:1800] = 1
    line = np.array([[300.0, 0.0], [300.0, 2399.0]])
    drawn = draw_result(GreyImage(mask.astype(np.float32)), mask, Marks([line], truth=[line - [200, 0]]))
    assert painted(drawn, FOUND)[:, 1200].sum() == 12
    assert [painted(drawn, color)[:600, 1200].sum() for color in (MEASURED, TRUTH)] == pytest.approx([6, 6], abs=1)


@pytest.mark.parametrize("factor", [1, 3])
def test_outlines_run_through_row_and_column(factor: int) -> None:
    drawn = draw_result(IMAGE, NOTHING, Marks([np.array([[30.0, 5.0], [30.0, 45.0]])]), factor=factor)
    rows, cols = np.nonzero(painted(drawn, MEASURED))
    assert set(rows) == {factor * 30 + factor // 2}
    assert cols.min() == pytest.approx(factor * 5.5 - 0.5, abs=1) and cols.max() == pytest.approx(factor * 45.5 - 0.5, abs=1)


def test_outlines_may_leave_the_picture() -> None:
    drawn = draw_result(IMAGE, NOTHING, Marks([np.array([[-500.0, -500.0], [18.0, 26.0], [1e5, 3.0]]), np.full((2, 2), -90.0)]))
    assert drawn.shape == (37, 53, 3) and painted(drawn, MEASURED).any()


def test_axes_are_dots_with_a_cross_at_each_end() -> None:
    black = GreyImage(np.zeros((200, 300), np.float32))
    mask = np.zeros((200, 300), np.uint8)
    mask[40:160, 50:230] = 1
    drawn = painted(draw_result(black, mask, Marks(axes=[np.array([[100.0, 50.0], [100.0, 229.0]])])), MEASURED)
    assert drawn[100, 46:50].all() and drawn[100, 230:234].all()  # the arms of the crosses, outside of the structure
    within = np.flatnonzero(drawn[100, 50:230])
    assert len(within) == 15 * 2 and set(np.diff(within[::2])) <= {11, 12, 13}  # dots two wide, twelve apart
    assert drawn[:, 50:230].sum() == 15 * 4


def test_crosses_are_whole_where_nothing_is_found() -> None:
    black = GreyImage(np.zeros((200, 300), np.float32))
    drawn = painted(draw_result(black, np.zeros((200, 300), np.uint8), Marks(axes=[np.array([[100.0, 50.0], [100.0, 230.0]])])), MEASURED)
    for col in (50, 230):
        assert drawn[96:105, col].all() and drawn[100, col - 4 : col + 5].all()
    assert drawn.sum() == 2 * (2 * 18 * 2 - 4)


@pytest.mark.parametrize("side", [6, 30, 150])
def test_dots_cover_at_most_half_a_percent_of_the_structure(side: int) -> None:
    image = noise((200, 220))
    mask = np.zeros((200, 220), np.uint8)
    mask[20 : 20 + side, 30 : 30 + side] = 1
    low, high, middle = 19.5, 19.5 + side, 19.5 + side / 2
    axes = [np.array([[middle, low + 10], [middle, high + 10]]), np.array([[low, middle + 10], [high, middle + 10]])]
    plain, drawn = (draw_result(image, mask, Marks(axes=drawn), factor=3) for drawn in ((), axes))
    inside = np.kron(mask, np.ones((3, 3))) > 0
    assert (plain != drawn).any(axis=2)[inside].mean() <= 0.005 + 2 * 2**2 / inside.sum()  # and a rounded dot for each
    assert (plain != drawn).any(axis=2)[~inside].sum() > 20


def test_closed_axes_have_no_ends() -> None:
    turn = np.linspace(0, 2 * np.pi, 181)
    circle = 100 + 50 * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    circle[-1] = circle[0]
    black = GreyImage(np.zeros((200, 200), np.float32))
    rows, cols = np.nonzero(painted(draw_result(black, np.zeros((200, 200), np.uint8), Marks(axes=[circle])), MEASURED))
    assert len(rows) == 12 * 4
    np.testing.assert_allclose(np.hypot(rows - 100, cols - 100), 50, atol=1.5)


def test_axes_may_leave_the_picture() -> None:
    axes = [np.array([[-30.0, -30.0], [20.0, 20.0]]), np.array([[5.0, 5.0], [5.0, 5.0]])]
    assert painted(draw_result(IMAGE, NOTHING, Marks(axes=axes)), MEASURED).any()


def two_lesions() -> tuple[np.ndarray, list[tuple[float, float]]]:
    rows, cols = np.indices((400, 600))
    centres = [(200.0, 170.0), (200.0, 430.0)]
    near = [np.hypot(rows - row, cols - col) <= 60 for row, col in centres]
    return (near[0] | near[1]).astype(np.uint8), centres


def test_numbers_stand_beside_their_structures_and_on_none() -> None:
    mask, centres = two_lesions()
    image = GreyImage(np.full((400, 600), 150, np.float32))
    plain, drawn = (draw_result(image, mask, Marks(numbered=numbered)) for numbered in ((), centres))
    changed = (plain != drawn).any(axis=2)
    assert not changed[mask > 0].any()
    places, count = ndimage.label(ndimage.binary_dilation(changed, iterations=3))
    assert count == 2
    for number, (row, col) in zip(ndimage.center_of_mass(changed, places, [1, 2]), centres, strict=True):
        assert 60 < np.hypot(number[0] - row, number[1] - col) < 100


def test_numbers_are_those_of_the_order() -> None:
    mask, centres = two_lesions()
    image = GreyImage(np.full((400, 600), 150, np.float32))
    one = draw_result(image, mask, Marks(numbered=centres[:1]))
    both, other = (draw_result(image, mask, Marks(numbered=order)) for order in (centres, centres[::-1]))
    np.testing.assert_array_equal(one[:, :300], both[:, :300])  # the first is 1 whatever follows
    assert (both != other).any()


def test_no_number_where_there_is_no_room_beside_the_structure() -> None:
    full = np.ones((400, 600), np.uint8)
    image = GreyImage(np.full((400, 600), 150, np.float32))
    np.testing.assert_array_equal(draw_result(image, full, Marks(numbered=[(200.0, 300.0)])), draw_result(image, full))


def test_pictures_are_shown_by_the_common_rule() -> None:
    pixels = np.random.default_rng(1).normal(500, 100, (600, 700)).astype(np.float32)
    np.testing.assert_array_equal(draw_result(GreyImage(pixels), np.zeros((600, 700), np.uint8))[..., 1], to_display(pixels))
