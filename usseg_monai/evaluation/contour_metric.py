"""The contour distances of `usseg_monai.evaluation.contours` as a MONAI metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from monai.metrics import CumulativeIterationMetric

from usseg_monai.evaluation.contours import ContourFigures, ContourSummary, compare_contours, summarize_contours

__all__ = ["ContourMetric"]


class ContourMetric(CumulativeIterationMetric):
    """The same figures as a MONAI metric.

    Call it with binary masks ``(batch, channels, spatial, spatial)`` or lists of ``(channels, spatial, spatial)``; the last channel is the
    structure. ``spacing`` holds the millimetres along the two spatial axes, for all cases or one pair per case. Each call returns, of shape
    ``(batch, 4)``, Dice, APD and HD95 in mm (nan where a mask is empty), and 1 where a contour was drawn. ``aggregate`` returns
    a `ContourSummary`.

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
        **_: Any,
    ) -> torch.Tensor:
        if y is None or len(y) != len(y_pred):
            raise ValueError(f"{len(y_pred)} predicted masks have {0 if y is None else len(y)} true ones: give one each")
        pairs = torch.as_tensor(spacing if spacing is not None else (), dtype=torch.float64)
        if pairs.shape not in {(2,), (len(y), 2)}:
            raise ValueError(f"spacing has shape {tuple(pairs.shape)}: it must be (2,) or ({len(y)}, 2), one pair per case")
        rows = []
        for predicted, true, (down, right) in zip(y_pred, y, pairs.expand(len(y), 2).tolist(), strict=True):
            figures = compare_contours(predicted[-1].cpu().numpy(), true[-1].cpu().numpy(), (down, right))
            distances = (math.nan if value is None else value for value in (figures.apd_mm, figures.hd95_mm))
            rows.append([figures.dice, *distances, float(figures.drawn)])
        return torch.tensor(rows, dtype=torch.float64)

    def _compute_tensor(
        self,
        y_pred: torch.Tensor,
        y: torch.Tensor | None = None,
        spacing: Sequence[float] | Sequence[Sequence[float]] | None = None,
        **_: Any,
    ) -> torch.Tensor:
        return self._compute_list(y_pred, y, spacing)

    def aggregate(self) -> ContourSummary:
        """Figures of all cases since the last reset."""
        rows = self.get_buffer().tolist()  # type: ignore[no-untyped-call]  # untyped in MONAI
        return summarize_contours([ContourFigures(dice, _known(apd), _known(hd95), bool(drawn)) for dice, apd, hd95, drawn in rows])


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
