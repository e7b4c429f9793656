"""MONAI transforms that load annotations."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_dst_type
from torch import Tensor

from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.transforms.backends import NUMPY

__all__ = ["LoadAnnotation", "LoadAnnotationD", "LoadAnnotationDict", "LoadAnnotationd"]


class LoadAnnotation(Transform):
    """Load an annotation of any kind onto the grid of an image that is already loaded.

    Masks, drawn outlines and several files per image become one mask (`usseg_monai.datasets.annotation.read_annotation`), which
    must have the image's size. The array form takes the image too, as MONAI's `ResampleToMatch` does: the grid is the image's.

    Shapes: for an image ``(channels, W, H)`` a float mask ``(1, W, H)`` of 0 and 1, with the image's metadata.

    Raises:
        ImageError: an annotation that cannot be used.

    >>> import torch
    >>> LoadAnnotation()([], torch.zeros(1, 8, 6)).shape
    torch.Size([1, 8, 6])
    """

    backend = NUMPY

    def __call__(  # type: ignore[override]  # needs two things, as MONAI's `ResampleToMatch` does
        self, files: Any, image: Tensor
    ) -> Tensor:
        mask = read_annotation(files, tuple(image.shape[:0:-1]))  # rows are the last axis here
        label: Tensor = convert_to_dst_type(torch.from_numpy(np.ascontiguousarray(mask.T[None], dtype=np.float32)), image)[0]
        return label


class LoadAnnotationd(MapTransform):
    """Dictionary form of `LoadAnnotation`.

    Args:
        keys: of the annotations: one or several paths.
        reference: key of the image.
        allow_missing_keys: whether an item may lack an annotation.

    >>> import torch
    >>> LoadAnnotationd("label")({"image": torch.zeros(1, 8, 6), "label": []})["label"].shape
    torch.Size([1, 8, 6])
    """

    backend = LoadAnnotation.backend

    def __init__(self, keys: KeysCollection, reference: str = "image", allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.reference = reference
        self.load = LoadAnnotation()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.load(result[key], result[self.reference])
        return result


LoadAnnotationD = LoadAnnotationDict = LoadAnnotationd
