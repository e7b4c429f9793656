"""Pixel accuracy, with what an empty mask would reach."""

from __future__ import annotations

from torch import Tensor

from usseg_monai.evaluation.pixel_accuracy import background_accuracy, pixel_accuracy
from usseg_monai.geometry.types import MaskArray, Spacing
from usseg_monai.metrics.cases import CaseMetric

__all__ = ["PixelAccuracyMetric"]


class PixelAccuracyMetric(CaseMetric):
    """Share of the pixels that are right, 0 to 1.

    Each call returns, of shape ``(batch, 2)``, the accuracy of the mask and that of an empty one, which is easily above 0.95; ``aggregate``
    the mean of both, shape ``(2,)``.

    >>> import torch
    >>> metric = PixelAccuracyMetric()
    >>> _ = metric(torch.tensor([[[[1, 1, 0, 0]]]]), torch.tensor([[[[1, 0, 0, 0]]]]))
    >>> metric.aggregate().tolist()
    [0.75, 0.75]
    """

    def row(self, found: MaskArray, true: MaskArray, spacing_mm: Spacing | None) -> tuple[float, float]:
        """Accuracy of the mask, and of an empty one."""
        return pixel_accuracy(found, true), background_accuracy(true)

    def aggregate(self) -> Tensor:
        """Mean accuracy of the masks, and of empty ones."""
        return self.rows().mean(dim=0)
