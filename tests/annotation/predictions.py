"""Predictions of drawn masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.imaging import GreyImage
from usseg_monai.predict.prediction import Prediction
from usseg_monai.tasks import get_task

TWO_LESIONS = np.zeros((60, 90), np.uint8)
"""Two lesions, the larger one below and with a hole, and two specks that are left out."""
TWO_LESIONS[30:55, 40:80] = 1
TWO_LESIONS[40:45, 50:60] = 0
TWO_LESIONS[5:20, 10:30] = 1
TWO_LESIONS[2, 60] = TWO_LESIONS[58, 2] = 1


def predicted(task: str, mask: npt.NDArray[Any], spacing_mm: tuple[float, float] | None = None, **said: Any) -> Prediction:
    """What the network would say: a mask, and numbers besides it."""
    record, image = get_task(task), GreyImage(mask * np.float32(150) + 40, spacing_mm)
    return Prediction(image, mask, mask.astype(np.float32), record.measure_answer(mask, spacing_mm, said), record)
