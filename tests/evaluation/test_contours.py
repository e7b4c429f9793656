"""Distances of contours on discs of known radius, on damage, and on manual contours of real patients."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance

from usseg_monai.evaluation.contours import ContourFigures, compare_contours, contour_distances, summarize_contours
from usseg_monai.imaging.contour import fill_contour, read_contour


def disc(radius: float, col: float = 50.0) -> np.ndarray:
    row, cols = np.indices((100, 100))
    result: np.ndarray = np.hypot(row - 50, cols - col) <= radius
    return result


def test_equal_masks() -> None:
    assert compare_contours(disc(20), disc(20), (1.4, 1.4)) == ContourFigures(1.0, 0.0, 0.0, True)


@pytest.mark.parametrize("wider", [2, 3, 6])
def test_a_wider_disc_lies_that_much_further_out(wider: int) -> None:
    figures = compare_contours(disc(20 + wider), disc(20), (1.25, 1.25))
    assert figures.apd_mm == pytest.approx(1.25 * wider, abs=0.35)
    assert figures.hd95_mm == pytest.approx(1.25 * wider, abs=0.8)
    assert figures.dice == pytest.approx(2 * 20**2 / (20**2 + (20 + wider) ** 2), abs=0.01)
    assert figures.good is (1.25 * wider < 5)


def known(value: float | None) -> float:
    assert value is not None
    return value


def test_spacing_counts_along_its_axis() -> None:
    shifted, drawn = disc(20, col=54), disc(20)
    assert known(compare_contours(shifted, drawn, (1, 2)).apd_mm) > 1.5 * known(compare_contours(shifted, drawn, (1, 1)).apd_mm)
    turned = compare_contours(shifted.T, drawn.T, (2, 1))
    assert turned.apd_mm == pytest.approx(compare_contours(shifted, drawn, (1, 2)).apd_mm)


def test_a_small_far_piece_is_seen_by_the_percentile_alone() -> None:
    spoilt = disc(20) | disc(3, col=90)
    figures = compare_contours(spoilt, disc(20), (1.0, 1.0))
    assert known(figures.hd95_mm) > 15 and known(figures.apd_mm) < 5


@pytest.mark.parametrize(("found", "drawn", "dice"), [(0, 0, 1.0), (20, 0, 0.0), (0, 20, 0.0)])
def test_empty_masks_have_no_distance(found: float, drawn: float, dice: float) -> None:
    figures = compare_contours(disc(found) & (found > 0), disc(drawn) & (drawn > 0), (1.0, 1.0))
    assert figures == ContourFigures(dice, None, None, drawn > 0) and not figures.good


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="they must have one shape"):
        compare_contours(disc(20), disc(20)[:50], (1, 1))


def test_sums() -> None:
    figures = [
        ContourFigures(0.9, 2.0, 4.0, True),
        ContourFigures(0.6, 7.0, 12.0, True),
        ContourFigures(0.0, None, None, True),  # missed
        ContourFigures(0.0, None, None, False),  # found where nothing is
        ContourFigures(1.0, None, None, False),
    ]
    summary = summarize_contours(figures)
    assert summary.contours == 3 and summary.good_share == pytest.approx(1 / 3)
    assert (summary.apd_mm, summary.hd95_mm, summary.dice_good) == (2.0, 8.0, 0.9)
    assert summary.dice_all == pytest.approx(0.5)
    assert summarize_contours([]).good_share is None


def test_monai_computes_the_same(data_root: Path) -> None:
    """On manual contours of a patient, on pieces and holes, and where a mask touches the border of the picture."""
    rng = np.random.default_rng(1)
    contours = sorted((data_root / "sunnybrook" / "contours" / "SC-HF-I-1").rglob("*icontour*.txt"))[:4]
    drawn = [fill_contour(read_contour(file), (256, 256)) for file in contours]
    pairs = [(drawn[0], drawn[1]), (drawn[2], np.roll(drawn[3], 140, axis=1)), (disc(20) & ~disc(9), disc(20) | disc(4, col=92))]
    pairs += [(rng.random((40, 60)) < 0.3, rng.random((40, 60)) < 0.1) for _ in range(3)]
    for found, truth in pairs:
        left, right = (torch.from_numpy(np.asarray(mask) != 0)[None, None] for mask in (found, truth))
        spacing = [1.25, 0.75]
        apd = compute_average_surface_distance(left, right, include_background=True, spacing=spacing).item()
        hd95 = compute_hausdorff_distance(left, right, include_background=True, percentile=95, spacing=spacing).item()
        assert contour_distances(found, truth, (1.25, 0.75)) == pytest.approx((apd, hd95), rel=1e-5)


def test_real_contours_moved_by_two_pixels(data_root: Path) -> None:
    """The distance to a contour moved sideways is the mean of the shift's part across it: 2/pi of it for a circle."""
    apds = []
    for file in sorted((data_root / "sunnybrook" / "contours" / "SC-HF-I-1").rglob("*icontour*.txt")):
        points = read_contour(file)
        masks = [fill_contour(points + np.array([0, shift]), (256, 256)) for shift in (2.0, 0.0)]
        apds.append(known(compare_contours(masks[0], masks[1], (1.3672, 1.3672)).apd_mm))
    assert np.mean(apds) == pytest.approx(2 / math.pi * 2 * 1.3672, rel=0.2)
