"""Runs against pixel-wise truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from usseg_monai.errors import ImageError
from usseg_monai.geometry.runs import edge_points, find_runs, label_runs

masks = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 1))


@settings(max_examples=60, deadline=None)
@given(masks)
def test_runs_hold_exactly_the_pixels_of_the_mask(mask: npt.NDArray[Any]) -> None:
    runs = find_runs(mask)
    painted = np.zeros_like(mask)
    for row, start, stop in zip(runs.row, runs.start, runs.stop, strict=True):
        assert not painted[row, start:stop].any()
        painted[row, start:stop] = 1
    assert np.array_equal(painted, mask)


def test_noise_is_refused_before_it_costs_anything() -> None:
    noise = np.random.default_rng(0).integers(0, 2, (1200, 1200), np.uint8)
    with pytest.raises(ImageError, match=r"a mask has 3\d{5} runs of pixels: more than 120000 are noise"):
        find_runs(noise)
    stripes = np.zeros((4096, 60), np.uint8)
    stripes[:, ::3] = 1  # twenty structures in each row of the largest picture
    assert len(find_runs(stripes).row) == 4096 * 20


@settings(max_examples=60, deadline=None)
@given(masks)
def test_labels_are_the_connected_components(mask: npt.NDArray[Any]) -> None:
    runs = find_runs(mask)
    labels = label_runs(runs)
    truth, count = ndimage.label(mask, np.ones((3, 3)))
    assert len(np.unique(labels)) == count
    pairs = {(int(label), int(truth[row, start])) for label, row, start in zip(labels, runs.row, runs.start, strict=True)}
    assert len(pairs) == count


@settings(max_examples=60, deadline=None)
@given(masks)
def test_edges_lie_between_the_outermost_pixel_and_the_next(mask: npt.NDArray[Any]) -> None:
    rows, cols = mask.shape
    expected = []
    for row in range(rows):
        seen = np.flatnonzero(mask[row])
        if len(seen):
            expected += [(row, seen[0] - 0.5)] if seen[0] > 0 else []
            expected += [(row, seen[-1] + 0.5)] if seen[-1] < cols - 1 else []
    for col in range(cols):
        seen = np.flatnonzero(mask[:, col])
        if len(seen):
            expected += [(seen[0] - 0.5, col)] if seen[0] > 0 else []
            expected += [(seen[-1] + 0.5, col)] if seen[-1] < rows - 1 else []
    assert sorted(map(tuple, edge_points(find_runs(mask)).tolist())) == sorted(expected)


@settings(max_examples=60, deadline=None)
@given(masks)
def test_touching_the_border(mask: npt.NDArray[Any]) -> None:
    border = mask.copy()
    border[1:-1, 1:-1] = 0
    assert find_runs(mask).touches_border() == border.any()


@pytest.mark.parametrize("mask", [np.array([[0.0, 0.2]]), np.array([[False, True]]), np.array([[0, 255]], np.uint8), np.array([[0, -3]])])
def test_any_nonzero_number_is_structure(mask: npt.NDArray[Any]) -> None:
    assert find_runs(mask).start.tolist() == [1]


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.zeros((2, 3, 1)), "must be 2-D"),
        (np.zeros(4), "must be 2-D"),
        (np.zeros((0, 4)), "at least one pixel"),
        (np.array([[0, np.nan]]), "NaN"),
        (np.array([[0, np.inf]]), "infinite"),
        (np.array([["a", "b"]]), "numbers"),
        (np.zeros((2, 2), complex), "numbers"),
    ],
)
def test_what_is_no_mask_is_refused_in_one_line(mask: npt.NDArray[Any], words: str) -> None:
    with pytest.raises(ImageError, match=words) as error:
        find_runs(mask)
    assert "\n" not in str(error.value)


def test_nothing_has_no_edge() -> None:
    assert edge_points(find_runs(np.zeros((3, 4)))).shape == (0, 2)
