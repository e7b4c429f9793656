"""Real fetal heads of HC18 and synthetic ones of each trimester."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from usseg_monai.files.table import csv_rows
from usseg_monai.tasks.fetal_head.phantom import fetal_head_phantom
from usseg_monai.tasks.showcase import Group, Sample, Showcase, Tolerance, attribution

__all__ = ["FETAL_HEAD", "PHANTOMS_MM", "SAMPLES"]

SAMPLES = Path(__file__).with_name("samples")
"""Folder of the real images."""

_HC = "head_circumference_mm"

PHANTOMS_MM = {11: 95.0, 12: 175.0, 13: 235.0, 14: 310.0}
"""Circumferences by seed, covering each trimester of pregnancy."""


def _real() -> Sequence[Sample]:
    with csv_rows(SAMPLES / "pixel_size_and_HC.csv") as rows:
        table = {row["filename"]: (float(row["pixel size(mm)"]), float(row["head circumference (mm)"])) for row in rows}
    return [
        Sample(name, (SAMPLES / name).read_bytes(), {0: {_HC: circumference}}, spacing_mm=(spacing, spacing))
        for name, (spacing, circumference) in table.items()
    ]


def _phantoms() -> Iterator[Sample]:
    for seed, millimetres in PHANTOMS_MM.items():
        yield Sample.of_phantom(f"phantom_{millimetres:03.0f}mm.png", fetal_head_phantom(seed, head_circumference_mm=millimetres))


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
    notes=(attribution(SAMPLES),),
)
