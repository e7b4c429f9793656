"""The geometry of a sector, found by its edge in the picture."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from usseg_monai.errors import ImageError
from usseg_monai.geometry.sector import Sector
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging import GreyImage

__all__ = ["DARK", "FEWEST_ROWS", "LEAN", "NEAR_EDGE_PX", "fit_sector"]

DARK = 0.01
"""Share of the brightest pixel that still counts as the ground beside the sector."""
NEAR_EDGE_PX = 1.5
"""Distance from a line or arc that still counts as on it."""
FEWEST_ROWS = 20
"""Rows that a side of the sector must be seen on."""
LEAN = 0.05
"""Columns per row by which a side must at least lean outwards: grey bars and the picture's border stand upright."""

_CANDIDATES = 60  # rows whose pairs are tried as lines
_FANS = 181  # parts of the fan in which the arcs are looked for
_SUPPORT = 3  # parts that must agree on an arc


def fit_sector(image: GreyImage | npt.NDArray[Any], spacing: Spacing | None = None) -> Sector:
    """Fit a sector to the edge of what is not black in a picture.

    The two sides are the straight lines that most rows' first and last pixels lie on; their intersection is the apex. The radii are the
    smallest and the largest that three parts of the fan agree on, so that a sector that the picture's border cuts is found, too.

    DICOM states no apex and no angle of a two-dimensional view. Its region (PS3.3, C.8.5.5) bounds where the edge is looked for and
    gives the pixel size; `usseg_monai.read_image` reads both. Of several regions the first counts.

    Args:
        image: grey values ``(rows, cols)``, or a picture that was read, with its regions and pixel size.
        spacing: ``(row, col)`` size of a pixel; by default that of the picture, or 1 where it has none.

    Returns:
        The sector, in the unit of ``spacing``, in coordinates of the whole picture.

    Raises:
        ImageError: no two straight sides that meet above the picture, as from a linear probe.

    >>> truth = Sector((100, -40), 50, 230, -0.5, 0.5)
    >>> found = fit_sector(100.0 * truth.mask((200, 200)))
    >>> abs(found.apex[1] - truth.apex[1]) < 3 and abs(found.right - truth.right) < 0.01
    True
    """
    pixels: npt.NDArray[np.float64] = np.asarray(image.pixels if isinstance(image, GreyImage) else image, np.float64)
    top, left = 0, 0
    if isinstance(image, GreyImage):
        spacing = spacing or image.spacing_mm
        if image.regions:
            region = image.regions[0]
            top, left, spacing = region.top, region.left, spacing or region.spacing_mm
            pixels = pixels[top : region.bottom, left : region.right]
    size = spacing or (1.0, 1.0)
    bright = _largest_part(pixels > DARK * pixels.max(initial=0))
    sides = [_side(bright, last) for last in (False, True)]
    (start_left, slope_left), (start_right, slope_right) = sides
    meet = (start_right - start_left) / (slope_left - slope_right) if slope_right > slope_left else np.inf
    if not meet < np.flatnonzero(bright.any(axis=1))[0]:
        raise ImageError("the sides of the picture's content do not meet above it, so it is no sector: give its geometry")
    apex = ((start_left + slope_left * meet + left) * size[1], (meet + top) * size[0])
    angles = [float(np.arctan(slope * size[1] / size[0])) for slope in (slope_left, slope_right)]
    fan = Sector(apex, 0, np.inf, angles[0], angles[1], size)
    near, far = _radii(bright, fan, (top, left))
    return Sector(apex, near, far, angles[0], angles[1], size)


def _largest_part(bright: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The largest connected part, without thin bars and letters, its holes filled."""
    parts, count = ndimage.label(ndimage.binary_opening(bright, iterations=2))
    if not count:
        raise ImageError("the picture is black: there is no sector to fit")
    largest: npt.NDArray[np.bool_] = ndimage.binary_fill_holes(parts == np.bincount(parts.ravel())[1:].argmax() + 1)
    return largest


def _side(bright: npt.NDArray[np.bool_], last: bool) -> tuple[float, float]:
    """The line ``col = start + slope * row`` that most rows' first or last bright pixels lie on."""
    rows = np.flatnonzero(bright.any(axis=1))
    cols = bright.shape[1] - 0.5 - bright[rows, ::-1].argmax(axis=1) if last else bright[rows].argmax(axis=1) - 0.5  # between two pixels
    free = cols < bright.shape[1] - 1 if last else cols > 0  # not where the picture's border cuts the sector
    rows, cols = rows[free], cols[free]
    chosen = np.unique(np.linspace(0, len(rows) - 1, _CANDIDATES).astype(int)) if len(rows) else rows
    best = np.zeros(len(rows), bool)
    for one, other in combinations(chosen, 2):
        slope = (cols[other] - cols[one]) / (rows[other] - rows[one])
        if (slope if last else -slope) >= LEAN:
            on_line = np.abs(cols - cols[one] - slope * (rows - rows[one])) <= NEAR_EDGE_PX
            best = on_line if on_line.sum() > best.sum() else best
    if best.sum() < FEWEST_ROWS:
        raise ImageError(f"a straight side of the sector is seen on {best.sum()} rows: {FEWEST_ROWS} are needed; give its geometry instead")
    slope, start = np.polyfit(rows[best], cols[best], 1)
    if (slope if last else -slope) < LEAN:
        raise ImageError(f"a straight side leans outwards by {abs(slope):.2g} columns per row: {LEAN} are needed; give its geometry")
    return float(start), float(slope)


def _radii(bright: npt.NDArray[np.bool_], fan: Sector, corner: tuple[int, int]) -> tuple[float, float]:
    """The smallest and the largest radius that several parts of the fan agree on."""
    rows, cols = np.nonzero(bright)
    radius, angle = fan.polar(cols + corner[1], rows + corner[0])
    part = np.rint((angle - fan.left) / (fan.right - fan.left) * (_FANS - 1)).astype(int)
    inside = (part >= 0) & (part < _FANS)
    least, most = np.full(_FANS, np.inf), np.full(_FANS, -np.inf)
    np.minimum.at(least, part[inside], radius[inside])
    np.maximum.at(most, part[inside], radius[inside])
    tolerance = NEAR_EDGE_PX * max(fan.spacing)
    return _agreed(np.sort(least), tolerance), -_agreed(np.sort(-most), tolerance)


def _agreed(values: npt.NDArray[np.float64], tolerance: float) -> float:
    """The first of sorted values that the next ones lie close to."""
    close = values[_SUPPORT - 1 :] - values[: 1 - _SUPPORT] <= tolerance
    return float(values[close.argmax()])
