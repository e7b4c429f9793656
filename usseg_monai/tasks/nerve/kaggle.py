"""The submission table of Kaggle's Ultrasound Nerve Segmentation: ``img,pixels``, one run-length code per image of the test set."""

from __future__ import annotations

import numpy as np

from usseg_monai.geometry.run_length import encode_run_length
from usseg_monai.geometry.types import MaskArray
from usseg_monai.tasks.submission import Submission

__all__ = ["KAGGLE", "SHAPE", "encode", "resize_mask"]

SHAPE = (420, 580)
"""Rows and columns of the competition's images; the codes count their pixels."""


def encode(mask: MaskArray) -> str:
    """The competition's run-length code of a mask. Masks of another size than `SHAPE` are resized (nearest neighbour).

    >>> mask = np.zeros(SHAPE, np.uint8)
    >>> mask[2:4, 0] = 1
    >>> encode(mask)
    '3 2'
    """
    return encode_run_length(resize_mask(mask, SHAPE))


def resize_mask(mask: MaskArray, shape: tuple[int, int]) -> MaskArray:
    """Resize a mask to a new grid over the same picture (nearest neighbour).

    >>> resize_mask(np.array([[0, 1]], np.uint8), (2, 4)).tolist()
    [[0, 0, 1, 1], [0, 0, 1, 1]]
    """
    if mask.shape == shape:
        return mask
    row, col = ((2 * np.arange(new) + 1) * old // (2 * new) for new, old in zip(shape, mask.shape, strict=True))
    resized: MaskArray = mask[np.ix_(row, col)]
    return resized


KAGGLE = Submission(
    competition="Kaggle's Ultrasound Nerve Segmentation: one run-length code per image (580x420 pixels, counted from 1 down the columns), "
    "empty where no nerve is found",
    header="img,pixels",
    encode=encode,
)
