"""Distances of contours on discs of known radius, on damage, and on manual contours of real patients."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from usseg_monai.imaging.contour import fill_contour, read_contour
from usseg_monai.metrics.contours import ContourFigures, ContourMetric, compare_contours, summarize_contours


def disc(radius: float, col: float = 50.0) -> np.ndarray:
    row, cols = np.indices((100, 100))
    return np.hypot(row - 50, cols - col) <= radius


def test_equal_masks() -> None:
    assert compare_contours(disc(20), disc(20), (1.4, 1.4)) == ContourFigures(1.0, 0.0, 0.0, True)


@pytest.mark.parametrize("wider", [2, 3, 6])
def test_a_wider_disc_lies_that_much_further_out(wider: int) -> None:
    figures = compare_contours(disc(20 + wider), disc(20), (1.25, 1.25))
    assert figures.apd_mm == pytest.approx(1.25 * wider, abs=0.35)
    assert figures.hd95_mm == pytest.approx(1.25 * wider, abs=0.8)
    assert figures.dice == pytest.approx(2 * 20**2 / (20**2 + (20 + wider) ** 2), abs=0.01)
    assert figures.good is (1.25 * wider < 5)


def test_spacing_counts_along_its_axis() -> None:
    shifted, drawn = disc(20, col=54), disc(20)
    assert compare_contours(shifted, drawn, (1, 2)).apd_mm > 1.5 * compare_contours(shifted, drawn, (1, 1)).apd_mm
    turned = compare_contours(shifted.T, drawn.T, (2, 1))
    assert turned.apd_mm == pytest.approx(compare_contours(shifted, drawn, (1, 2)).apd_mm)


def test_a_small_far_piece_is_seen_by_the_percentile_alone() -> None:
    spoilt = disc(20) | disc(3, col=90)
    figures = compare_contours(spoilt, disc(20), (1.0, 1.0))
    assert figures.hd95_mm > 15 and figures.apd_mm < 5


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
    assert (summary.contours, summary.good_share) == (3, pytest.approx(1 / 3))
    assert (summary.apd_mm, summary.hd95_mm, summary.dice_good) == (2.0, 8.0, 0.9)
    assert summary.dice_all == pytest.approx(0.5)
    assert summarize_contours([]).good_share is None


def test_monais_form_gives_the_same() -> None:
    found = [disc(22), disc(20, col=58), disc(20) & False]
    drawn = [disc(20), disc(20), disc(20)]
    spacing = [(1.5, 1.5), (2.0, 1.0), (1.0, 1.0)]
    stacked = [torch.from_numpy(np.stack(masks))[:, None].repeat(1, 2, 1, 1) for masks in (found, drawn)]
    stacked[0][:, 0] = True  # the first channel is background, whatever it holds
    metric = ContourMetric()
    rows = metric(*stacked, spacing=spacing)
    single = [compare_contours(*pair, sides) for *pair, sides in zip(found, drawn, spacing, strict=True)]
    assert rows[:, 0].tolist() == pytest.approx([one.dice for one in single], abs=1e-6)
    assert math.isnan(rows[2, 1]) and rows[:2, 1].tolist() == pytest.approx([one.apd_mm for one in single[:2]])
    summary, expected = metric.aggregate(), summarize_contours(single)
    assert (summary.contours, summary.good_share) == (3, expected.good_share)
    assert summary.dice_all == pytest.approx(expected.dice_all, abs=1e-6)
    metric.reset()
    metric(list(stacked[0]), list(stacked[1]), spacing=(1.0, 1.0))
    assert metric.aggregate().contours == 3


@pytest.mark.parametrize("spacing", [None, (1.0,), [(1.0, 1.0)] * 2])
def test_spacing_is_needed(spacing: object) -> None:
    masks = torch.zeros(3, 1, 8, 8)
    with pytest.raises(ValueError, match="spacing has shape"):
        ContourMetric()(masks, masks, spacing=spacing)


def test_real_contours_moved_by_two_pixels(data_root: Path) -> None:
    """The distance to a contour moved sideways is the mean of the shift's part across it: 2/pi of it for a circle."""
    apds = []
    for file in sorted((data_root / "sunnybrook" / "contours" / "SC-HF-I-1").rglob("*icontour*.txt")):
        points = read_contour(file)
        masks = [fill_contour(points + np.array([0, shift]), (256, 256)) for shift in (2.0, 0.0)]
        apds.append(compare_contours(*masks, (1.3672, 1.3672)).apd_mm)
    assert np.mean(apds) == pytest.approx(2 / math.pi * 2 * 1.3672, rel=0.2)
