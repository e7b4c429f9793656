"""Run-length codes of masks in MONAI's transforms."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils import convert_to_numpy
from torch import Tensor

from usseg_monai.measurements.run_length import decode_run_length, encode_run_length

__all__ = ["DecodeRunLength", "DecodeRunLengthd", "EncodeRunLength", "EncodeRunLengthd"]


class EncodeRunLength(Transform):
    """Write a mask as run-length code (`usseg_monai.measurements.run_length`): from 1, down the picture's columns.

    Shapes: a mask ``(1, W, H)``, columns of the picture before its rows as MONAI's readers give it, nonzero is structure; to a string.

    Raises:
        ImageError: more than one channel or not 2-D.

    >>> EncodeRunLength()(torch.tensor([[[0, 1], [1, 1], [1, 0]]]))  # three columns of two pixels
    '2 4'
    """

    def __call__(self, img: np.ndarray[Any, Any] | Tensor) -> str:
        mask = convert_to_numpy(img)
        return encode_run_length(mask[0].T if mask.shape[0] == 1 else mask)


class DecodeRunLength(Transform):
    """Read run-length code, the inverse of `EncodeRunLength`.

    Args:
        spatial_size: ``(W, H)`` of the masks, which a code does not say.

    Shapes: a string; to a float mask ``(1, W, H)`` of 0 and 1.

    Raises:
        ImageError: a code that is none, or that leaves the picture.

    >>> DecodeRunLength((3, 2))("2 4").tolist()
    [[[0.0, 1.0], [1.0, 1.0], [1.0, 0.0]]]
    """

    def __init__(self, spatial_size: tuple[int, int]) -> None:
        self.spatial_size = spatial_size

    def __call__(self, code: str) -> Tensor:
        cols, rows = self.spatial_size
        mask = decode_run_length(code, (rows, cols))
        return torch.from_numpy(np.ascontiguousarray(mask.T[None], dtype=np.float32))


class EncodeRunLengthd(MapTransform):
    """Dictionary form of `EncodeRunLength`."""

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.encode = EncodeRunLength()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.encode(result[key])
        return result


class DecodeRunLengthd(MapTransform):
    """Dictionary form of `DecodeRunLength`."""

    def __init__(self, keys: KeysCollection, spatial_size: tuple[int, int], allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.decode = DecodeRunLength(spatial_size)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.decode(result[key])
        return result
