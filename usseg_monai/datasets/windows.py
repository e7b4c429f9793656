"""Cut windows from annotated images that hold the whole structure or none of it.

Where every image of a data set shows the structure, its surroundings are the only real negative examples. Windows with and
without the structure are cut in the same way, so that the magnification does not reveal the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.imaging import read_image

__all__ = ["Window", "cut_window", "pick_window", "with_windows", "without_windows"]

Window = tuple[int, int, int, int]
"""First row, first column, rows, columns."""

_SIDE = 0.6  # of the image's sides, for windows of evaluation


def pick_window(mask: npt.NDArray[Any], side: float, holds_structure: bool, generator: np.random.RandomState) -> Window | None:
    """A random window with the image's aspect ratio that holds the whole structure or none of it.

    Args:
        mask: ``(rows, cols)``, nonzero is structure.
        side: of the window, as a share of the image's sides, 0 to 1.
        holds_structure: whether the window holds the whole structure, or none of it.
        generator: source of randomness.

    Returns:
        The window, or ``None`` where no such place exists.

    >>> mask = np.zeros((10, 10)); mask[1:3, 1:3] = 1
    >>> row, col, rows, cols = pick_window(mask, 0.5, False, np.random.RandomState(0))
    >>> rows, cols, bool(mask[row : row + rows, col : col + cols].any())
    (5, 5, False)
    """
    rows, cols = (max(1, round(side * length)) for length in mask.shape)
    sums = np.pad(np.cumsum(np.cumsum(mask != 0, axis=0), axis=1), ((1, 0), (1, 0)))
    inside = sums[rows:, cols:] - sums[:-rows, cols:] - sums[rows:, :-cols] + sums[:-rows, :-cols]
    wanted = sums[-1, -1] if holds_structure else 0
    places = np.flatnonzero(inside == wanted)
    if len(places) == 0 or (holds_structure and wanted == 0):
        return None
    row, col = np.unravel_index(places[generator.randint(len(places))], inside.shape)
    return int(row), int(col), rows, cols


def cut_window(array: npt.NDArray[Any], window: Window) -> npt.NDArray[Any]:
    """The window's part of an array ``(rows, cols)``.

    >>> cut_window(np.arange(12).reshape(3, 4), (1, 2, 2, 2)).tolist()
    [[6, 7], [10, 11]]
    """
    row, col, rows, cols = window
    return array[row : row + rows, col : col + cols]


def with_windows(items: Sequence[Mapping[str, Any]], seed: int = 0, side: float = _SIDE) -> list[dict[str, Any]]:
    """The items of a datalist, plus up to two windows of each: one with the structure and one without.

    Args:
        items: with ``image`` and ``label``.
        seed: windows are the same for the same items, seed and side.
        side: as for `pick_window`; the larger it is, the fewer windows fit beside the structure.

    Returns:
        The items with ``window`` ``[]``, followed by copies with a window in ``window``, which
        `usseg_monai.transforms.windows.CropWindowd` cuts out.

    Raises:
        ImageError: an image or annotation cannot be read.
    """
    generator = np.random.RandomState(seed)
    whole = [{**item, "window": []} for item in items]
    cut: list[dict[str, Any]] = []
    for item in items:
        mask = read_annotation(item["label"], read_image(item["image"]).pixels.shape)
        windows = (pick_window(mask, side, holds_structure, generator) for holds_structure in (True, False))
        cut += [{**item, "window": list(window)} for window in windows if window is not None]
    return whole + cut


def without_windows(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The original items of `with_windows`; items without ``window`` are unchanged.

    >>> without_windows([{"image": "a.png", "window": []}, {"image": "a.png", "window": [0, 0, 8, 8]}, {"image": "b.png"}])
    [{'image': 'a.png'}, {'image': 'b.png'}]
    """
    return [{key: value for key, value in item.items() if key != "window"} for item in items if not item.get("window")]
