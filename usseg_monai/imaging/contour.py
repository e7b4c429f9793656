"""Contours written as text: one point per line, ``x y`` in pixels, as in the Sunnybrook cardiac data.

Convention: the centre of the first pixel is (0, 0), x runs along the columns, y along the rows, and the contour is closed implicitly.
A pixel belongs to the mask if the contour encloses its centre or passes through it: Pillow's polygon, including its edge. The labels of
the PNG copy of the Sunnybrook data match this to the pixel. Such masks reach about half a pixel beyond the contour: their area, and
volumes computed from them, are 4 to 7 % larger than the polygon's own (36 endocardial contours); ejection fractions are unaffected.
Pillow truncates coordinates: masks and labels lie half a pixel up and left of the contours, on average.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError
from usseg_monai.geometry.types import MaskArray
from usseg_monai.imaging.file_bytes import read_small
from usseg_monai.imaging.limits import Limits

__all__ = ["fill_contour", "read_contour", "read_contour_mask"]

_FEWEST = 3  # points that enclose anything
_FARTHEST = 1e5  # pixels; no picture is that large
_LARGEST_FILE = 1 << 20  # bytes; a contour around a whole picture has some thousand points


def read_contour(path: str | Path) -> npt.NDArray[np.float64]:
    """Read the points of a contour.

    Returns:
        ``(n, 2)`` of ``(row, col)`` in pixels, n at least 3.

    Raises:
        ImageError: the file cannot be read, a line is not two plausible pixel coordinates, or fewer than three points differ.
    """
    path = Path(path)
    try:
        data = read_small(path, Limits(), _LARGEST_FILE)
        text = "" if data is None else data.decode("ascii")
    except (ImageError, UnicodeDecodeError) as error:
        raise ImageError(f"{path}: cannot be read as a contour ({error if isinstance(error, ImageError) else 'not a text'})") from error
    if data is None:
        raise ImageError(f"{path}: more than {_LARGEST_FILE} bytes: a contour file has one point per line, such as '120.5 137.0'")
    points = [_point(line, f"{path}, line {number}") for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(set(points)) < _FEWEST:
        raise ImageError(f"{path}: {len(set(points))} different points: a contour needs at least {_FEWEST}; draw or export it again")
    return np.array(points)


def _point(line: str, where: str) -> tuple[float, float]:
    try:
        x, y = map(float, line.split())
    except ValueError:
        x = y = math.nan
    if not (abs(x) <= _FARTHEST and abs(y) <= _FARTHEST):  # false for NaN
        raise ImageError(f"{where}: {line.strip()[:40]!r} must be a point 'x y', two pixel coordinates")
    return y, x


def fill_contour(points: npt.NDArray[np.float64], shape: tuple[int, int]) -> MaskArray:
    """Mask of the area inside a contour, by the convention of this module.

    Args:
        points: ``(n, 2)`` of ``(row, col)`` in pixels; what lies outside the picture is cut off.
        shape: ``(rows, cols)`` of the picture.

    Raises:
        ImageError: the contour lies entirely outside the picture.

    >>> fill_contour(np.array([[1, 1], [1, 3], [2, 3], [2, 1]], float), (4, 5))
    array([[0, 0, 0, 0, 0],
           [0, 1, 1, 1, 0],
           [0, 1, 1, 1, 0],
           [0, 0, 0, 0, 0]], dtype=uint8)
    """
    from PIL import Image, ImageDraw

    rows, cols = shape
    picture = Image.new("L", (cols, rows))
    ImageDraw.Draw(picture).polygon([(float(col), float(row)) for row, col in points], fill=1, outline=1)
    mask: MaskArray = np.asarray(picture).copy()
    if not mask.any():
        raise ImageError(f"a contour lies outside of its picture of {rows} rows x {cols} columns: it belongs to another one")
    return mask


def read_contour_mask(path: str | Path, shape: tuple[int, int]) -> MaskArray:
    """Mask of a contour file in a picture of ``(rows, cols)``; errors of `read_contour` and `fill_contour` name the file."""
    points = read_contour(path)
    try:
        return fill_contour(points, shape)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
