"""Synthetic necks with the brachial plexus, and one without. The rules of the real images do not allow to hand them on."""

from __future__ import annotations

from collections.abc import Sequence

from usseg_monai.demo.showcase import Group, Sample, Showcase
from usseg_monai.phantoms import nerve_phantom

__all__ = ["NERVE"]

_SEEDS = (1, 2, 3)
_SEED_WITHOUT = 4


def _phantoms() -> Sequence[Sample]:
    return [
        *(Sample.of_phantom(f"neck_{seed}.png", nerve_phantom(seed)) for seed in _SEEDS),
        Sample.of_phantom("neck_without_nerve.png", nerve_phantom(_SEED_WITHOUT, present=False)),
    ]


NERVE = Showcase(
    task="nerve",
    title="The brachial plexus, found or not",
    highlights=("area_mm2", "equivalent_diameter_mm", "center_row_px", "center_col_px"),
    groups=(
        Group(
            "phantoms",
            "Phantoms",
            "Synthetic ultrasound of necks, three with a nerve of exactly known size and place, one without. The network was trained on "
            "real images alone, and calls phantoms unlike them; the rules of those do not allow to show them here.",
            _phantoms,
        ),
    ),
)
