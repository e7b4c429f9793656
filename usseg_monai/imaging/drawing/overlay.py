"""A picture for checking a result: the image with what was found, and the numbers below it.

The image stays complete: it is the top left of the picture, and no text lies on it. Each of its pixels becomes a square with sides of
`magnification` pixels: pixel ``(row, col)`` begins at ``(factor * row, factor * col)``. Outlines run just outside the structure, along the
edges of its pixels, so that the structure stays visible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from usseg_monai.geometry.types import MaskArray
from usseg_monai.imaging.drawing.colors import BACKGROUND, FOUND, MEASURED, TRUTH, Color
from usseg_monai.imaging.drawing.display import to_display
from usseg_monai.imaging.drawing.letters import draw_text, text_width
from usseg_monai.imaging.drawing.strip import Caption, draw_strip, letter_size
from usseg_monai.imaging.image import GreyImage

__all__ = ["ENLARGED_BELOW", "WITHOUT_TEXT_ABOVE", "Caption", "Marks", "draw_overlay", "draw_result", "magnification"]

ENLARGED_BELOW = 600
"""Pictures whose longer side has fewer pixels are enlarged."""

WITHOUT_TEXT_ABOVE = 16_384
"""Images with a side of more pixels, which no scanner makes, have no text below them."""

_NARROWEST = 480  # pixels of a legible strip: narrower pictures stand at its left
_THIN = 400  # a line's width is the longer side of the picture divided by this
_LEAST_LINE = 2  # pixels: thinner lines fade where they run between two
_SMOOTH = 3  # lines are drawn this many times larger and scaled down, to be smooth
_SMOOTH_PIXELS = 4_000_000  # of the drawn part; larger parts are not smoothed
_DOTS = 6  # distance between the dots of an axis, in line widths
_COVERED = 0.005  # largest share of the structure that dots may cover
_FEWEST_DOTS = 12  # of a closed axis, whatever they cover
_STEPS = 300  # most steps in the search for the place of a number
_CROSS = 4  # arms of the cross at the end of an axis, in line widths

ByteArray = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]


def magnification(shape: tuple[int, int]) -> int:
    """The integer factor by which a picture of ``(rows, cols)`` is enlarged.

    >>> magnification((540, 800)), magnification((256, 256)), magnification((599, 96)), magnification((600, 96))
    (1, 3, 2, 1)
    """
    return max(1, -(-ENLARGED_BELOW // max(shape)))


@dataclass(frozen=True)
class Marks:
    """Lines and numbers over an image, in pixel coordinates ``(row, col)``: the centre of the first pixel is (0, 0).

    Attributes:
        outlines: polylines ``(n, 2)`` that the numbers refer to, such as a fitted ellipse.
        axes: polylines ``(n, 2)``, dotted, with crosses at their ends unless they are closed.
        truth: polylines ``(n, 2)`` of an annotation.
        numbered: centres of the structures, if they are to be numbered, from 1.
    """

    outlines: Sequence[Points] = ()
    axes: Sequence[Points] = ()
    truth: Sequence[Points] = ()
    numbered: Sequence[tuple[float, float]] = ()


def draw_overlay(image: GreyImage, mask: MaskArray, marks: Marks | None = None, *, caption: Caption) -> ByteArray:
    """Draw a result with its text.

    Args:
        image: the image, shown by `usseg_monai.imaging.drawing.display.to_display`.
        mask: labels ``(rows, cols)`` of the image's size.
        marks: what else is drawn over the image.
        caption: text of the strip below the image, which also has a scale bar if the spacing is known.

    Returns:
        RGB, ``(rows, cols, 3)``; the image, enlarged by `magnification`, at the top left. Images with a side above `WITHOUT_TEXT_ABOVE` are
        drawn without the strip, which could take many times the memory of a thin image.

    >>> image = GreyImage(np.zeros((540, 800), np.float32), (0.2, 0.2))
    >>> drawn = draw_overlay(image, np.ones((540, 800), np.uint8), caption=Caption("ok"))
    >>> drawn.shape[0] > 540, drawn.shape[1]
    (True, 800)
    """
    if max(image.pixels.shape) > WITHOUT_TEXT_ABOVE:
        return draw_result(image, mask, marks)
    factor = magnification(image.pixels.shape)
    rows, cols = (factor * side for side in image.pixels.shape)
    width = max(cols, _NARROWEST)
    strip = draw_strip(width, caption, picture_width=cols, factor=factor, spacing_mm=image.spacing_mm)
    whole = np.empty((rows + len(strip), width, 3), np.uint8)
    whole[:rows, cols:], whole[rows:] = BACKGROUND, strip
    _draw(whole[:rows, :cols], image, mask, marks or Marks(), factor)
    return whole


def draw_result(image: GreyImage, mask: MaskArray, marks: Marks | None = None, *, factor: int = 1) -> ByteArray:
    """Draw the image and what was found in it, without text.

    Args:
        image: the image.
        mask: what was found.
        marks: what else is drawn over the image.
        factor: by which the image is enlarged, at least 1.

    Returns:
        RGB, ``(factor * rows, factor * cols, 3)``.
    """
    rows, cols = image.pixels.shape
    picture = np.empty((factor * rows, factor * cols, 3), np.uint8)
    _draw(picture, image, mask, marks or Marks(), factor)
    return picture


def _draw(picture: ByteArray, image: GreyImage, mask: MaskArray, marks: Marks, factor: int) -> None:
    """Draw into a part of a picture, which has the size of the enlarged image."""
    _fill(picture, to_display(image.pixels), factor)
    inside = mask > 0
    width = max(_LEAST_LINE, round(max(picture.shape[:2]) / _THIN))
    _draw_border(picture, inside, factor, width)
    for lines, color in ((marks.truth, TRUTH), (marks.outlines, MEASURED)):
        for line in lines:
            _draw_line(picture, _enlarged_points(line, factor), width, color)
    budget = _COVERED * factor**2 * np.count_nonzero(inside) / max(1, len(marks.axes))
    for axis in marks.axes:
        _draw_axis(picture, _enlarged_points(axis, factor), width, inside, budget)
    if marks.numbered:
        ends = [_enlarged_points(axis, factor)[[0, -1]] for axis in marks.axes]
        _draw_numbers(picture, inside, marks.numbered, factor, ends)


def _fill(picture: ByteArray, grey: ByteArray, factor: int) -> None:
    """Write an enlarged grey image into a picture; large images, which are not enlarged, are not copied first."""
    if factor == 1:
        for channel in range(3):
            picture[..., channel] = grey
    else:
        picture[:] = grey.repeat(3 * factor, axis=1).repeat(factor, axis=0).reshape(picture.shape)


def _enlarged_points(points: Points, factor: int) -> Points:
    """Points in the enlarged picture; in both pictures the centre of the first pixel is (0, 0)."""
    enlarged: Points = (np.asarray(points, np.float64) + 0.5) * factor - 0.5
    return enlarged


def _draw_border(picture: ByteArray, inside: npt.NDArray[np.bool_], factor: int, width: int) -> None:
    """Paint the band of `width` pixels around the structure; the picture's border is not an edge."""
    rows, cols = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return
    reach = -(-width // factor)  # pixels of the image that hold the band
    box = np.s_[max(0, rows[0] - reach) : rows[-1] + reach + 1, max(0, cols[0] - reach) : cols[-1] + reach + 1]
    core = inside[box].repeat(factor, axis=0).repeat(factor, axis=1)
    grown = core.copy()
    for _ in range(width):
        wider = grown.copy()
        wider[1:] |= grown[:-1]
        wider[:-1] |= grown[1:]
        wider[:, 1:] |= grown[:, :-1]
        wider[:, :-1] |= grown[:, 1:]
        grown = wider
    top, left = factor * box[0].start, factor * box[1].start
    part = picture[top : top + core.shape[0], left : left + core.shape[1]]
    part[grown & ~core] = FOUND


def _draw_line(picture: ByteArray, points: Points, width: int, color: Color) -> None:
    """Draw a polyline over the part of the picture that it crosses."""
    from PIL import Image, ImageDraw

    size = np.array(picture.shape[:2])
    low = np.floor(points.min(axis=0) - 2 * width).clip(0, size).astype(int)
    high = np.ceil(points.max(axis=0) + 2 * width + 1).clip(0, size).astype(int)
    rows, cols = (int(side) for side in high - low)
    if not (rows > 0 and cols > 0):
        return
    finer = _SMOOTH if rows * cols <= _SMOOTH_PIXELS else 1
    layer = Image.new("L", (cols * finer, rows * finer))
    places = (points - low + 0.5)[:, ::-1] * finer - 0.5
    ImageDraw.Draw(layer).line([(float(x), float(y)) for x, y in places], fill=255, width=width * finer, joint="curve")
    opacity = np.asarray(layer.reduce(finer))
    part = picture[low[0] : high[0], low[1] : high[1]]
    at = opacity.nonzero()
    share = opacity[at][:, None] / np.float32(255)
    part[at] = (part[at] * (1 - share) + np.array(color, np.float32) * share).astype(np.uint8)


def _draw_axis(picture: ByteArray, points: Points, width: int, inside: npt.NDArray[np.bool_], budget: float) -> None:
    """Draw dots along a polyline, and crosses at its ends unless it is closed, like calipers on the screen of a scanner.

    The arms of crosses are omitted where they would lie on the structure, and dots where they would cover more of it than the budget, in
    pixels of the picture.
    """
    steps = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    closed = np.allclose(points[0], points[-1])
    dots = max(min(along[-1] / (_DOTS * width), budget / width**2), _FEWEST_DOTS if closed else 0)
    at = (np.arange(round(dots)) + 0.5) / max(1, round(dots)) * along[-1]
    for row, col in zip(np.interp(at, along, points[:, 0]), np.interp(at, along, points[:, 1]), strict=True):
        _paint(picture, row, col, width, width)
    if not closed:
        length = (2 * _CROSS + 1) * width
        for row, col in points[[0, -1]]:
            _paint(picture, row, col, width, length, inside)
            _paint(picture, row, col, length, width, inside)


def _paint(picture: ByteArray, row: float, col: float, rows: int, cols: int, spared: npt.NDArray[np.bool_] | None = None) -> None:
    """Paint a rectangle around a point, where it lies in the picture and not on what is spared."""
    top, left = round(row - (rows - 1) / 2), round(col - (cols - 1) / 2)
    part = np.s_[max(0, top) : max(0, top + rows), max(0, left) : max(0, left + cols)]
    picture[part][slice(None) if spared is None else ~_enlarged_part(spared, part, picture.shape)] = MEASURED


def _enlarged_part(inside: npt.NDArray[np.bool_], part: tuple[slice, slice], shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """A part of a mask after enlargement to a shape."""
    factor = shape[0] // inside.shape[0]
    rows, cols = (np.arange(side)[places] // factor for side, places in zip(shape, part, strict=False))
    return inside[np.ix_(rows, cols)]


def _draw_numbers(
    picture: ByteArray, inside: npt.NDArray[np.bool_], centres: Sequence[tuple[float, float]], factor: int, ends: Sequence[Points]
) -> None:
    """Draw a number beside each structure, at the nearest place where it covers no structure and no cross; omit it if there is none."""
    from PIL import Image, ImageDraw

    taken = inside.repeat(factor, axis=0).repeat(factor, axis=1)
    size = letter_size(max(picture.shape[1], _NARROWEST))
    for down, right in np.rint(np.array(ends)).astype(int).reshape(-1, 2):
        taken[max(0, down - size) : max(0, down + size), max(0, right - size) : max(0, right + size)] = True
    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas)
    for number, centre in enumerate(centres, 1):
        text, height = str(number), round(1.1 * size)
        width = round(text_width(text, size) + 0.5 * size)
        row, col = ((place + 0.5) * factor for place in centre)
        found = _free_place(taken, row, col, height, width)
        if found is not None:
            top, left = found
            draw.rectangle((left, top, left + width - 1, top + height - 1), fill=BACKGROUND)
            draw_text(draw, (left + 0.25 * size, top + 0.9 * size), text, size, FOUND)
            taken[top : top + height, left : left + width] = True
    picture[:] = np.asarray(canvas)


def _free_place(taken: npt.NDArray[np.bool_], row: float, col: float, height: int, width: int) -> tuple[int, int] | None:
    """Top left corner of the nearest box, in eight directions from a point, that lies in the picture and covers nothing taken."""
    rows, cols = taken.shape
    margin = height // 4
    for away in range(height, max(rows, cols), max(1, height // 4, max(rows, cols) // _STEPS)):
        for down, right in ((-1, 1), (-1, 0), (-1, -1), (0, 1), (0, -1), (1, 1), (1, 0), (1, -1)):
            length = np.hypot(down, right)
            top, left = round(row + away * down / length - height / 2), round(col + away * right / length - width / 2)
            inside = top >= 0 and left >= 0 and top + height <= rows and left + width <= cols
            if inside and not taken[max(0, top - margin) : top + height + margin, max(0, left - margin) : left + width + margin].any():
                return top, left
    return None
