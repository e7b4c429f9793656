"""Contour distances as in the Sunnybrook challenge, for one slice and for many.

Radau et al., "Evaluation framework for algorithms segmenting short axis cardiac MRI", MIDAS Journal, 2009: the average perpendicular
distance (APD) from the found contour to the drawn one; a contour is *good* if its APD is below 5 mm; the Dice overlap of the good contours.
Leaving out the bad ones flatters methods with many of them, so the overlap of all is reported too.

Contours are the outermost pixels of masks. The perpendicular distance of a point is its distance to the nearest pixel of the other contour.
The figures are those of MONAI's `compute_average_surface_distance` and `compute_hausdorff_distance`, without MONAI and torch;
`usseg_monai.evaluation.contour_metric` has them as a MONAI metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.evaluation.overlap import dice

__all__ = [
    "GOOD_CONTOUR_MM",
    "ContourFigures",
    "ContourSummary",
    "compare_contours",
    "contour_distances",
    "summarize_contours",
]

GOOD_CONTOUR_MM = 5.0
"""Contours with a smaller average perpendicular distance are good."""


@dataclass(frozen=True)
class ContourFigures:
    """Accuracy of one found contour.

    Attributes:
        dice: overlap of the masks, 0 to 1; 1 where both are empty.
        apd_mm: average perpendicular distance; ``None`` where one of the two is empty.
        hd95_mm: 95th percentile of the distances, the larger of both directions; ``None`` likewise.
        drawn: whether the truth has a contour.
    """

    dice: float
    apd_mm: float | None
    hd95_mm: float | None
    drawn: bool

    @property
    def good(self) -> bool:
        """Whether the contour is good; a missed contour is not."""
        return self.apd_mm is not None and self.apd_mm < GOOD_CONTOUR_MM


@dataclass(frozen=True)
class ContourSummary:
    """Figures of many slices; ``None`` where no slice applies.

    Attributes:
        contours: number of drawn contours.
        good_share: share of the drawn contours with a good found contour.
        apd_mm: mean over the good contours, as in publications.
        hd95_mm: mean over all contours that were found.
        dice_good: mean over the good contours.
        dice_all: mean over all slices, including empty ones.
    """

    contours: int
    good_share: float | None
    apd_mm: float | None
    hd95_mm: float | None
    dice_good: float | None
    dice_all: float | None


def compare_contours(mask: npt.NDArray[Any], truth: npt.NDArray[Any], spacing_mm: tuple[float, float]) -> ContourFigures:
    """Compare a found mask with a drawn one.

    Args:
        mask: ``(rows, cols)`` of the found contour, filled; nonzero is structure.
        truth: of the drawn contour, likewise; same shape.
        spacing_mm: ``(row, col)``.

    Raises:
        ValueError: the shapes differ.

    >>> rows, cols = np.mgrid[:80, :80]
    >>> found, drawn = (np.hypot(rows - 40, cols - 40) <= radius for radius in (22, 20))
    >>> figures = compare_contours(found, drawn, (1.5, 1.5))
    >>> round(figures.apd_mm), figures.good  # two pixels
    (3, True)
    """
    distances = contour_distances(mask, truth, spacing_mm)
    apd, hd95 = distances or (None, None)
    return ContourFigures(dice(mask, truth), apd, hd95, bool(np.any(truth)))


def contour_distances(mask: npt.NDArray[Any], truth: npt.NDArray[Any], spacing: tuple[float, float]) -> tuple[float, float] | None:
    """Average perpendicular distance from the found contour to the drawn one, and the 95th percentile, the larger of both directions.

    Args:
        mask: ``(rows, cols)`` of the found contour, filled; nonzero is structure.
        truth: of the drawn contour, likewise; same shape.
        spacing: ``(row, col)`` in the unit of the result; (1, 1) gives pixels.

    Returns:
        Both distances, or ``None`` where a mask is empty.

    Raises:
        ValueError: the shapes differ.

    >>> left, right = np.zeros((9, 9)), np.zeros((9, 9))
    >>> left[2:5, 2], right[2:5, 6] = 1, 1  # two lines, four columns apart
    >>> contour_distances(left, right, (1.0, 0.5))
    (2.0, 2.0)
    """
    if mask.shape != truth.shape:
        raise ValueError(f"a mask of shape {mask.shape} and a truth of shape {truth.shape}: they must have one shape")
    found, drawn = mask != 0, truth != 0
    if not (found.any() and drawn.any()):
        return None
    window = _bounds(found | drawn)
    edges = [_edge(array[window]) for array in (found, drawn)]
    to_drawn, to_found = (_distance_to(edge, spacing)[other] for edge, other in (edges[::-1], edges))
    hd95 = max(float(np.quantile(distances, 0.95)) for distances in (to_drawn, to_found))
    return float(to_drawn.mean()), hd95


def summarize_contours(figures: Sequence[ContourFigures]) -> ContourSummary:
    """Summarise the figures of slices.

    >>> good, missed = ContourFigures(0.9, 2.0, 4.0, True), ContourFigures(0.0, None, None, True)
    >>> summary = summarize_contours([good, missed])
    >>> summary.good_share, summary.dice_good, summary.dice_all
    (0.5, 0.9, 0.45)
    """
    drawn = [figure for figure in figures if figure.drawn]
    good = [figure for figure in drawn if figure.good]
    return ContourSummary(
        contours=len(drawn),
        good_share=len(good) / len(drawn) if drawn else None,
        apd_mm=_mean([figure.apd_mm for figure in good if figure.apd_mm is not None]),
        hd95_mm=_mean([figure.hd95_mm for figure in drawn if figure.hd95_mm is not None]),
        dice_good=_mean([figure.dice for figure in good]),
        dice_all=_mean([figure.dice for figure in figures]),
    )


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _bounds(inside: npt.NDArray[np.bool_]) -> tuple[slice, slice]:
    """The smallest window that holds all true pixels; beyond it is background in both masks."""
    rows, cols = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)


def _edge(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Pixels with a background pixel above, below, left or right, or at the border of the picture."""
    padded = np.pad(inside, 1)
    edge: npt.NDArray[np.bool_] = inside & ~(padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:])
    return edge


def _distance_to(edge: npt.NDArray[np.bool_], spacing: tuple[float, float]) -> npt.NDArray[np.float64]:
    """Distance of every pixel to the nearest pixel of an edge."""
    from scipy.ndimage import distance_transform_edt  # late: takes a fifth of a second, and not every evaluation needs it

    distance: npt.NDArray[np.float64] = distance_transform_edt(~edge, sampling=spacing)
    return distance
