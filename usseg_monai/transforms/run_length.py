"""MONAI transforms for run-length codes of masks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import InvertibleTransform, Transform
from monai.utils import convert_to_numpy
from torch import Tensor

from usseg_monai.geometry.run_length import decode_run_length, encode_run_length
from usseg_monai.transforms.backends import NUMPY
from usseg_monai.transforms.dictionary import DictionaryForm

__all__ = [
    "DecodeRunLength",
    "DecodeRunLengthD",
    "DecodeRunLengthDict",
    "DecodeRunLengthd",
    "EncodeRunLength",
    "EncodeRunLengthD",
    "EncodeRunLengthDict",
    "EncodeRunLengthd",
]


class EncodeRunLength(Transform):
    """Encode a mask as run-length code (`usseg_monai.geometry.run_length`), counted from 1 down the picture's columns.

    Shapes: a mask ``(1, W, H)``, the picture's columns before its rows as in MONAI's readers, nonzero is structure; to a string.

    Raises:
        ImageError: more than one channel or not 2-D.

    >>> EncodeRunLength()(torch.tensor([[[0, 1], [1, 1], [1, 0]]]))  # three columns of two pixels
    '2 4'
    """

    backend = NUMPY

    def __call__(self, img: np.ndarray[Any, Any] | Tensor) -> str:
        mask = convert_to_numpy(img)
        return encode_run_length(mask[0].T if mask.shape[0] == 1 else mask)


class DecodeRunLength(InvertibleTransform):
    """Decode run-length code; its inverse is `EncodeRunLength`, which has none: the size of the mask is not in the code.

    Args:
        spatial_size: ``(W, H)`` of the masks, which is not in the code.

    Shapes: a string; to a float mask ``(1, W, H)`` of 0 and 1.

    Raises:
        ImageError: an invalid code, or one that leaves the picture.

    >>> DecodeRunLength((3, 2))("2 4").tolist()
    [[[0.0, 1.0], [1.0, 1.0], [1.0, 0.0]]]
    """

    backend = NUMPY

    def __init__(self, spatial_size: tuple[int, int]) -> None:
        self.spatial_size = spatial_size

    def __call__(self, code: str) -> Tensor:
        cols, rows = self.spatial_size
        mask = decode_run_length(code, (rows, cols))
        return torch.from_numpy(np.ascontiguousarray(mask.T[None], dtype=np.float32))

    def inverse(self, img: np.ndarray[Any, Any] | Tensor) -> str:
        """Encode a mask ``(1, W, H)``."""
        return EncodeRunLength()(img)


class EncodeRunLengthd(DictionaryForm):
    """Dictionary form of `EncodeRunLength`.

    Args:
        keys: of the masks.
        allow_missing_keys: whether an item may lack a mask.
    """

    backend = EncodeRunLength.backend

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, EncodeRunLength(), allow_missing_keys)


class DecodeRunLengthd(DictionaryForm, InvertibleTransform):
    """Dictionary form of `DecodeRunLength`.

    Args:
        keys: of the codes.
        spatial_size: as for `DecodeRunLength`.
        allow_missing_keys: whether an item may lack a code.
    """

    backend = DecodeRunLength.backend

    def __init__(self, keys: KeysCollection, spatial_size: tuple[int, int], allow_missing_keys: bool = False) -> None:
        super().__init__(keys, DecodeRunLength(spatial_size), allow_missing_keys)

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.transform.inverse(result[key])
        return result


EncodeRunLengthD = EncodeRunLengthDict = EncodeRunLengthd
DecodeRunLengthD = DecodeRunLengthDict = DecodeRunLengthd
