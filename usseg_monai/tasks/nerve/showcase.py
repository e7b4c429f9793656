"""Synthetic necks with the brachial plexus, and one without. The rules of the real images do not allow redistribution."""

from __future__ import annotations

from collections.abc import Iterator

from usseg_monai.tasks.nerve.phantom import nerve_phantom
from usseg_monai.tasks.showcase import Group, Sample, Showcase

__all__ = ["NERVE"]

_SEEDS = (1, 2, 3)
_SEED_WITHOUT = 4


def _phantoms() -> Iterator[Sample]:
    for seed in _SEEDS:
        yield Sample.of_phantom(f"neck_{seed}.png", nerve_phantom(seed))
    yield Sample.of_phantom("neck_without_nerve.png", nerve_phantom(_SEED_WITHOUT, present=False))


NERVE = Showcase(
    task="nerve",
    title="The brachial plexus, found or not",
    highlights=("area_mm2", "equivalent_diameter_mm", "center_row_px", "center_col_px"),
    groups=(
        Group(
            "phantoms",
            "Phantoms",
            "Synthetic ultrasound of necks, three with a nerve of exactly known size and place, one without. The network was trained on "
            "real images alone, and remarks that phantoms come from another source; the rules of those do not allow to show them here.",
            _phantoms,
        ),
    ),
)
