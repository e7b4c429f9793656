"""A picture to check a result by: the image with the mask's contour, fitted outlines and the numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from usseg_monai.imaging.image import GreyArray, GreyImage, MaskArray

CONTOUR_COLOR = (0, 210, 255)
OUTLINE_COLOR = (255, 190, 0)
TEXT_COLOR = (255, 255, 255)
_PLATE_SHADE = 0.35  # share of the picture's brightness that is left behind the text
_SMALLEST_TEXT = 9  # pixels; below it letters are no longer read
_SMOOTH_PIXELS = 4_000_000  # up to this size lines are drawn three times as large and scaled down, so that they have no steps

ByteArray = npt.NDArray[np.uint8]


def draw_overlay(
    image: GreyImage, mask: MaskArray, outlines: Sequence[npt.NDArray[np.float64]] = (), lines: Sequence[str] = ()
) -> npt.NDArray[np.uint8]:
    """Draw a result over its image.

    Args:
        image: the image; grey values outside 0..255 are stretched for display.
        mask: labels ``(rows, cols)`` of the image's size; the contour runs along the outermost pixels of the structure.
        outlines: polylines, each ``(n, 2)`` of ``(row, col)`` in pixels, drawn above the contour.
        lines: text at the top left, in Latin-1 letters, a raised 2 as a plain one; left out where the picture is too small to hold it.

    Returns:
        RGB, ``(rows, cols, 3)``.

    >>> image = GreyImage(np.zeros((20, 30), np.float32))
    >>> draw_overlay(image, np.ones((20, 30), np.uint8)).shape
    (20, 30, 3)
    """
    rows, cols = image.pixels.shape
    grey = _display_range(image.pixels)
    picture = np.repeat(grey[..., None], 3, axis=2)
    width = max(1.0, min(rows, cols) / 300)
    _paint(picture, _contour(mask, round(width)), CONTOUR_COLOR)
    if outlines:
        _paint(picture, _polylines((rows, cols), outlines, width), OUTLINE_COLOR)
    return _write(picture, lines) if lines else picture


def _display_range(pixels: GreyArray) -> ByteArray:
    low, high = float(pixels.min()), float(pixels.max())
    if low >= 0 and high <= 255:
        return pixels.astype(np.uint8)
    scale = 255 / (high - low) if high > low else 0.0
    stretched: ByteArray = ((pixels - np.float32(low)) * np.float32(scale)).astype(np.uint8)
    return stretched


def _contour(mask: MaskArray, width: int) -> ByteArray:
    """Opacity of the band of `width` pixels inside the structure along its edge; the picture's border is no edge."""
    inside = mask > 0
    core = inside
    for _ in range(width):
        padded = np.pad(core, 1, mode="edge")
        core = core & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    band = inside & ~core
    return band.astype(np.uint8) * 255


def _polylines(shape: tuple[int, int], outlines: Sequence[npt.NDArray[np.float64]], width: float) -> ByteArray:
    """Opacity of the lines. The centre of pixel (0, 0) lies at (0, 0)."""
    from PIL import Image, ImageDraw

    rows, cols = shape
    factor = 3 if rows * cols <= _SMOOTH_PIXELS else 1
    layer = Image.new("L", (cols * factor, rows * factor))
    draw = ImageDraw.Draw(layer)
    for outline in outlines:
        points = (np.asarray(outline)[:, ::-1] + 0.5) * factor - 0.5
        draw.line([(float(x), float(y)) for x, y in points], fill=255, width=max(1, round(width * factor)), joint="curve")
    return np.asarray(layer.reduce(factor))


def _paint(picture: ByteArray, opacity: ByteArray, color: tuple[int, int, int]) -> None:
    """Blend a colour into the picture, in place; only the painted pixels are touched."""
    at = opacity.nonzero()
    share = opacity[at][:, None] / np.float32(255)
    picture[at] = (picture[at] * (1 - share) + np.array(color, np.float32) * share).astype(np.uint8)


def _write(picture: ByteArray, lines: Sequence[str]) -> ByteArray:
    from PIL import Image, ImageDraw, ImageFont

    rows, cols = picture.shape[:2]
    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas)
    text = "\n".join(lines).replace("²", "2")  # Pillow's own font draws an empty box for a raised one
    for size in range(max(_SMALLEST_TEXT, min(rows, cols) // 32), _SMALLEST_TEXT - 1, -1):
        font = ImageFont.load_default(size)
        left, top, right, bottom = draw.multiline_textbbox((0, 0), text, font=font, spacing=size // 3)
        margin = size // 2
        width, height = round(right - left) + 2 * margin, round(bottom - top) + 2 * margin
        if width <= cols and height <= rows:
            plate = (0, 0, width, height)
            canvas.paste(canvas.crop(plate).point(lambda value: value * _PLATE_SHADE), plate)
            draw.multiline_text((margin - left, margin - top), text, font=font, fill=TEXT_COLOR, spacing=size // 3)
            break
    return np.asarray(canvas)
