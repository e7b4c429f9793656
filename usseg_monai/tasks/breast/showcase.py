"""Real breasts of BrEaST and synthetic ones of each class. BUSI states no licence, so its images are not included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from usseg_monai.files.table import csv_rows
from usseg_monai.imaging import read_image, read_mask
from usseg_monai.tasks.breast.measure import measure
from usseg_monai.tasks.breast.phantom import CATEGORIES, breast_phantom
from usseg_monai.tasks.showcase import Group, Sample, Showcase, attribution

__all__ = ["BREAST", "SAMPLES"]

SAMPLES = Path(__file__).with_name("samples")
"""Folder of the real images, with the masks of those that have a lesion."""

_PHANTOMS = (("benign", 1), ("malignant", 2), ("benign", 3), ("malignant", 4), ("normal", 5), ("normal", 6))
_KNOWN = ("lesion_count", "total_area_mm2", "area_mm2", "long_axis_mm", "short_axis_mm", "depth_width_ratio")


def _real() -> Iterator[Sample]:
    with csv_rows(SAMPLES / "clinical.csv") as rows:
        for row in rows:
            yield _sample(row["Image_filename"], float(row["Pixel_size_reduced_mm"]), row["Classification"])


def _sample(name: str, side_mm: float, category: str) -> Sample:
    """An image with its class, and the numbers of the lesion that a radiologist outlined; a normal image has no file of a mask."""
    content, spacing_mm = (SAMPLES / name).read_bytes(), (side_mm, side_mm)
    if category == "normal":
        mask = np.zeros(read_image(SAMPLES / name).pixels.shape, np.uint8)
    else:
        mask = read_mask(SAMPLES / name.replace(".png", "_tumor.png"))
    outlined = measure(mask, spacing_mm).values
    sizes = {column: float(value) for column in _KNOWN if isinstance(value := outlined[column], (int, float))}
    classes = {f"{each}_probability": float(each == category) for each in CATEGORIES}
    return Sample(name, content, {0: classes | sizes}, {0: mask}, spacing_mm)


def _phantoms() -> Iterator[Sample]:
    for category, seed in _PHANTOMS:
        yield Sample.of_phantom(f"{category}_{seed}.png", breast_phantom(seed, category))


BREAST = Showcase(
    task="breast",
    title="Breast lesions, outlined and judged",
    highlights=("area_mm2", "long_axis_mm", "short_axis_mm", "depth_width_ratio", "circularity_ratio", "predicted_class"),
    groups=(
        Group(
            "breast_lesions_usg",
            "Real images (BrEaST)",
            "The first two images of each class among the patients that no part of the training saw. True values: the outlines that "
            "radiologists drew, measured in the same way, and the class of the follow-up or biopsy. Probabilities are no diagnosis.",
            _real,
        ),
        Group(
            "phantoms",
            "Phantoms",
            "Synthetic ultrasound of breasts: benign lesions oval and smooth, malignant ones irregular, taller than wide and shadowing, "
            "and breasts without a lesion. The network was trained on real images alone, and remarks that most phantoms come from another "
            "source. Probabilities are no diagnosis.",
            _phantoms,
        ),
    ),
    notes=(attribution(SAMPLES),),
)
