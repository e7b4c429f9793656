"""Which of a picture's regions a structure lies in, where each has a scale of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from usseg_monai.imaging.image import GreyImage, MaskArray, Region, Spacing

INSIDE = 0.9
"""Part of a structure's pixels that lies in the region whose scale holds for it."""


def scale_image(image: GreyImage, mask: MaskArray, given: Spacing | None) -> tuple[GreyImage, str]:
    """The image with the one spacing that holds for a structure in it.

    Args:
        image: as it was read.
        mask: the structure, ``(rows, cols)``.
        given: by the user, used where the image itself does not say; a region that holds the structure does.

    Returns:
        The image, without regions; and why it has no spacing, empty where that has one or the image says nothing of it.
    """
    if not image.regions:
        return replace(image, spacing_mm=image.spacing_mm or given), ""
    spacing, reason = structure_spacing(mask, image.regions)
    return replace(image, spacing_mm=spacing or given, regions=()), reason if given is None else ""


def structure_spacing(mask: MaskArray, regions: Sequence[Region]) -> tuple[Spacing | None, str]:
    """The scale of the region that holds a structure.

    Args:
        mask: structure, ``(rows, cols)``, not 0.
        regions: of the picture, see `usseg_monai.imaging.GreyImage`.

    Returns:
        ``(row, col)`` in mm, or ``None`` and the reason; no reason where the mask is empty.

    >>> mask = np.zeros((4, 10), np.uint8)
    >>> mask[1:3, 6:9] = 1
    >>> structure_spacing(mask, [Region(0, 4, 0, 5, (0.2, 0.2)), Region(0, 4, 5, 10, (0.1, 0.1))])
    ((0.1, 0.1), '')
    """
    pixels = np.count_nonzero(mask)
    if pixels == 0 or not regions:
        return None, ""
    scales = sorted({region.spacing_mm for region in regions})
    shares = [_inside(mask, [region for region in regions if region.spacing_mm == scale]) / pixels for scale in scales]
    found = [scale for scale, share in zip(scales, shares, strict=True) if share >= INSIDE]
    if len(found) == 1:
        return found[0], ""
    sizes = ", ".join(f"{row:.3g} x {col:.3g} mm" for row, col in scales[:4])
    if len(scales) == 1:
        where = "outside" if shares[0] == 0 else "partly outside"
        return None, f"no millimetres: the pixel size ({sizes}) is known for a region of the picture only, and the structure lies {where}"
    where = "several of them" if found else "none of them" if max(shares) == 0 else "no single one of them"
    return None, f"no millimetres: the picture has regions with different scales (pixel sizes: {sizes}), and the structure lies in {where}"


def _inside(mask: MaskArray, regions: Sequence[Region]) -> int:
    """Pixels of a structure in any of some regions."""
    covered = np.zeros(mask.shape, bool)
    for region in regions:
        covered[region.top : region.bottom, region.left : region.right] = True
    return int(np.count_nonzero(mask.astype(bool) & covered))
