"""Cutting windows out of images and their annotations."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform, SpatialCrop
from torch import Tensor

from usseg_monai.data.windows import Window, pick_window

__all__ = ["CropWindowd", "RandStructureWindowd"]


class CropWindowd(MapTransform):
    """Cut out the window that an item of `usseg_monai.data.windows.with_windows` names; the others stay whole.

    Shapes: ``(channels, W, H)`` to ``(channels, window's columns, window's rows)``.

    >>> import torch
    >>> CropWindowd("image")({"image": torch.zeros(1, 80, 60), "window": [5, 10, 30, 40]})["image"].shape
    torch.Size([1, 40, 30])
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        window = result.pop("window", None)
        for key in self.key_iterator(result) if window else ():
            result[key] = _crop(result[key], tuple(window))
        return result


class RandStructureWindowd(MapTransform, RandomizableTransform):
    """Cut random windows: some hold nothing of the structure, the others hold it whole.

    Args:
        keys: image and annotation.
        label: key of the annotation.
        prob: share of the images that are cut.
        empty_share: share of these of which the window holds nothing.
        side: least and largest side of the window, as a share of the image's sides.

    Shapes: ``(channels, W, H)`` to ``(channels, w, h)``; an image without such a window stays whole.

    >>> import torch
    >>> label = torch.zeros(1, 80, 60); label[:, 5:20, 5:20] = 1
    >>> item = {"image": torch.rand(1, 80, 60), "label": label}
    >>> cut = RandStructureWindowd(["image", "label"], prob=1.0, empty_share=1.0).set_random_state(0)(item)
    >>> cut["image"].shape == cut["label"].shape, bool(cut["label"].any())
    (True, False)
    """

    def __init__(
        self,
        keys: KeysCollection,
        label: str = "label",
        prob: float = 0.5,
        empty_share: float = 0.5,
        side: Sequence[float] = (0.5, 0.9),
    ) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob)
        self.label, self.empty_share, self.side = label, empty_share, (side[0], side[1])

    def __call__(self, data: Mapping[Hashable, Tensor]) -> dict[Hashable, Tensor]:
        result = dict(data)
        self.randomize(None)
        if not self._do_transform:
            return result
        empty, side = self.R.uniform() < self.empty_share, self.R.uniform(*self.side)
        mask = np.asarray(result[self.label][0]).T >= 0.5
        window = pick_window(mask, side, not empty, self.R)
        for key in self.key_iterator(result) if window else ():
            result[key] = _crop(result[key], window)
        return result


def _crop(image: Tensor, window: Window) -> Tensor:
    row, col, rows, cols = window
    cropped: Tensor = SpatialCrop(roi_start=(col, row), roi_end=(col + cols, row + rows))(image)
    return cropped
