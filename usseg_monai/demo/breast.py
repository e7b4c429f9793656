"""Synthetic breasts of each class. The real images are not handed on here: one of their sources states no licence."""

from __future__ import annotations

from collections.abc import Sequence

from usseg_monai.demo.showcase import Group, Sample, Showcase
from usseg_monai.phantoms import breast_phantom

__all__ = ["BREAST"]

_PHANTOMS = (("benign", 1), ("malignant", 2), ("benign", 3), ("malignant", 4), ("normal", 5), ("normal", 6))


def _phantoms() -> Sequence[Sample]:
    return [Sample.of_phantom(f"{category}_{seed}.png", breast_phantom(seed, category)) for category, seed in _PHANTOMS]


BREAST = Showcase(
    task="breast",
    title="Breast lesions, outlined and judged",
    highlights=("area_mm2", "long_axis_mm", "short_axis_mm", "depth_width_ratio", "circularity_ratio", "predicted_class"),
    groups=(
        Group(
            "phantoms",
            "Phantoms",
            "Synthetic ultrasound of breasts: benign lesions oval and smooth, malignant ones irregular, taller than wide and shadowing, "
            "and breasts without a lesion. The network was trained on real images alone, and calls most phantoms unlike them. "
            "Probabilities are no diagnosis.",
            _phantoms,
        ),
    ),
)
