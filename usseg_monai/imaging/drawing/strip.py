"""The strip of text below a picture: how far the result can be trusted, its numbers, and the scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging.drawing.colors import BACKGROUND, DIM, NEUTRAL, TEXT, Color
from usseg_monai.imaging.drawing.letters import draw_text, fit, readable, text_width, wrap

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

__all__ = ["Caption", "bar_length_mm", "draw_strip", "letter_size"]

_SMALLEST_LETTERS, _LARGEST_LETTERS = 14, 80  # pixels
_LETTERS = 50  # width of a strip in letter heights
_MESSAGE_LINES = 3
_BETWEEN = "  ·  "
_PREFERRED_MM = 10.0
_LEAST_BAR = 40  # pixels
_BAR_SHARE = 1 / 3  # of the width of the picture, at most
_SQUARE = 1e-3  # pixels whose sides differ by less than this share are square


@dataclass(frozen=True)
class Caption:
    """Text below a picture. Characters that the font lacks are replaced, and what does not fit is cut.

    Attributes:
        heading: a word or two in a box, such as a status.
        color: of that box; its text is black.
        note: text beside the box; may be empty.
        items: numbers with their units, in order.
        message: a sentence at the end; may be empty.
    """

    heading: str
    color: Color = NEUTRAL
    note: str = ""
    items: Sequence[str] = ()
    message: str = ""


def letter_size(width: int) -> int:
    """Height in pixels of the letters in a strip of that width.

    >>> letter_size(480), letter_size(800), letter_size(16_000)
    (14, 16, 80)
    """
    return min(max(_SMALLEST_LETTERS, width // _LETTERS), _LARGEST_LETTERS)


def bar_length_mm(pixels_a_mm: float, width: int) -> float:
    """A round length for the scale bar of a picture: 10 mm where that is neither tiny nor more than a third of the width.

    Args:
        pixels_a_mm: along the rows of the picture.
        width: of the picture, in pixels.

    Returns:
        10, or else the longest of 1, 2 or 5 times a power of ten that takes no more than a third of the width.

    >>> bar_length_mm(6.0, 800), bar_length_mm(100.0, 800), bar_length_mm(0.5, 600)
    (10.0, 2.0, 200.0)
    """
    longest = width * _BAR_SHARE / pixels_a_mm
    if _LEAST_BAR <= _PREFERRED_MM * pixels_a_mm <= width * _BAR_SHARE:
        return _PREFERRED_MM
    power = 10.0 ** math.floor(math.log10(longest))
    return next(power * factor for factor in (5, 2, 1) if power * factor <= longest or factor == 1)


def draw_strip(width: int, caption: Caption, *, picture_width: int, factor: int, spacing_mm: Spacing | None) -> npt.NDArray[np.uint8]:
    """Draw a strip.

    Args:
        width: of the strip, in pixels.
        caption: the text.
        picture_width: of the enlarged picture above it, in pixels.
        factor: by which the picture was enlarged.
        spacing_mm: of the picture before it was enlarged; ``None`` if unknown, which the strip states instead of a scale bar.

    Returns:
        RGB, ``(rows, width, 3)``; as many rows as the text needs.
    """
    from PIL import Image, ImageDraw

    size = letter_size(width)
    margin, line = round(0.7 * size), round(1.45 * size)
    room = width - 2 * margin
    scale = _Scale.of(picture_width, factor, spacing_mm)
    heading = fit(readable(caption.heading), size, room - size)
    free = room - text_width(heading, size) - 2 * size  # beside the box
    note = fit(readable(caption.note), size, free) if free > 0 else ""
    beside = text_width(note, size) + 2 * size + scale.width(size) <= free
    texts = [(text, TEXT) for text in _flow([readable(item) for item in caption.items], size, room)]
    texts += [(text, DIM) for text in wrap(readable(caption.message), size, room, _MESSAGE_LINES)]
    begin = margin + round(1.75 * size)  # below the heading
    height = begin + line * (len(texts) + (not beside)) + margin
    canvas = Image.new("RGB", (width, height), BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    _draw_heading(draw, margin, heading, note, size, caption.color)
    baseline = begin + size
    if beside:
        scale.draw(draw, width - margin - scale.width(size), margin + 1.12 * size, size)
    else:
        scale.draw(draw, margin, baseline, size)
        baseline += line
    for text, color in texts:
        draw_text(draw, (margin, baseline), text, size, color)
        baseline += line
    return np.asarray(canvas)


def _draw_heading(draw: ImageDraw, margin: int, heading: str, note: str, size: int, color: Color) -> None:
    end, baseline = margin + text_width(heading, size) + size, margin + 1.12 * size
    draw.rounded_rectangle((margin, margin, end, margin + 1.5 * size), radius=size / 4, fill=color)
    draw_text(draw, (margin + size / 2, baseline), heading, size, (0, 0, 0))
    draw_text(draw, (end + size / 2, baseline), note, size, TEXT)


def _flow(items: Sequence[str], size: int, room: float) -> list[str]:
    """Put items side by side as long as they fit; an item wider than a line is wrapped."""
    lines: list[str] = []
    for item in items:
        if lines and text_width(lines[-1] + _BETWEEN + item, size) <= room:
            lines[-1] += _BETWEEN + item
        else:
            lines += wrap(item, size, room, _MESSAGE_LINES)
    return lines


@dataclass(frozen=True)
class _Scale:
    """A bar of a round length, or a remark instead of it.

    Attributes:
        text: beside the bar.
        pixels: length of the bar; 0 for none.
    """

    text: str
    pixels: int

    @classmethod
    def of(cls, picture_width: int, factor: int, spacing_mm: Spacing | None) -> _Scale:
        if spacing_mm is None:
            return cls("pixel size unknown", 0)
        pixels_a_mm = factor / spacing_mm[1]
        length = bar_length_mm(pixels_a_mm, picture_width)
        square = abs(spacing_mm[0] / spacing_mm[1] - 1) <= _SQUARE
        return cls(f"{length:g} mm{'' if square else ' across'}", max(1, round(length * pixels_a_mm)))

    def width(self, size: int) -> float:
        return self.pixels + (size / 2 if self.pixels else 0) + text_width(self.text, size)

    def draw(self, draw: ImageDraw, x: float, baseline: float, size: int) -> None:
        if self.pixels:
            left, right, middle, tick = round(x), round(x) + self.pixels - 1, round(baseline - 0.35 * size), round(0.3 * size)
            thick = max(1, size // 8)
            draw.rectangle((left, middle - thick // 2, right, middle - thick // 2 + thick - 1), fill=TEXT)
            for end in (left, right - thick + 1):
                draw.rectangle((end, middle - tick, end + thick - 1, middle + tick), fill=TEXT)
            x += self.pixels + size / 2
        draw_text(draw, (x, baseline), self.text, size, TEXT if self.pixels else DIM)
