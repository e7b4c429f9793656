"""Size, shape and margin of a lesion from its outline.

The numbers quantify what sonographers describe in words: shape (round, oval, irregular), orientation (parallel to the skin or not) and
margin (smooth or not). The measures are those of Chen et al., "Breast lesions on sonograms: computer-aided diagnosis with nearly
setting-independent features and artificial neural networks", Radiology 226 (2003) 504-514 (long to short axis, depth to width,
elliptic-normalized circumference, depressions), and the roughness of the radius after Kilday, Palmieri, Fox, "Classifying mammographic
lesions using computerized image analysis", IEEE Transactions on Medical Imaging 12 (1993) 664-669. Depth above width is the "taller than
wide" of Stavros et al., Radiology 196 (1995) 123-134. No number is a diagnosis, and together they do not give a BI-RADS category.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from usseg_monai.geometry.boundary import boundaries
from usseg_monai.geometry.ellipse import Ellipse
from usseg_monai.geometry.hull import hull_corners, pixels_of_hull
from usseg_monai.geometry.runs import Runs

__all__ = ["LesionShape", "measure_shape"]

DEPRESSION = 0.03
"""Minimum depth of a depression below the convex hull, as a share of the diameter of the disc of equal area."""

DEPRESSION_PX = 1.5
"""Minimum depth of a depression in pixels; the pixel steps of a straight edge are shallower."""

_SMOOTHING = 4  # points to each side, for square pixels; see `_smooth`

_Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LesionShape:
    """A lesion's shape. Lengths have the unit of the given pixel sides; holes are filled.

    Attributes:
        area: of the pixels, holes not filled.
        long_axis: longest diameter, measured first with calipers (ACR BI-RADS Atlas, 2013, on lesion size). Unlike the sides of the
            smallest rectangle it hardly depends on the pixels of a nearly round lesion; unlike an ellipse's axes it touches the lesion.
        short_axis: extent at right angles to it.
        angle_deg: long axis against the columns' direction, counter-clockwise as seen, -90 < angle <= 90.
        width: extent across the picture, parallel to the skin.
        depth: extent down the picture, along the beam.
        circularity: 4 pi area / perimeter**2, at most 1; 1 for a disc.
        solidity: number of pixels / number of pixels in their convex hull, at most 1; exactly 1 for a shape without depressions.
        normalized_circumference: perimeter / perimeter of the ellipse with the same second moments; 1 for ellipses, more for
            margins that are not smooth.
        roughness: standard deviation of the outline's radius after scaling the plane so that the ellipse with the same second moments is a
            circle of radius 1; 0 for ellipses.
        depressions: number of parts of the outline that lie deeper below the convex hull than `DEPRESSION` and `DEPRESSION_PX`.
        center: ``(row, col)`` of the mean of its pixels, in pixels.
        axes: both ends of the long and of the short axis, each ``(2, 2)`` of ``(row, col)`` in pixels. The short axis is drawn halfway
            between the points where the outline reaches farthest to either side.
    """

    area: float
    long_axis: float
    short_axis: float
    angle_deg: float
    width: float
    depth: float
    circularity: float
    solidity: float
    normalized_circumference: float
    roughness: float
    depressions: int
    center: tuple[float, float]
    axes: tuple[_Points, _Points]


def measure_shape(runs: Runs, pixel: tuple[float, float] = (1.0, 1.0)) -> LesionShape:
    """Measure one connected piece.

    Args:
        runs: of the piece, at least one pixel.
        pixel: height and width of a pixel, in any unit.

    >>> from usseg_monai.geometry.runs import find_runs
    >>> rows, cols = np.mgrid[:100, :100]
    >>> shape = measure_shape(find_runs(np.hypot((rows - 50) / 20, (cols - 50) / 40) <= 1))
    >>> round(shape.long_axis), round(shape.short_axis), round(shape.depth / shape.width, 1), round(shape.roughness, 2), shape.depressions
    (81, 41, 0.5, 0.01, 0)
    """
    scale = np.array(pixel)
    lengths = runs.lengths
    count = int(lengths.sum())
    outline = _outline(runs)
    hull = hull_corners(outline)
    depths = _depths(outline, hull)
    long_axis, short_axis = _axes(outline[hull] * scale)
    long_length, short_length = (float(np.linalg.norm(axis[1] - axis[0])) for axis in (long_axis, short_axis))

    smooth = _smooth(outline, max(pixel) / min(pixel)) * scale
    area, centre, moments = _moments(smooth)
    perimeter = _length(smooth)
    variances, directions = np.linalg.eigh(moments / area)
    short, long = 2 * np.sqrt(variances)  # the variance of an ellipse along an axis is a quarter of the squared semi-axis
    radius = np.linalg.norm((smooth - centre) @ directions / (short, long), axis=1)
    return LesionShape(
        area=count * pixel[0] * pixel[1],
        long_axis=long_length,
        short_axis=short_length,
        angle_deg=_angle(long_axis),
        width=float(runs.stop.max() - runs.start.min()) * pixel[1],
        depth=float(runs.row[-1] - runs.row[0] + 1) * pixel[0],
        circularity=min(4 * math.pi * area / perimeter**2, 1.0),
        solidity=count / pixels_of_hull(runs),
        normalized_circumference=perimeter / Ellipse(0, 0, float(long), float(short), 0).perimeter,
        roughness=float(radius.std()),
        depressions=int((depths > max(DEPRESSION_PX, DEPRESSION * 2 * math.sqrt(count / math.pi))).sum()),
        center=(
            float((runs.row * lengths).sum() / count),
            float(((runs.start + runs.stop - 1) / 2 * lengths).sum() / count),
        ),
        axes=(long_axis / scale, short_axis / scale),
    )


def _outline(runs: Runs) -> _Points:
    """The longest closed outline of the piece, in pixels; points are half a pixel to a pixel apart."""
    top, left = int(runs.row[0]), int(runs.start.min())
    box = np.zeros((int(runs.row[-1]) - top + 1, int(runs.stop.max()) - left), np.bool_)
    lengths = runs.lengths
    cols = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths) + np.repeat(runs.start, lengths)
    box[np.repeat(runs.row, lengths) - top, cols - left] = True
    shifted: _Points = _largest(boundaries(box)) + np.array([top, left])
    return shifted


def _largest(ways: Sequence[_Points]) -> _Points:
    """The outline that encloses the largest area. Noise has tens of thousands; few are long enough to compete."""
    by_length = sorted(ways, key=len, reverse=True)
    largest, area = by_length[0], 0.0
    for way in by_length:
        if (len(way) / 4) ** 2 - 0.5 <= area:  # a square encloses the largest area for its number of edges, and its corners are cut
            break
        if (own := _moments(way)[0]) > area:
            largest, area = way, own
    return largest


def _smooth(outline: _Points, stretch: float) -> _Points:
    """Smooth the pixel steps of a closed outline by fitting a parabola to nine points (Savitzky and Golay, Analytical Chemistry 36, 1964).

    Parabolas, unlike means, do not shrink curves. The perimeter of discs, ellipses and rectangles at any angle, 10 pixels or more across,
    is then right within 1 %; without smoothing it is 5 % too long. The steps of pixels that are not square are further apart, by the
    ratio of their sides: ``stretch``. Short outlines are smoothed less, to keep their shape.
    """
    m = min(round(_SMOOTHING * stretch), len(outline) // 8)
    offset = np.arange(-m, m + 1)
    weights = 3 * (3 * m**2 + 3 * m - 1 - 5 * offset**2) / ((2 * m - 1) * (2 * m + 1) * (2 * m + 3))
    around = np.pad(outline, ((m, m), (0, 0)), mode="wrap")
    return np.stack([np.convolve(around[:, axis], weights, "valid") for axis in (0, 1)], axis=1)


def _depths(outline: _Points, hull: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Maximum depth of the outline below each side of its convex hull, in pixels."""
    turned = np.roll(outline, -hull[0], axis=0)
    begins = hull - hull[0]
    side = np.searchsorted(begins, np.arange(len(turned)), side="right") - 1
    first, second = outline[hull], outline[np.roll(hull, -1)]
    along = second - first
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.linalg.norm(along, axis=1, keepdims=True)
    below = np.abs(((turned - first[side]) * normal[side]).sum(axis=1))
    deepest: npt.NDArray[np.float64] = np.maximum.reduceat(below, begins)
    return deepest


