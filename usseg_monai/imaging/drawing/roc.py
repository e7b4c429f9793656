"""Draws receiver operating characteristics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from usseg_monai.imaging.drawing.chart import BLUE, FAINT, GREEN, INK, RED, Chart, Scale

__all__ = ["draw_roc"]

_RIGHT = 382  # pixels: as wide as high
_COLORS = (BLUE, RED, GREEN)


def draw_roc(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, title: str) -> npt.NDArray[np.uint8]:
    """Draw true positive over false positive rates.

    Args:
        curves: words of the legend -> false and true positive rates, 0 to 1, increasing.
        title: heading.

    Returns:
        RGB, ``(480, 840, 3)``.

    >>> draw_roc({"malignant": ([0, 0, 1], [0, 1, 1])}, title="ROC").shape
    (480, 840, 3)
    """
    unit = Scale.within(0.0, 1.0)
    chart = Chart(unit, unit, title=title, subtitle="", x_label="false positive rate", y_label="true positive rate", right=_RIGHT)
    chart.line([chart.at(0, 0), chart.at(1, 1)], FAINT, 1)
    _, top = chart.at(1, 1)
    for number, (name, (false_positives, true_positives)) in enumerate(curves.items()):
        color, height = _COLORS[number % len(_COLORS)], top + 12 + 26 * number
        chart.line([chart.at(*point) for point in zip(false_positives, true_positives, strict=True)], color, 2.5)
        chart.line([(_RIGHT + 40, height), (_RIGHT + 64, height)], color, 4)
        chart.write((_RIGHT + 74, height), name, 14, INK, "lm")
    return chart.picture()
