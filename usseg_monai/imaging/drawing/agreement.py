"""Draws how far a measurement agrees with its true values, after Bland and Altman."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from usseg_monai.imaging.drawing.chart import BLUE, INK, Chart, Scale

__all__ = ["draw_agreement"]

_RIGHT = 690  # pixels; the words of the lines stand beside the axes
_APART = 17  # pixels between the words of two lines, at least


def draw_agreement(
    pairs: Sequence[tuple[float, float]], mean: float, limits: tuple[float, float], *, title: str, subtitle: str, x_label: str, y_label: str
) -> npt.NDArray[np.uint8]:
    """Draw differences over means, with lines at the mean difference and at the limits of agreement.

    Bland and Altman, "Statistical methods for assessing agreement between two methods of clinical measurement", Lancet, 1986.

    Args:
        pairs: measured and true value of each case, at least one.
        mean: mean of the differences, measured minus true.
        limits: lower and upper limit of agreement.
        title: heading; a long one is cut.
        subtitle: line below it.
        x_label: name of the horizontal axis, with its unit.
        y_label: of the vertical one.

    Returns:
        RGB, ``(480, 840, 3)``.

    >>> draw_agreement([(2.0, 1.0), (3.0, 3.0)], 0.5, (-0.9, 1.9), title="", subtitle="", x_label="mean", y_label="difference").shape
    (480, 840, 3)
    """
    means = [(measured + true) / 2 for measured, true in pairs]
    differences = [measured - true for measured, true in pairs]
    shown = (*differences, *limits, mean, 0.0)
    chart = Chart(
        Scale.around(min(means), max(means)),
        Scale.around(min(shown), max(shown)),
        title=title,
        subtitle=subtitle,
        x_label=x_label,
        y_label=y_label,
        right=_RIGHT,
    )
    for place in zip(means, differences, strict=True):
        chart.dot(chart.at(*place), 4, BLUE)
    middle = chart.level(mean, INK)
    low, high = (chart.level(limit, INK, dashed=True) for limit in limits)
    for height, value, what in (
        (min(high, middle - _APART), limits[1], "upper limit"),
        (middle, mean, "bias"),
        (max(low, middle + _APART), limits[0], "lower limit"),
    ):
        chart.write((_RIGHT + 8, height), f"{what} {value:+.3g}", 13, INK, "lm")
    return chart.picture()
