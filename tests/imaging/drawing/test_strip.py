"""The strip says the status in its colour, all numbers that have room, and the scale."""

from __future__ import annotations

import numpy as np
import pytest

from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging.drawing.colors import BACKGROUND, DIM, LOOK, TEXT
from usseg_monai.imaging.drawing.strip import Caption, bar_length_mm, draw_strip, letter_size


def strip(width: int = 800, caption: Caption | None = None, *, factor: int = 1, spacing_mm: Spacing | None = None) -> np.ndarray:
    return draw_strip(width, caption or Caption("ok"), picture_width=width, factor=factor, spacing_mm=spacing_mm)


def longest_bar(drawn: np.ndarray) -> int:
    """Length of the longest run of the text's colour in a row."""
    longest = 0
    for row in (drawn == TEXT).all(axis=2):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]).astype(int)))
        longest = max(longest, *(edges[1::2] - edges[::2]), 0)
    return longest


def test_the_heading_is_a_box_of_its_colour_at_the_top_left() -> None:
    drawn = strip(caption=Caption("low confidence", LOOK, "expected Dice 0.31"))
    rows, cols = np.nonzero((drawn == LOOK).all(axis=2))
    assert rows.min() < 20 and cols.min() < 20
    box = drawn[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1]
    assert ((box == LOOK).all(axis=2)).mean() > 0.6 and (box < 60).all(axis=2).sum() > 100  # black letters
    beside = drawn[rows.min() : rows.max() + 1, cols.max() + 1 :]
    assert ((beside == TEXT).all(axis=2)).sum() > 50


@pytest.mark.parametrize("caption", [Caption("ok"), Caption("ok", items=["area 12.0 mm²"]), Caption("ok", items=["a"] * 9, message="b")])
def test_each_line_adds_to_the_height(caption: Caption) -> None:
    bare = len(strip())
    more = len(strip(caption=caption))
    lines = bool(caption.items) + bool(caption.message)
    assert more == bare + lines * round(1.45 * letter_size(800))


def test_items_take_as_many_lines_as_they_need_and_messages_at_most_three() -> None:
    line, bare = round(1.45 * 14), len(strip(480))
    item = "biparietal diameter 51.7 mm"
    assert len(strip(480, Caption("ok", items=[item] * 7))) == bare + 4 * line  # two in a line
    assert len(strip(480, Caption("ok", message="word " * 300))) == bare + 3 * line


def test_what_is_too_long_is_cut_and_the_width_kept() -> None:
    caption = Caption("status " * 60, LOOK, "note " * 60, ["i" * 900, "w " * 300], "m" * 900)
    drawn = strip(480, caption, spacing_mm=(0.2, 0.2))
    assert drawn.shape[1] == 480
    assert (drawn[:, -5:] == BACKGROUND).all() and (drawn[:, :5] == BACKGROUND).all()


@pytest.mark.parametrize(
    ("factor", "spacing_mm", "pixels"),
    [(1, (0.2, 0.2), 50), (1, (0.1, 0.1), 100), (3, (1.5, 1.5), 200), (1, (0.5, 0.25), 40), (2, (0.02, 0.02), 200)],
)
def test_the_bar_has_the_length_that_it_states(factor: int, spacing_mm: Spacing, pixels: int) -> None:
    """10 mm; 100 mm of pixels of 1.5 mm, threefold; 2 mm of pixels of 0.02 mm, twofold."""
    assert longest_bar(strip(factor=factor, spacing_mm=spacing_mm)) == pixels


@pytest.mark.parametrize("width", [480, 800, 4000])
@pytest.mark.parametrize("pixels_a_mm", [1e-3, 0.01, 0.3, 1.0, 4.7, 33.0, 1e3, 1e5])
def test_bars_are_round_and_have_room(pixels_a_mm: float, width: int) -> None:
    length = bar_length_mm(pixels_a_mm, width)
    assert float(f"{length:e}"[0]) in (1, 2, 5) and f"{length:.0e}" == f"{float(f'{length:e}'):.0e}"
    assert width / 8 < length * pixels_a_mm <= width / 3 + 1e-6 or length == 10


@pytest.mark.parametrize(("pixels_a_mm", "length"), [(3.9, 50.0), (4.0, 10.0), (26.6, 10.0), (26.7, 5.0)])
def test_ten_millimetres_from_forty_pixels_to_a_third(pixels_a_mm: float, length: float) -> None:
    assert bar_length_mm(pixels_a_mm, 800) == length


def test_an_unknown_pixel_size_is_said() -> None:
    known, unknown = strip(spacing_mm=(0.2, 0.2)), strip()
    assert (unknown[:, 500:] == DIM).all(axis=2).any() and not (known[:, 500:] == DIM).all(axis=2).any()
    assert longest_bar(unknown) < 20


def test_pixels_that_are_not_square_have_a_bar_for_the_rows() -> None:
    square, other = strip(spacing_mm=(0.2, 0.2)), strip(spacing_mm=(0.4, 0.2))
    assert longest_bar(square) == longest_bar(other) and (square != other).any()  # "across"
