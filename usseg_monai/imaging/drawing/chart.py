"""Charts as pictures, with Pillow alone: axes with round values, lines, dots and words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from usseg_monai.imaging.drawing.letters import readable, text_width

__all__ = ["BLUE", "FAINT", "GREEN", "GRID", "INK", "PAPER", "RED", "RIGHT", "Chart", "Point", "Scale"]

Point = tuple[float, float]
Color = tuple[int, int, int]

WIDTH, HEIGHT = 840, 480
LEFT, RIGHT, TOP, BOTTOM = 76, 804, 112, 418
"""Edges of the area that the axes enclose, in pixels; a chart may end earlier on the right."""

PAPER, INK, FAINT, GRID = (255, 255, 255), (30, 41, 59), (100, 116, 139), (226, 232, 240)
BLUE, RED, GREEN = (0, 114, 178), (213, 94, 0), (0, 158, 115)
"""Colours of data, from the palette of `usseg_monai.imaging.drawing.colors`."""

_MARGIN = 28
_FINE = 3  # drawn this many times larger and scaled down, to be smooth
_TICKS = 6
_LONGEST = 200  # letters of a heading; more never fit
_DASH = 7  # pixels


@dataclass(frozen=True)
class Scale:
    """The values of one axis.

    Attributes:
        low: value at its beginning.
        high: value at its end, above ``low``.
        ticks: round values that are labelled, increasing.
    """

    low: float
    high: float
    ticks: Sequence[float]

    @classmethod
    def within(cls, low: float, high: float) -> Scale:
        """From one value exactly to another.

        >>> Scale.within(0.0, 130.0).ticks
        [0.0, 20.0, 40.0, 60.0, 80.0, 100.0, 120.0]
        """
        step = round_step(high - low)
        return cls(low, high, [step * index for index in range(math.ceil(low / step), math.floor(high / step) + 1)])

    @classmethod
    def around(cls, low: float, high: float) -> Scale:
        """From the tick at or below one value to the tick at or above the other; at equal values both are 1 apart.

        >>> Scale.around(-3.1, 7.2)
        Scale(low=-4.0, high=8.0, ticks=[-4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 8.0])
        """
        if not high > low:
            low, high = low - 0.5, low + 0.5
        step = round_step(high - low)
        first, last = math.floor(low / step), math.ceil(high / step)
        return cls(step * first, step * last, [step * index for index in range(first, last + 1)])


def round_step(span: float) -> float:
    """A step of 1, 2 or 5 times a power of ten, about six of them in the span.

    >>> round_step(130), round_step(1000), round_step(0.9)
    (20.0, 200.0, 0.2)
    """
    power = 10.0 ** math.floor(math.log10(span / _TICKS))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= span / _TICKS * 0.9)


class Chart:
    """A chart to draw into.

    Args:
        x, y: its axes.
        title: heading; a long one is cut.
        subtitle: line below it.
        x_label: name of the horizontal axis, with its unit.
        y_label: of the vertical one.
        right: where the axes end, in pixels.
    """

    def __init__(self, x: Scale, y: Scale, *, title: str, subtitle: str, x_label: str, y_label: str, right: int = RIGHT) -> None:
        from PIL import Image, ImageDraw

        self.x, self.y, self.right = x, y, right
        self._canvas = Image.new("RGB", (WIDTH * _FINE, HEIGHT * _FINE), PAPER)
        self._draw = ImageDraw.Draw(self._canvas)
        self.write((_MARGIN, 20), _fit(title, 20), 20, INK, "lt")
        self.write((_MARGIN, 48), _fit(subtitle, 14), 14, FAINT, "lt")
        self.write((_MARGIN, TOP - 18), y_label, 13, FAINT, "ls")
        self.write(((LEFT + right) / 2, HEIGHT - 14), x_label, 13, FAINT, "ms")
        for value in y.ticks:
            _, height = self.at(x.low, value)
            self.line([(LEFT, height), (right, height)], GRID if value else FAINT, 1)
            self.write((LEFT - 10, height), f"{value:g}", 13, FAINT, "rm")
        for value in x.ticks:
            across, _ = self.at(value, y.low)
            self.line([(across, BOTTOM), (across, BOTTOM + 5)], FAINT, 1)
            self.write((across, BOTTOM + 10), f"{value:g}", 13, FAINT, "mt")

    def at(self, x: float, y: float) -> Point:
        """Where a pair of values lies: pixels from the left and from the top."""
        across, up = (x - self.x.low) / (self.x.high - self.x.low), (y - self.y.low) / (self.y.high - self.y.low)
        return LEFT + across * (self.right - LEFT), BOTTOM - up * (BOTTOM - TOP)

    def line(self, points: Sequence[Point], color: Color, width: float) -> None:
        """Draw a polyline through places in the picture."""
        self._draw.line([(x * _FINE, y * _FINE) for x, y in points], fill=color, width=round(width * _FINE), joint="curve")

    def level(self, value: float, color: Color, *, dashed: bool = False) -> float:
        """Draw a horizontal line across the chart; returns its height in the picture."""
        _, height = self.at(self.x.low, value)
        starts = range(LEFT, self.right, 2 * _DASH) if dashed else (LEFT,)
        for start in starts:
            self.line([(start, height), (min(start + _DASH, self.right) if dashed else self.right, height)], color, 1.5)
        return height

    def dot(self, place: Point, radius: float, color: Color) -> None:
        """Draw a disc with a bright edge."""
        self._draw.circle((place[0] * _FINE, place[1] * _FINE), radius * _FINE, fill=color, outline=PAPER, width=_FINE)

    def write(self, place: Point, words: str, size: int, color: Color, anchor: str) -> None:
        """Write words; the anchor as in Pillow."""
        from PIL import ImageFont

        font = ImageFont.load_default(size * _FINE)
        self._draw.text((place[0] * _FINE, place[1] * _FINE), words, font=font, fill=color, anchor=anchor)

    def picture(self) -> npt.NDArray[np.uint8]:
        """The chart so far: RGB, ``(480, 840, 3)``."""
        return np.asarray(self._canvas.reduce(_FINE))


def _fit(text: str, size: int) -> str:
    """The end of a text, as far as it fits, in characters that the font has."""
    letters = readable(text)
    whole, room = letters, (WIDTH - 2 * _MARGIN) * _FINE
    while text_width(letters, size * _FINE) > room:
        whole = whole[-_LONGEST:][1:]
        letters = f"…{whole}"
    return letters
