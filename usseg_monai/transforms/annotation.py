"""Loading of annotations in MONAI's transforms."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import convert_to_dst_type
from torch import Tensor

from usseg_monai.data.annotation import read_annotation

__all__ = ["LoadAnnotationd"]


class LoadAnnotationd(MapTransform):
    """Load annotations of any kind, onto the grid of an image that was loaded before.

    Masks, drawn outlines and several files of one image all become one mask (`usseg_monai.data.annotation.read_annotation`), which
    must have the image's size.

    Args:
        keys: of the annotations: a path, or several.
        reference: key of the image.

    Shapes: for an image ``(channels, W, H)`` a float mask ``(1, W, H)`` of 0 and 1, with the image's metadata.

    Raises:
        ImageError: an annotation that cannot be used.

    >>> import torch
    >>> LoadAnnotationd("label")({"image": torch.zeros(1, 8, 6), "label": []})["label"].shape
    torch.Size([1, 8, 6])
    """

    def __init__(self, keys: KeysCollection, reference: str = "image") -> None:
        super().__init__(keys)
        self.reference = reference

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        image: Tensor = result[self.reference]
        for key in self.key_iterator(result):
            mask = read_annotation(result[key], tuple(image.shape[:0:-1]))  # rows are the last axis here
            label = torch.from_numpy(np.ascontiguousarray(mask.T[None], dtype=np.float32))
            result[key] = convert_to_dst_type(label, image)[0]
        return result
