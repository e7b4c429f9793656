"""Run-length code of a mask, in the format of Kaggle competitions.

Pixels are counted from 1, down the first column, then down the next (column-major). A code lists runs of structure pixels, start and
length, in ascending order, and is empty where the mask is: ``"1 3 10 5"`` is the pixels 1, 2, 3 and 10 to 14.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError, quoted
from usseg_monai.geometry.runs import find_runs

__all__ = ["decode_run_length", "encode_run_length"]


def encode_run_length(mask: npt.NDArray[Any]) -> str:
    """Write a mask as run-length code.

    Args:
        mask: ``(rows, cols)``; nonzero is structure.

    Raises:
        ImageError: the mask is not 2-D, has no pixels, or has values that are not finite numbers.

    >>> encode_run_length(np.array([[0, 1, 1], [1, 1, 0]]))
    '2 4'
    """
    runs = find_runs(np.asarray(mask).T)  # checks the mask; a run that continues in the next column is two runs here
    if len(runs.row) == 0:
        return ""
    start, stop = runs.row * runs.shape[1] + runs.start, runs.row * runs.shape[1] + runs.stop
    begins = np.concatenate([[True], start[1:] > stop[:-1]])
    ends = np.concatenate([begins[1:], [True]])
    pairs = np.stack([start[begins] + 1, stop[ends] - start[begins]], axis=1)
    return " ".join(map(str, pairs.ravel().tolist()))


def decode_run_length(code: str, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Read run-length code.

    Args:
        code: whole numbers, start and length of each run; runs ascend and share no pixel, but may touch.
        shape: ``(rows, cols)`` of the mask, which the code does not state.

    Returns:
        uint8 ``(rows, cols)``, 0 and 1.

    Raises:
        ImageError: not whole numbers, a start without a length, or runs that are empty, overlap, or leave the picture.

    >>> decode_run_length("2 4", (2, 3))
    array([[0, 1, 1],
           [1, 1, 0]], dtype=uint8)
    """
    words = code.split()
    rows, cols = shape
    if not all(word.isascii() and word.isdigit() and len(word) < 19 for word in words):
        raise ImageError(f"run-length code {quoted(code)}: it must be whole numbers from 1, separated by blanks")
    if len(words) % 2:
        raise ImageError(f"run-length code {quoted(code)} has {len(words)} numbers: each start needs a length after it")
    numbers = np.array(words, dtype=np.int64).reshape(-1, 2)
    start, length = numbers[:, 0] - 1, numbers[:, 1]
    stop = start + length
    if (start < 0).any() or (length < 1).any() or (stop > rows * cols).any():
        raise ImageError(
            f"run-length code {quoted(code)}: runs must lie in the pixels 1 to {rows * cols} of {rows}x{cols}, one or more long"
        )
    if (start[1:] < stop[:-1]).any():
        raise ImageError(f"run-length code {quoted(code)}: runs must ascend and not overlap")
    steps = np.zeros(rows * cols + 1, np.int8)
    np.add.at(steps, start, 1)  # a run may begin where another ends: the steps cancel
    np.add.at(steps, stop, -1)
    mask: npt.NDArray[np.uint8] = np.cumsum(steps[:-1], dtype=np.int8).astype(np.uint8).reshape(cols, rows).T
    return np.ascontiguousarray(mask)
