"""Tests of usseg_monai.datasets.windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.datasets.samples import disc, write_png
from usseg_monai.datasets.windows import pick_window, with_windows


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(8, 40),
    cols=st.integers(8, 40),
    side=st.floats(0.2, 0.95),
    holds=st.booleans(),
    seed=st.integers(0, 2**31 - 1),
    start=st.integers(0, 5),
    size=st.integers(1, 6),
)
def test_windows_hold_all_or_nothing(rows: int, cols: int, side: float, holds: bool, seed: int, start: int, size: int) -> None:
    mask = np.zeros((rows, cols), np.uint8)
    mask[start : start + size, start : start + size] = 1
    window = pick_window(mask, side, holds, np.random.RandomState(seed))
    if window is None:
        return
    row, col, height, width = window
    part = mask[row : row + height, col : col + width]
    assert part.shape == (height, width) == (max(1, round(side * rows)), max(1, round(side * cols)))
    assert part.sum() == (mask.sum() if holds else 0)


def test_there_is_not_always_a_window() -> None:
    everywhere = np.ones((10, 12))
    assert pick_window(everywhere, 0.5, False, np.random.RandomState(0)) is None
    assert pick_window(everywhere, 0.5, True, np.random.RandomState(0)) is None
    assert pick_window(0 * everywhere, 0.5, True, np.random.RandomState(0)) is None
    assert pick_window(0 * everywhere, 0.5, False, np.random.RandomState(0)) is not None


def test_items_are_followed_by_their_windows(tmp_path: Path) -> None:
    mask = disc(rows=60, cols=80, center=(15, 20), radius=8)
    image, label = write_png(tmp_path / "a.png", mask * 100), write_png(tmp_path / "a_mask.png", mask * 255)
    item = {"image": str(image), "label": str(label), "group": "a"}
    whole, with_structure, without = with_windows([item])
    assert whole == item | {"window": []}
    assert with_windows([item]) == [whole, with_structure, without] and with_windows([item], seed=1) != [whole, with_structure, without]
    for cut, pixels in ((with_structure, int(mask.sum())), (without, 0)):
        row, col, rows, cols = cut["window"]
        assert (rows, cols) == (36, 48)
        assert mask[row : row + rows, col : col + cols].sum() == pixels
