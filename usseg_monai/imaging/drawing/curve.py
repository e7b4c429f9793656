"""Draws a curve through points, such as volumes over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from usseg_monai.imaging.drawing.chart import BLUE, INK, LEFT, RIGHT, Chart, Scale, round_step

__all__ = ["Mark", "draw_curve"]

_HEADROOM = 1.15  # room above the curve for the name of its highest point


@dataclass(frozen=True)
class Mark:
    """A named point of the curve.

    Attributes:
        index: of the point.
        text: written beside the point.
        above: whether the text stands above the point or below it.
    """

    index: int
    text: str
    above: bool


def draw_curve(
    x: Sequence[float], y: Sequence[float], *, title: str, subtitle: str, x_label: str, y_label: str, marks: Sequence[Mark] = ()
) -> npt.NDArray[np.uint8]:
    """Draw a curve through points; the vertical axis begins at 0.

    Args:
        x: increasing, at least one.
        y: one per point, at least 0.
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
    low = min(0.0, x[0])
    highest = max(y) or 1.0
    step = round_step(highest)
    top = step * math.ceil(_HEADROOM * highest / step)
    chart = Chart(
        Scale.within(low, x[-1] if x[-1] > low else low + 1),
        Scale(0.0, top, [step * index for index in range(round(top / step) + 1)]),
        title=title,
        subtitle=subtitle,
        x_label=x_label,
        y_label=y_label,
    )
    points = [chart.at(*point) for point in zip(x, y, strict=True)]
    chart.line(points, BLUE, 2.5)
    for point in points:
        chart.dot(point, 3, BLUE)
    for mark in marks:
        across, height = points[mark.index]
        chart.dot((across, height), 6, INK)
        anchor = "l" if across < (2 * LEFT + RIGHT) / 3 else "r" if across > (LEFT + 2 * RIGHT) / 3 else "m"
        down, baseline = (-14, "s") if mark.above else (14, "t")
        chart.write((across, height + down), mark.text, 15, INK, anchor + baseline)
    return chart.picture()
