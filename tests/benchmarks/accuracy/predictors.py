"""Predictors that know the truth and make errors of a known kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.geometry.types import MaskArray
from usseg_monai.imaging import GreyImage, read_image
from usseg_monai.predict.predictor import Prediction
from usseg_monai.tasks import Task


@dataclass
class Knowing:
    """Answers with the annotation, moved to the right, and with given outputs.

    Attributes:
        task: its record.
        labels: path of an image -> its annotation; other images get an empty mask.
        shift: columns that masks are moved by.
        outputs: path of an image, or of any other the empty path, -> the further outputs.
    """

    task: Task
    labels: Mapping[str, Any]
    shift: int = 0
    outputs: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def predict(self, source: Path | GreyImage, *, spacing_mm: tuple[float, float] | None = None) -> Prediction:
        image = source if isinstance(source, GreyImage) else read_image(source)
        image = image if spacing_mm is None else replace(image, spacing_mm=spacing_mm)
        name = str(image.source.path)
        mask: MaskArray = np.zeros(image.pixels.shape, np.uint8)
        if name in self.labels and not isinstance(source, GreyImage):
            mask = np.roll(read_annotation(self.labels[name], image.pixels.shape), self.shift, axis=1)
        said = self.outputs.get(name, self.outputs.get("", ()))
        measurement = self.task.measure(mask, image.spacing_mm, **dict(zip(self.task.outputs, said, strict=True)))
        return Prediction(image, mask, mask.astype(np.float32), measurement, self.task)
