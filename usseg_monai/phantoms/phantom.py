"""The form of a phantom: an image whose true answer is known exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from usseg_monai.imaging.image import GreyImage, MaskArray


@dataclass(frozen=True)
class Phantom:
    """A synthetic image with its truth.

    Attributes:
        image: grey values 0 to 255, spacing known.
        mask: uint8 ``(rows, cols)``, 1 inside the structure, drawn in the convention of the task's real masks: the task's measurement of it
            gives the truth.
        truth: exact values by the names of the task's result columns; columns that only follow from these by a formula are left out.
    """

    image: GreyImage
    mask: MaskArray
    truth: Mapping[str, float]