def _axes(corners: _Points) -> tuple[_Points, _Points]:
    """Ends of the longest diameter of a convex polygon (the first of equals), and of its extent at right angles to it."""
    apart = corners[:, None] - corners
    first, second = np.unravel_index(np.linalg.norm(apart, axis=2).argmax(), apart.shape[:2])
    along = (corners[second] - corners[first]) / np.linalg.norm(corners[second] - corners[first])
    across = np.array([along[1], -along[0]])
    aside = corners @ across
    sides = corners[[aside.argmin(), aside.argmax()]]
    foot = (sides @ along).mean() * along
    return corners[[first, second]], foot + np.outer([aside.min(), aside.max()], across)


def _angle(axis: _Points) -> float:
    """Angle of an axis against the columns' direction, counter-clockwise as seen, in degrees."""
    down, right = axis[1] - axis[0]
    return 90 - (90 - math.degrees(math.atan2(-down, right))) % 180  # into -90 < angle <= 90


def _moments(polygon: _Points) -> tuple[float, _Points, _Points]:
    """Area, centroid and central second moments ``(2, 2)`` of a polygon in either orientation, by Green's theorem."""
    reference = polygon.mean(axis=0)  # centred near zero, so that large terms do not cancel
    first = polygon - reference
    second = np.roll(first, -1, axis=0)
    cross = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    area = float(cross.sum()) / 2
    centroid = cross @ (first + second) / (6 * area)
    both = first + second
    products = np.einsum("n,ni,nj->ij", cross, first, first) + np.einsum("n,ni,nj->ij", cross, second, second)
    products += np.einsum("n,ni,nj->ij", cross, both, both)
    moments = products / 24 - area * np.outer(centroid, centroid)
    return abs(area), reference + centroid, moments * math.copysign(1, area)


def _length(polygon: _Points) -> float:
    return float(np.linalg.norm(np.roll(polygon, -1, axis=0) - polygon, axis=1).sum())
