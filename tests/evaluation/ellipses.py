"""Ellipses whose overlap and measurements are known, as a datalist with masks in the layouts that people bring."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from tests.datasets.samples import write_png
from usseg_monai.geometry.types import MaskArray

SHAPE = (200, 260)
AXES = (60.0, 80.0)
"""Half axes of an ellipse, down and across, in pixels."""
SPACING_MM = 0.5


def ellipse(shift: float = 0.0, scale: float = 1.0) -> MaskArray:
    """A filled ellipse in the middle, moved to the right, or larger."""
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    down, across = (rows - 100) / (scale * AXES[0]), (cols - 130 - shift) / (scale * AXES[1])
    inside: MaskArray = (down**2 + across**2 <= 1).astype(np.uint8)
    return inside


def dice_of_shift(shift: float) -> float:
    """Dice of an ellipse and its copy moved across: that of two unit discs, which the affine map makes of them, as far apart."""
    apart = shift / AXES[1]
    return (2 * math.acos(apart / 2) - apart / 2 * math.sqrt(4 - apart**2)) / math.pi


def make_items(root: Path, groups: str = "aabc") -> list[dict[str, Any]]:
    """One image with an ellipse per letter, which is its group; files are ``a0.png``, ``a1.png``, ``b2.png``."""
    items = []
    for number, group in enumerate(groups):
        image = write_png(root / "images" / f"{group}{number}.png", ellipse() * 100 + 20)
        label = write_png(root / "labels" / f"{group}{number}.png", ellipse() * 255)
        items.append({"image": str(image), "label": str(label), "group": group, "spacing_mm": [SPACING_MM, SPACING_MM]})
    return items


def write_masks(folder: Path, items: list[dict[str, Any]], *, shift: float = 0.0, scale: float = 1.0, value: int = 255) -> Path:
    """A mask for each item, in a PNG of the image's name."""
    for item in items:
        write_png(folder / Path(item["image"]).name, ellipse(shift, scale) * np.uint8(value))
    return folder
