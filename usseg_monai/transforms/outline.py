"""Annotations that were drawn as outlines, in MONAI's transforms."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import torch
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_dst_type
from torch import Tensor

from usseg_monai.data.outline import fill_outline

__all__ = ["FillOutline", "FillOutlined"]


class FillOutline(Transform):
    """Fill drawn outlines; annotations that are filled masks already stay as they are.

    Shapes: ``(channels, W, H)`` to the same, each channel on its own, nonzero is drawn. Result: 0 and 1 in the input's type, with
    its metadata.

    Raises:
        ImageError: an outline that is not closed.

    >>> FillOutline()(torch.tensor([[[1., 1., 1.], [1., 0., 1.], [1., 1., 1.]]])).sum()
    tensor(9.)
    """

    def __call__(self, label: Tensor) -> Tensor:
        masks = [torch.from_numpy(fill_outline(channel.numpy(force=True))) for channel in torch.as_tensor(label)]
        filled: Tensor = convert_to_dst_type(torch.stack(masks), label)[0]
        return filled


class FillOutlined(MapTransform):
    """Dictionary form of `FillOutline`."""

    def __call__(self, data: Mapping[Hashable, Tensor]) -> dict[Hashable, Tensor]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = FillOutline()(result[key])
        return result
