"""Masks that come from elsewhere, measured like those that a network finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from usseg_monai.imaging import GreyImage, Spacing, to_mask
from usseg_monai.inference.predictor import Prediction
from usseg_monai.tasks import get_task

__all__ = ["GivenMasks"]

_SHADE = 96  # grey of the structure in overlays: dark enough for bright lines and letters on it


@dataclass(frozen=True)
class _NoEngine:
    """What stands in the run record where no network ran."""

    name: str = "none"
    device: str = "cpu"
    weights_sha256: str = ""


class GivenMasks:
    """Stands in the place of a `Predictor` where files hold the masks themselves.

    Args:
        task: name of a task, whose measurement is made.

    >>> rows, cols = np.mgrid[:90, :120]
    >>> disc = GreyImage((255 * (np.hypot(rows - 45, cols - 60) < 30)).astype(np.float32))
    >>> prediction = GivenMasks("fetal_head").predict(disc, spacing_mm=(0.5, 0.5))
    >>> round(prediction.measurements["head_circumference_mm"])
    90
    """

    def __init__(self, task: str) -> None:
        self.task = get_task(task)
        self.engine = _NoEngine()

    def predict(self, image: GreyImage, *, spacing_mm: Spacing | None = None) -> Prediction:
        """Measure a decoded mask, with the spacing of its file or else the one given here, ``(row, col)`` in mm."""
        mask = to_mask(image)
        spacing_mm = image.spacing_mm or spacing_mm
        shown = GreyImage(np.float32(_SHADE) * mask.astype(np.float32), spacing_mm, image.source)
        return Prediction(shown, mask, mask.astype(np.float32), self.task.measure(mask, spacing_mm))
