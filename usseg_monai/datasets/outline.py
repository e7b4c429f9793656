"""Convert a drawn outline to a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError
from usseg_monai.geometry.types import MaskArray

__all__ = ["fill_outline"]

_PEN = 4  # pixels; thicker drawings are structures, not curves


def fill_outline(outline: npt.NDArray[Any]) -> MaskArray:
    """Fill a drawn outline; the outline itself belongs to the structure.

    The outline may leave the picture: the border then closes it. In a filled mask only holes are filled,
    and an empty mask stays empty.

    Args:
        outline: 2-D, nonzero on the outline or in the structure, either axis order.

    Returns:
        uint8 of the same shape, 0 and 1.

    Raises:
        ImageError: not 2-D, or a curve that encloses nothing.

    >>> ring = np.zeros((7, 8), np.uint8)
    >>> ring[1:6, 2:7] = 255
    >>> ring[2:5, 3:6] = 0
    >>> int(fill_outline(ring).sum())
    25
    """
    from scipy import ndimage

    drawn = np.asarray(outline) != 0
    if drawn.ndim != 2:
        raise ImageError(f"an annotation has shape {drawn.shape}: it must be 2-D, (rows, cols)")
    mask: MaskArray = drawn.astype(np.uint8)
    if not drawn.any():
        return mask

    # Only the box around the drawing can hold its inside. A margin of one background pixel, where the picture has one, connects
    # everything outside; what reaches the margin is outside.
    rows, cols = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    low, high = (int(rows[0]), int(cols[0])), (int(rows[-1]) + 1, int(cols[-1]) + 1)
    box = tuple(slice(max(start - 1, 0), stop + 1) for start, stop in zip(low, high, strict=True))
    background, _ = ndimage.label(~drawn[box])
    outside: set[int] = {0}
    at_border: set[int] = set()
    for axis in (0, 1):
        for end, has_margin in ((0, low[axis] > 0), (-1, high[axis] < drawn.shape[axis])):
            (outside if has_margin else at_border).update(np.take(background, end, axis=axis).tolist())

    # Where the border of the picture cuts the outline, both the inside and corners cut off by the outline touch the border. The
    # middle of the drawing distinguishes them, as such outlines are convex.
    middle = tuple(int(index.mean()) for index in np.nonzero(drawn[box]))
    inside = int(background[middle])
    if inside in outside - {0} and _is_curve(drawn[box]):
        raise ImageError("an annotation is a curve that encloses nothing: it must be a closed outline or a filled structure")
    mask[box] |= ~np.isin(background, list(outside | (at_border - {inside})))
    return mask


def _is_curve(drawn: npt.NDArray[np.bool_]) -> bool:
    """Whether a drawing is one thin line, and not several structures or a thick one."""
    from scipy import ndimage

    _, pieces = ndimage.label(drawn, np.ones((3, 3)))
    return bool(pieces == 1 and not ndimage.binary_erosion(drawn, np.ones((_PEN + 1, _PEN + 1), np.bool_)).any())
