"""Data structure of a phantom: a synthetic image with exactly known truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from usseg_monai.geometry.types import MaskArray
from usseg_monai.imaging.image import GreyImage

__all__ = ["Phantom"]


@dataclass(frozen=True)
class Phantom:
    """A synthetic image with its truth.

    Attributes:
        image: grey values 0 to 255, spacing known.
        mask: uint8 ``(rows, cols)``, 1 inside the structure, drawn in the convention of the task's real masks: measuring it gives
            the truth.
        truth: exact values by the names of the task's result columns; columns that are derived from others by a formula are left out.
    """

    image: GreyImage
    mask: MaskArray
    truth: Mapping[str, float]
