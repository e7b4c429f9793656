"""Metrics for MONAI's loops: each a `CumulativeIterationMetric`, with a handler for engines of MONAI and Ignite.

A metric is called with masks, ``(batch, channels, W, H)`` or lists of ``(channels, W, H)``, whose last channel is the structure, nonzero
where it is; it keeps a row for each case, and `aggregate` sums them up. A handler is attached as MONAI's `MeanDice` is.
"""

from __future__ import annotations

from usseg_monai.evaluation.contour_metric import ContourMetric
from usseg_monai.metrics.handlers import ContourHandler, MeasurementHandler, PixelAccuracyHandler
from usseg_monai.metrics.measurement import MeasurementMetric
from usseg_monai.metrics.pixels import PixelAccuracyMetric

__all__ = [
    "ContourHandler",
    "ContourMetric",
    "MeasurementHandler",
    "MeasurementMetric",
    "PixelAccuracyHandler",
    "PixelAccuracyMetric",
]
