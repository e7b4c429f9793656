"""Synthetic breasts of each class. The real images are not included: one of their sources states no licence."""

from __future__ import annotations

from collections.abc import Iterator

from usseg_monai.tasks.breast.phantom import breast_phantom
from usseg_monai.tasks.showcase import Group, Sample, Showcase

__all__ = ["BREAST"]

_PHANTOMS = (("benign", 1), ("malignant", 2), ("benign", 3), ("malignant", 4), ("normal", 5), ("normal", 6))


def _phantoms() -> Iterator[Sample]:
    for category, seed in _PHANTOMS:
        yield Sample.of_phantom(f"{category}_{seed}.png", breast_phantom(seed, category))


BREAST = Showcase(
    task="breast",
    title="Breast lesions, outlined and judged",
    highlights=("area_mm2", "long_axis_mm", "short_axis_mm", "depth_width_ratio", "circularity_ratio", "predicted_class"),
    groups=(
        Group(
            "phantoms",
            "Phantoms",
            "Synthetic ultrasound of breasts: benign lesions oval and smooth, malignant ones irregular, taller than wide and shadowing, "
            "and breasts without a lesion. The network was trained on real images alone, and remarks that most phantoms come from another "
            "source. Probabilities are no diagnosis.",
            _phantoms,
        ),
    ),
)
