"""The metrics as handlers of MONAI's and Ignite's engines, as MONAI has `MeanDice` for `DiceMetric`.

The value of a metric stands in ``engine.state.metrics`` under the name it was attached with, the rows of all cases in
``engine.state.metric_details``, from where `MetricsSaver` writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import torch
from monai.handlers import IgniteMetricHandler
from torch import Tensor

from usseg_monai.errors import UsageError
from usseg_monai.evaluation.contour_metric import ContourMetric
from usseg_monai.evaluation.contours import ContourSummary
from usseg_monai.metrics.cases import known_spacing
from usseg_monai.metrics.measurement import MeasurementMetric
from usseg_monai.metrics.pixels import PixelAccuracyMetric

__all__ = ["ContourHandler", "MeasurementHandler", "PixelAccuracyHandler"]

_FIGURES = tuple(field.name for field in fields(ContourSummary))


def _unchanged(output: Any) -> Any:
    return output


class MeasurementHandler(IgniteMetricHandler):
    """`MeasurementMetric` as a handler: mean absolute difference in the column's unit, by the pixel sizes in the metadata of the labels.

    Args:
        task: whose measurement it is.
        column: of the task's results.
        output_transform: from the engine's output to predicted and true masks: ``monai.handlers.from_engine(["pred", "label"])``.
        save_details: whether the values of every case are kept in ``engine.state.metric_details``.
    """

    def __init__(self, task: str, column: str, output_transform: Callable[[Any], Any] = _unchanged, save_details: bool = True) -> None:
        super().__init__(MeasurementMetric(task, column), output_transform=output_transform, save_details=save_details)


class PixelAccuracyHandler(IgniteMetricHandler):
    """`PixelAccuracyMetric` as a handler: mean accuracy; that of empty masks stands in the details.

    Args:
        output_transform: as for `MeasurementHandler`.
        save_details: as for `MeasurementHandler`.
    """

    def __init__(self, output_transform: Callable[[Any], Any] = _unchanged, save_details: bool = True) -> None:
        super().__init__(PixelAccuracyMetric(), output_transform=output_transform, save_details=save_details)

    def compute(self) -> float:
        """Mean accuracy of the masks."""
        return float(super().compute()[0])


class ContourHandler(IgniteMetricHandler):
    """`usseg_monai.evaluation.contour_metric.ContourMetric` as a handler, by the pixel sizes in the metadata of the labels.

    Args:
        figure: of `usseg_monai.evaluation.contours.ContourSummary`, which becomes the metric's value; nan where no case has it.
        output_transform: as for `MeasurementHandler`.
        save_details: as for `MeasurementHandler`.

    Raises:
        UsageError: no such figure; a label without a pixel size, since the distances are in millimetres.
    """

    def __init__(self, figure: str = "apd_mm", output_transform: Callable[[Any], Any] = _unchanged, save_details: bool = True) -> None:
        if figure not in _FIGURES:
            raise UsageError(f"no figure {figure!r} of contours: one of {', '.join(_FIGURES)}")
        super().__init__(ContourMetric(), output_transform=output_transform, save_details=save_details)
        self.figure = figure

    def update(self, output: Sequence[Any]) -> None:
        """Compare predicted and true masks."""
        found, true = output
        spacings = []
        for number, label in enumerate(true):
            if (spacing := known_spacing(label)) is None:
                raise UsageError(f"label {number} of a batch has no pixel size: its metadata need spacing_mm, (row, col) in mm")
            spacings.append(spacing[::-1])  # along (W, H)
        self._is_reduced = False
        self.metric_fn(found, true, spacing=torch.tensor(spacings, dtype=torch.float64))

    def compute(self) -> float:
        """The figure of all cases."""
        value: float | Tensor | None = getattr(super().compute(), self.figure)
        return float("nan") if value is None else float(value)
