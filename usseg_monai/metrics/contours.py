"""How far contours are apart: the figures of the Sunnybrook challenge, for one slice and for many.

Radau et al., "Evaluation framework for algorithms segmenting short axis cardiac MRI", MIDAS Journal, 2009: the average perpendicular
distance (APD) from the found contour to the drawn one; a contour is *good* if it is below 5 mm; the Dice overlap of the good contours.
Since leaving the bad ones out flatters whoever has many, the overlap of all stands beside it.

Contours are the outermost pixels of masks. The perpendicular distance of a point is that to the nearest pixel of the other contour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.metrics import CumulativeIterationMetric, compute_average_surface_distance, compute_dice, compute_hausdorff_distance

__all__ = ["GOOD_CONTOUR_MM", "ContourFigures", "ContourMetric", "ContourSummary", "compare_contours", "summarize_contours"]

GOOD_CONTOUR_MM = 5.0
"""Contours with an average perpendicular distance below this are good."""


@dataclass(frozen=True)
class ContourFigures:
    """How well one found contour lies.

    Attributes:
        dice: overlap of the masks, 0 to 1; 1 where both are empty.
        apd_mm: average perpendicular distance; ``None`` where one of the two is empty.
        hd95_mm: 95th percentile of the distances, the larger of both directions; ``None`` likewise.
        drawn: whether there is a contour to be found.
    """

    dice: float
    apd_mm: float | None
    hd95_mm: float | None
    drawn: bool

    @property
    def good(self) -> bool:
        """Whether the contour is good; one that was not found is not."""
        return self.apd_mm is not None and self.apd_mm < GOOD_CONTOUR_MM


@dataclass(frozen=True)
class ContourSummary:
    """Figures of many slices; ``None`` where no slice counts.

    Attributes:
        contours: number of drawn contours.
        good_share: of the drawn contours, those that were found well.
        apd_mm: mean over the good contours, as it is published.
        hd95_mm: mean over all contours that were found.
        dice_good: mean over the good contours.
        dice_all: mean over all slices, empty ones too.
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
        mask: ``(rows, cols)``; nonzero is what was found.
        truth: the same of what was drawn, of the same shape.
        spacing_mm: ``(row, col)``.

    Raises:
        ValueError: the shapes differ.

    >>> rows, cols = np.mgrid[:80, :80]
    >>> found, drawn = (np.hypot(rows - 40, cols - 40) <= radius for radius in (22, 20))
    >>> figures = compare_contours(found, drawn, (1.5, 1.5))
    >>> round(figures.apd_mm), figures.good  # two pixels
    (3, True)
    """
    if mask.shape != truth.shape:
        raise ValueError(f"a mask of shape {mask.shape} and a truth of shape {truth.shape}: they must have one shape")
    pair = [torch.from_numpy(np.asarray(array) != 0)[None, None] for array in (mask, truth)]
    dice, apd, hd95 = _figures(*pair, [spacing_mm])[0].tolist()
    return ContourFigures(dice, _known(apd), _known(hd95), bool(pair[1].any()))


def summarize_contours(figures: Sequence[ContourFigures]) -> ContourSummary:
    """Sum slices up.

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


class ContourMetric(CumulativeIterationMetric):
    """The same in MONAI's form.

    Call it with binary masks ``(batch, channels, spatial, spatial)`` or lists of ``(channels, spatial, spatial)``; the last channel is the
    structure. ``spacing`` holds the millimetres along the two spatial axes, for all cases or one pair a case. Each call returns, of shape
    ``(batch, 4)``, Dice, APD and HD95 in mm (nan where a mask is empty), and 1 where a contour was drawn. ``aggregate`` gives a
    `ContourSummary`.

    >>> disc = (torch.cartesian_prod(*2 * [torch.arange(64.0)]) - 32).norm(dim=1).reshape(1, 1, 64, 64)
    >>> metric = ContourMetric()
    >>> metric(disc < 22, disc < 20, spacing=(1.5, 1.5)).shape, metric.aggregate().good_share
    (torch.Size([1, 4]), 1.0)
    """

    def _compute_list(
        self,
        y_pred: Sequence[torch.Tensor] | torch.Tensor,
        y: Sequence[torch.Tensor] | torch.Tensor | None = None,
        spacing: Sequence[float] | Sequence[Sequence[float]] | None = None,
    ) -> torch.Tensor:
        if y is None or len(y) != len(y_pred):
            raise ValueError(f"{len(y_pred)} predicted masks have {0 if y is None else len(y)} true ones: give one each")
        pairs = torch.as_tensor(spacing if spacing is not None else (), dtype=torch.float64)
        if pairs.shape not in {(2,), (len(y), 2)}:
            raise ValueError(f"spacing has shape {tuple(pairs.shape)}: it must be (2,) or ({len(y)}, 2), one pair a case")
        rows = []
        for predicted, true, spacing_mm in zip(y_pred, y, pairs.expand(len(y), 2).tolist(), strict=True):
            drawn = true[-1:] != 0
            figures = _figures(predicted[-1:].cpu()[None] != 0, drawn.cpu()[None], [spacing_mm])
            rows.append(torch.cat([figures[0], drawn.any().reshape(1).to(figures)]))
        return torch.stack(rows)

    def _compute_tensor(
        self,
        y_pred: torch.Tensor,
        y: torch.Tensor | None = None,
        spacing: Sequence[float] | Sequence[Sequence[float]] | None = None,
    ) -> torch.Tensor:
        return self._compute_list(y_pred, y, spacing)

    def aggregate(self) -> ContourSummary:
        """Figures of all cases since the last reset."""
        rows = self.get_buffer().tolist()
        return summarize_contours([ContourFigures(dice, _known(apd), _known(hd95), bool(drawn)) for dice, apd, hd95, drawn in rows])


def _figures(found: torch.Tensor, drawn: torch.Tensor, spacing_mm: Sequence[Sequence[float]]) -> torch.Tensor:
    """Dice, APD and HD95 of masks ``(1, 1, spatial, spatial)``, shape ``(1, 3)``; distances are nan where one is empty."""
    dice = compute_dice(found, drawn, ignore_empty=False).double()
    if not (found.any() and drawn.any()):
        return torch.cat([dice, torch.full((1, 2), torch.nan, dtype=torch.float64)], dim=1)
    spacing = [float(side) for side in spacing_mm[0]]
    apd = compute_average_surface_distance(found, drawn, include_background=True, spacing=spacing)
    hd95 = compute_hausdorff_distance(found, drawn, include_background=True, percentile=95, spacing=spacing)
    return torch.cat([dice, apd.double(), hd95.double()], dim=1)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
