"""Outputs of a deeply supervised network in post-processing."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from monai.transforms import MapTransform
from torch import Tensor

__all__ = ["FinestHeadd"]


class FinestHeadd(MapTransform):
    """Keep the finest of the outputs that a deeply supervised network gives in training mode.

    Shapes: ``(heads, C, W, H)`` to ``(C, W, H)``; what is ``(C, W, H)`` already, from a network with one output, stays as it is.

    >>> import torch
    >>> FinestHeadd("pred")({"pred": torch.zeros(3, 1, 8, 6)})["pred"].shape
    torch.Size([1, 8, 6])
    >>> FinestHeadd("pred")({"pred": torch.zeros(1, 8, 6)})["pred"].shape
    torch.Size([1, 8, 6])
    """

    def __call__(self, data: Mapping[Hashable, Tensor]) -> dict[Hashable, Tensor]:
        result = dict(data)
        for key in self.key_iterator(result):
            if result[key].ndim == 4:
                result[key] = result[key][0]
        return result
