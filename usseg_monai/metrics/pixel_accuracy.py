"""Share of pixels with the right label, in MONAI's form."""

from __future__ import annotations

from typing import Any

import torch
from monai.metrics import CumulativeIterationMetric

__all__ = ["PixelAccuracy"]


class PixelAccuracy(CumulativeIterationMetric):
    """Share of pixels with the right label, case by case, then its mean.

    Call it with binary or one-hot masks ``(batch, channels, *spatial)`` or lists of ``(channels, *spatial)``; a pixel is right if all
    its channels are. Each call returns the shares, shape ``(batch, 1)``. Where structures are small, an empty mask scores high too:
    read it beside Dice.

    >>> metric = PixelAccuracy()
    >>> metric(torch.tensor([[[[1, 0], [0, 0]]]]), torch.tensor([[[[1, 1], [0, 0]]]])).item()
    0.75
    """

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor | None = None, **kwargs: Any) -> torch.Tensor:
        if y is None or y.shape != y_pred.shape:
            raise ValueError(f"masks have shapes {tuple(y_pred.shape)} and {None if y is None else tuple(y.shape)}: they must be the same")
        return (y_pred == y).all(dim=1).flatten(1).double().mean(dim=1, keepdim=True)

    def aggregate(self) -> torch.Tensor:
        """Mean over all cases."""
        return self.get_buffer().mean()
