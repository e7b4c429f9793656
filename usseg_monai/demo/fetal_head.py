"""Real fetal heads of HC18 and synthetic ones of each trimester."""

from __future__ import annotations

import csv
from collections.abc import Sequence

from usseg_monai.demo.showcase import SAMPLES, Group, Sample, Showcase, attribution
from usseg_monai.inference.report import Tolerance
from usseg_monai.phantoms import fetal_head_phantom

__all__ = ["FETAL_HEAD", "PHANTOMS_MM"]

_HC = "head_circumference_mm"

PHANTOMS_MM = {11: 95.0, 12: 175.0, 13: 235.0, 14: 310.0}
"""Circumferences by seed: each trimester of pregnancy is there."""


def _real() -> Sequence[Sample]:
    with (SAMPLES / "hc18" / "pixel_size_and_HC.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.reader(table))[1:]
    return [
        Sample(name, (SAMPLES / "hc18" / name).read_bytes(), {0: {_HC: float(circumference)}}, spacing_mm=(float(spacing), float(spacing)))
        for name, spacing, circumference in rows
    ]


def _phantoms() -> Sequence[Sample]:
    return [
        Sample.of_phantom(f"phantom_{millimetres:03.0f}mm.png", fetal_head_phantom(seed, head_circumference_mm=millimetres))
        for seed, millimetres in PHANTOMS_MM.items()
    ]


FETAL_HEAD = Showcase(
    task="fetal_head",
    title="Fetal heads, outlined and measured",
    highlights=(
        _HC,
        "biparietal_diameter_mm",
        "occipitofrontal_diameter_mm",
        "cephalic_index_percent",
        "gestational_age_hadlock_weeks",
        "gestational_age_intergrowth_weeks",
    ),
    groups=(
        Group(
            "hc18",
            "Real images (HC18)",
            "Four images of exams that no part of the training saw. True values: the ellipses that a trained sonographer drew.",
            _real,
        ),
        Group(
            "phantoms",
            "Phantoms",
            "Synthetic ultrasound of heads of exactly known size: random scatterers seen through a point-spread function, with skull, "
            "brain, fluid, shadows and the field of view of a convex probe.",
            _phantoms,
            Tolerance(_HC, 3.0),
        ),
    ),
    notes=(attribution("hc18"),),
)
