"""Chooses the pixel size for a structure in an image; the order of precedence is defined only here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from usseg_monai.errors import ImageError
from usseg_monai.geometry.spacing import check_spacing
from usseg_monai.geometry.types import MaskArray, Spacing
from usseg_monai.imaging.image import GreyImage, Region

__all__ = ["INSIDE", "GivenSpacing", "scale_image", "structure_spacing"]

INSIDE = 0.9
"""A region's scale holds for a structure if at least this share of its pixels lies in the region."""


class GivenSpacing(NamedTuple):
    """What the user states about the pixel size of one image; each ``(row, col)`` in mm, ``None`` where nothing is stated.

    Attributes:
        option: for all images.
        file: name of the image in the results, ``/`` between folders; its key in the table.
        table: from `usseg_monai.imaging.read_spacing_csv`, by that name or by its last part alone.
        listed: from the datalist that names the image.
    """

    option: Spacing | None = None
    file: str = ""
    table: Mapping[str, Spacing] | None = None
    listed: Spacing | None = None

    @classmethod
    def of(cls, spacing_mm: float | Spacing | GivenSpacing | None) -> GivenSpacing:
        """From an argument ``spacing_mm``; `UsageError` if it is not a spacing.

        >>> GivenSpacing.of(0.2).option
        (0.2, 0.2)
        """
        if isinstance(spacing_mm, GivenSpacing):
            return spacing_mm
        return cls() if spacing_mm is None else cls(check_spacing(spacing_mm))


def scale_image(image: GreyImage, given: GivenSpacing, mask: MaskArray | None = None) -> tuple[GreyImage, str]:
    """The image with the one spacing that holds for a structure in it. The first known one of these is used:

    1. the file's own, where it holds for the whole picture,
    2. the scale of the region of the picture that holds the structure,
    3. the datalist's,
    4. the table's, by the whole name, then by its last part,
    5. the option for all images.

    Args:
        image: as it was read.
        given: what the user states.
        mask: the structure, ``(rows, cols)``; without it, regions are ignored.

    Returns:
        The image, without regions; and the reason why it has no spacing, empty if it has one, or if the image states nothing about it.

    Raises:
        ImageError: the user's table has no row for this image, and no other source states its spacing.

    >>> bare, table = GreyImage(np.zeros((8, 8), np.float32)), {"1.png": (0.2, 0.2)}
    >>> scale_image(bare, GivenSpacing((0.3, 0.3), "a/1.png", table))[0].spacing_mm
    (0.2, 0.2)
    >>> scale_image(replace(bare, spacing_mm=(0.1, 0.1)), GivenSpacing((0.3, 0.3), "a/1.png", table))[0].spacing_mm
    (0.1, 0.1)
    """
    if image.spacing_mm is not None and not image.regions:
        return image, ""
    of_region, reason = (None, "") if mask is None else structure_spacing(mask, image.regions)
    table, name = given.table or {}, given.file.rpartition("/")[2]
    spacing = of_region or given.listed or table.get(given.file) or table.get(name) or given.option
    if spacing is None and given.table is not None and not image.regions:  # a table, if given, is meant for every image
        raise ImageError(f"{name}: no row in the table of pixel sizes; add it, or give a spacing for the images that have none")
    return replace(image, spacing_mm=spacing, regions=()), reason if spacing is None else ""


def structure_spacing(mask: MaskArray, regions: Sequence[Region]) -> tuple[Spacing | None, str]:
    """The scale of the region that holds a structure.

    Args:
        mask: structure, ``(rows, cols)``, not 0.
        regions: of the picture, see `GreyImage.regions`.

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
    """Number of a structure's pixels in any of the regions."""
    covered = np.zeros(mask.shape, bool)
    for region in regions:
        covered[region.top : region.bottom, region.left : region.right] = True
    return int(np.count_nonzero(mask.astype(bool) & covered))
