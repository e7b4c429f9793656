"""A curve drawn as a picture, with Pillow alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from usseg_monai.imaging.letters import readable, text_width

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

__all__ = ["Mark", "draw_curve"]

Point = tuple[float, float]
Color = tuple[int, int, int]

_WIDTH, _HEIGHT = 840, 480
_MARGIN, _LEFT, _RIGHT, _TOP, _BOTTOM = 28, 76, 804, 112, 418
_FINE = 3  # drawn so much larger and scaled down, so that lines have no steps
_TICKS = 6
_HEADROOM = 1.15  # room above the curve for the name of its highest point
_LONGEST = 200  # letters of a heading; more never have room
_PAPER, _INK, _FAINT, _GRID = (255, 255, 255), (30, 41, 59), (100, 116, 139), (226, 232, 240)
_CURVE = (0, 114, 178)  # blue of the palette of `usseg_monai.imaging.colors`


@dataclass(frozen=True)
class Mark:
    """A point of the curve that has a name.

    Attributes:
        index: of the point.
        text: written beside it.
        above: whether the text stands above the point, or below it.
    """

    index: int
    text: str
    above: bool


def draw_curve(
    x: Sequence[float], y: Sequence[float], *, title: str, subtitle: str, x_label: str, y_label: str, marks: Sequence[Mark] = ()
) -> npt.NDArray[np.uint8]:
    """Draw a curve through points, the vertical axis from 0.

    Args:
        x: increasing, at least one.
        y: at least 0, one a point.
        title: heading; a long one is cut.
        subtitle: line below it.
        x_label: name of the horizontal axis, with its unit.
        y_label: of the vertical one.
        marks: points with names.

    Returns:
        RGB, ``(480, 840, 3)``.

    >>> draw_curve([0, 1], [2, 1], title="a", subtitle="b", x_label="t", y_label="v").shape
    (480, 840, 3)
    """
    from PIL import Image, ImageDraw

    axes = _Axes.around(x, y)
    points = [axes.at(*point) for point in zip(x, y, strict=True)]
    canvas = Image.new("RGB", (_WIDTH * _FINE, _HEIGHT * _FINE), _PAPER)
    draw = ImageDraw.Draw(canvas)
    _write(draw, (_MARGIN, 20), _fit(title, 20), 20, _INK, "lt")
    _write(draw, (_MARGIN, 48), _fit(subtitle, 14), 14, _FAINT, "lt")
    _write(draw, (_MARGIN, _TOP - 18), y_label, 13, _FAINT, "ls")
    _write(draw, ((_LEFT + _RIGHT) / 2, _HEIGHT - 14), x_label, 13, _FAINT, "ms")
    for value in axes.y_ticks:
        _, height = axes.at(x[0], value)
        _line(draw, [(_LEFT, height), (_RIGHT, height)], _GRID if value else _FAINT, 1)
        _write(draw, (_LEFT - 10, height), f"{value:g}", 13, _FAINT, "rm")
    for value in axes.x_ticks:
        across, _ = axes.at(value, 0)
        _line(draw, [(across, _BOTTOM), (across, _BOTTOM + 5)], _FAINT, 1)
        _write(draw, (across, _BOTTOM + 10), f"{value:g}", 13, _FAINT, "mt")
    _line(draw, points, _CURVE, 2.5)
    for point in points:
        _dot(draw, point, 3, _CURVE)
    for mark in marks:
        across, height = points[mark.index]
        _dot(draw, (across, height), 6, _INK)
        anchor = "l" if across < (2 * _LEFT + _RIGHT) / 3 else "r" if across > (_LEFT + 2 * _RIGHT) / 3 else "m"
        down, baseline = (-14, "s") if mark.above else (14, "t")
        _write(draw, (across, height + down), mark.text, 15, _INK, anchor + baseline)
    return np.asarray(canvas.reduce(_FINE))


@dataclass(frozen=True)
class _Axes:
    """From values to places in the picture."""

    x_span: tuple[float, float]
    y_top: float
    x_ticks: Sequence[float]
    y_ticks: Sequence[float]

    @classmethod
    def around(cls, x: Sequence[float], y: Sequence[float]) -> _Axes:
        low = min(0.0, x[0])
        high = x[-1] if x[-1] > low else low + 1
        x_step, y_step = _step(high - low), _step(max(y) or 1.0)
        y_top = y_step * math.ceil(_HEADROOM * (max(y) or 1.0) / y_step)
        x_ticks = [x_step * index for index in range(math.ceil(low / x_step), math.floor(high / x_step) + 1)]
        return cls((low, high), y_top, x_ticks, [y_step * index for index in range(round(y_top / y_step) + 1)])

    def at(self, x: float, y: float) -> Point:
        low, high = self.x_span
        return _LEFT + (x - low) / (high - low) * (_RIGHT - _LEFT), _BOTTOM - y / self.y_top * (_BOTTOM - _TOP)


def _step(span: float) -> float:
    """A step of 1, 2 or 5 times a power of ten, about six of them in the span.

    >>> _step(130), _step(1000), _step(0.9)
    (20.0, 200.0, 0.2)
    """
    power = 10.0 ** math.floor(math.log10(span / _TICKS))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= span / _TICKS * 0.9)


def _fit(text: str, size: int) -> str:
    """The end of a text, as far as it has room, in letters that the font has."""
    letters = readable(text)
    whole, room = letters, (_WIDTH - 2 * _MARGIN) * _FINE
    while text_width(letters, size * _FINE) > room:
        whole = whole[-_LONGEST:][1:]
        letters = f"…{whole}"
    return letters


def _write(draw: ImageDraw, place: Point, words: str, size: int, color: Color, anchor: str) -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(size * _FINE)
    draw.text((place[0] * _FINE, place[1] * _FINE), words, font=font, fill=color, anchor=anchor)


def _line(draw: ImageDraw, points: Sequence[Point], color: Color, width: float) -> None:
    draw.line([(x * _FINE, y * _FINE) for x, y in points], fill=color, width=round(width * _FINE), joint="curve")


def _dot(draw: ImageDraw, center: Point, radius: float, color: Color) -> None:
    draw.circle((center[0] * _FINE, center[1] * _FINE), radius * _FINE, fill=color, outline=_PAPER, width=_FINE)
