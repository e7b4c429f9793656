"""Settings of the benchmarks for each task: location and amount of data. Accuracy also has a module for each task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["BENCHMARKED", "Benchmarked"]


@dataclass(frozen=True)
class Benchmarked:
    """One task.

    Attributes:
        data: folder of its data sets, below the folder of all data sets.
        images: glob of the images for speed measurements, below that folder.
        size: of these images, for display.
        paired: images for timing two checkouts against each other, below the folder of all data sets.
        fuzzed: number of odd masks for fuzzing its measurement.
    """

    data: str
    images: str
    size: str
    paired: str
    fuzzed: int


BENCHMARKED: Mapping[str, Benchmarked] = {
    "fetal_head": Benchmarked("hc18", "t*_set/*_*HC.png", "about 800x540", "hc18/training_set/*_HC.png", 14_000),
    "nerve": Benchmarked("nerve", "reduced/images/*.jpg", "256x184", "nerve/reduced/images/*.jpg", 25_000),
    "breast": Benchmarked(".", "busi/Dataset_BUSI_with_GT/*/*).png", "up to 320x320", "busbra/images/*.png", 14_000),
    "left_ventricle": Benchmarked("sunnybrook", "png/*/images/*.png", "256x256", "sunnybrook/dicom/SCD0000101/*.dcm", 25_000),
}
