"""Masks between masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.ndimage import distance_transform_edt

from usseg_monai.geometry import between as module
from usseg_monai.geometry.between import masks_between
from usseg_monai.geometry.runs import Runs, find_runs

ROW, COL = np.mgrid[:120, :160]


def disc(row: float, col: float, radius: float) -> npt.NDArray[np.bool_]:
    inside: npt.NDArray[np.bool_] = np.hypot(ROW - row, COL - col) <= radius
    return inside


def dice(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    return float(2 * np.count_nonzero((one > 0) & (other > 0)) / (np.count_nonzero(one) + np.count_nonzero(other)))


@pytest.mark.parametrize("after", [(60.0, 80.0, 20.0), (60.0, 80.0, 35.0), (75.0, 50.0, 12.0), (20.0, 140.0, 15.0)])
def test_a_disc_moves_in_a_straight_line_and_its_radius_changes_steadily(after: tuple[float, float, float]) -> None:
    """Also to a place that does not overlap the first."""
    before = (60.0, 80.0, 20.0)
    shares = [0.25, 0.5, 0.75]
    found = masks_between(find_runs(disc(*before)), find_runs(disc(*after)), shares)
    for share, mask in zip(shares, found, strict=True):
        true = disc(*((1 - share) * start + share * stop for start, stop in zip(before, after, strict=True)))
        assert mask.dtype == np.uint8 and mask.shape == ROW.shape and set(np.unique(mask)) == {0, 1}
        assert dice(mask, true) > 0.96


def test_the_ends_are_the_masks_themselves() -> None:
    first, last = disc(50, 60, 20) & (COL < 70), disc(70, 90, 30)
    found = masks_between(find_runs(first), find_runs(last), [0.0, 1.0])
    assert np.array_equal(found[0], first) and np.array_equal(found[1], last)


def test_what_would_lie_beyond_the_picture_is_cut_off() -> None:
    corner, edge = disc(5, 5, 20), disc(5, 150, 20)
    middle = masks_between(find_runs(corner), find_runs(edge), [0.5])[0]
    assert middle.sum() > 0 and middle[0].any()
    tall = masks_between(find_runs(disc(0, 80, 40)), find_runs(disc(119, 80, 40)), [0.1, 0.9])
    assert all(mask.any() for mask in tall)


def test_single_pixels_and_holes() -> None:
    one = np.zeros((9, 9), np.uint8)
    one[4, 2] = 1
    other = np.roll(one, 4, axis=1)
    assert np.argwhere(masks_between(find_runs(one), find_runs(other), [0.5])[0]).tolist() == [[4, 4]]
    ring = find_runs(disc(60, 80, 30) & ~disc(60, 80, 20))
    assert not masks_between(ring, ring, [0.5])[0][60, 80]


@pytest.mark.parametrize("seed", range(4))
def test_distances_are_euclidean(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wanted = rng.random((30 + seed, 41)) < (0.001, 0.01, 0.2, 0.9)[seed]
    wanted[7, 11] = True
    np.testing.assert_allclose(module._distance(wanted), distance_transform_edt(~wanted))


def test_painting_takes_runs_in_any_number_per_row() -> None:
    mask = np.random.default_rng(1).random((20, 30)) < 0.5
    runs = find_runs(np.pad(mask, 3))
    assert isinstance(runs, Runs)
    assert np.array_equal(module._painted(runs, np.array((3, 3)), (20, 30)), mask)
