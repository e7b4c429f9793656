"""Biometry of a fetal head from its mask.

Convention. The numbers belong to the ellipse along the outer border of the skull, as sonographers draw it: BPD is its short axis and OFD
its long axis, both outer to outer; HC is its perimeter. In HC18, and in the masks of networks trained on it, the mask is larger than that
ellipse: annotations were drawn with a pen of 2 x 2 pixels and then filled, which widens the ellipse by one pixel up, down, left and right
(`without_pen`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import UsageError
from usseg_monai.files.table import Value
from usseg_monai.geometry.ellipse import Ellipse, Points, fit_ellipse_robust
from usseg_monai.geometry.runs import SECOND_PIECE_SHARE, Runs, edge_points, find_runs, largest_piece
from usseg_monai.geometry.spacing import check_spacing
from usseg_monai.geometry.types import MaskArray, Spacing
from usseg_monai.measuring.plausible import pixel_doubts, size_doubts
from usseg_monai.measuring.region import UNKNOWN_SPACING
from usseg_monai.measuring.result import Measurement, Status
from usseg_monai.tasks.fetal_head.growth import (
    HADLOCK_HC_MM,
    INTERGROWTH_WEEKS,
    gestational_age_hadlock,
    gestational_age_intergrowth,
)

__all__ = ["mask_of_axes", "measure", "without_pen"]

CEPHALIC_INDEX_PERCENT = (60.0, 100.0)
"""Plausible heads. Hadlock et al., AJR 137 (1981) 83-85, found 78.3 +- 4.4 at 14 to 40 weeks; the bounds are four standard deviations."""

HEAD_CIRCUMFERENCE_MM = (40.0, 400.0)
"""Plausible heads, from 11 weeks to birth; Hadlock's formula (1984) covers 68 to 360 mm."""

SHORT_AXIS_PX = 16.0
"""Smaller heads are measured too coarsely: half a pixel on each side is 6 % of the axis."""

OVERLAP = 0.85
"""Minimum intersection over union of mask and fitted ellipse within the picture."""

_UNKNOWN: dict[str, Value] = dict.fromkeys(
    (
        "head_circumference_mm",
        "biparietal_diameter_mm",
        "occipitofrontal_diameter_mm",
        "cephalic_index_percent",
        "head_circumference_px",
        "biparietal_diameter_px",
        "occipitofrontal_diameter_px",
        "center_row_px",
        "center_col_px",
        "angle_deg",
        "gestational_age_hadlock_weeks",
        "gestational_age_hadlock_error_weeks",
        "gestational_age_intergrowth_weeks",
        "gestational_age_intergrowth_error_weeks",
    )
)
_SQUARE = 1e-3  # pixels whose sides differ by less than this share are square


def measure(mask: npt.NDArray[Any], spacing_mm: float | tuple[float, float] | None) -> Measurement:
    """Measure a fetal head.

    An ellipse is fitted to the outer edge of the mask's largest piece, except where it touches the border of the picture. Dents, bumps
    and hidden parts of less than about 45 % of the edge do not move the ellipse.

    Args:
        mask: ``(rows, cols)``; nonzero is head.
        spacing_mm: millimetres between pixel centres, ``(row, col)`` or one number for both, or ``None`` if unknown: pixels are
            then assumed square.

    Returns:
        All columns of the task ``fetal_head``, the status with its reason, and the ellipse as a polyline in pixels with its axes.

    Raises:
        ImageError: a mask that is not 2-D, has no pixels, or values that are not finite numbers.
        UsageError: spacing that is not two positive, finite numbers.

    >>> rows, cols = np.mgrid[:200, :200]
    >>> disc = (rows - 100) ** 2 + (cols - 100) ** 2 <= 50**2
    >>> result = measure(disc, (0.5, 0.5))
    >>> result.status.value, round(result.values["biparietal_diameter_mm"])
    ('ok', 49)
    """
    if spacing_mm is not None:
        spacing_mm = check_spacing(spacing_mm)
    runs = find_runs(mask)
    if len(runs.row) == 0:
        return Measurement(dict(_UNKNOWN), Status.EMPTY, "no head found")
    head, second_share = largest_piece(runs)

    # Scale the pixels to side 1, keeping their shape, so that the fit's tolerances are in pixels whatever the unit.
    side = 1.0 if spacing_mm is None else math.sqrt(spacing_mm[0]) * math.sqrt(spacing_mm[1])
    shape = np.array((1.0, 1.0) if spacing_mm is None else (spacing_mm[0] / side, spacing_mm[1] / side))
    points = edge_points(head) * shape
    region = fit_ellipse_robust(points)
    ellipse = None if region is None else fit_ellipse_robust(without_pen(points, region, shape), region)

    doubts: list[str] = []
    remarks: list[str] = []
    values = dict(_UNKNOWN)
    outlines: tuple[Points, ...] = ()
    axes: tuple[Points, ...] = ()
    if region is None or ellipse is None:
        doubts.append(f"no ellipse fits the {head.lengths.sum()} pixels found")
    else:
        values |= _axes(ellipse, shape)
        if spacing_mm is None:
            remarks.append(UNKNOWN_SPACING)
        else:
            values |= _millimetres(ellipse, side)
            remarks += _out_of_range(values)
        if abs(shape[0] - shape[1]) > _SQUARE:
            remarks.append("pixels are not square: no lengths in pixels")
        else:
            values |= _pixels(ellipse)
        doubts += pixel_doubts(spacing_mm) + _doubts(values, ellipse, _overlap(head, region, shape), spacing_mm)
        outlines = (ellipse.points() / shape,)
        axes = tuple(axis / shape for axis in ellipse.axes())

    statuses = [Status.LOW_CONFIDENCE] if doubts else []
    if second_share >= SECOND_PIECE_SHARE:
        statuses.append(Status.MULTIPLE_STRUCTURES)
        doubts.append(f"a second piece has {100 * second_share:.0f} % of the largest one's area; the largest was measured")
    if head.touches_border():
        statuses.append(Status.TOUCHES_BORDER)
        doubts.append("the head leaves the picture: the hidden part is extrapolated")
    return Measurement(values, statuses[0] if statuses else Status.OK, "; ".join(doubts + remarks), outlines, axes=axes)


def without_pen(points: Points, region: Ellipse, shape: npt.NDArray[np.float64]) -> Points:
    """Move edge points of a mask drawn with a pen of 2 x 2 pixels back onto the curve that was drawn.

    The mask is the Minkowski sum of the curve's inside and a square of one pixel to each side. Where the normal points up and left, the
    mask's edge is the curve moved one pixel up and one left; likewise in the other three quadrants.
    """
    return points - np.sign(region.normals(points)) * shape


def mask_of_axes(axes: tuple[Points, Points], shape: tuple[int, int], spacing_mm: Spacing | None) -> MaskArray:
    """Fill the mask that `measure` measures as a given ellipse: the inverse of the convention in the module docstring.

    The ellipse is filled, and drawn along its border with the pen of HC18.

    Args:
        axes: both ends of the long axis, and of the short axis, each ``(2, 2)`` of ``(row, col)`` in pixels, as in `Measurement.axes`; at
            right angles where pixels have their true shape.
        shape: ``(rows, cols)`` of the picture.
        spacing_mm: of the picture, ``(row, col)``, or ``None`` if unknown.

    Returns:
        uint8 ``(rows, cols)``, 1 inside; what lies beyond the picture is cut off.

    Raises:
        UsageError: ends that are not finite, or an axis without length.

    >>> axes = (np.array([[50.0, 20.0], [50.0, 100.0]]), np.array([[20.0, 60.0], [80.0, 60.0]]))
    >>> found = measure(mask_of_axes(axes, (100, 120), None), None)
    >>> round(found.values["occipitofrontal_diameter_px"]), round(found.values["biparietal_diameter_px"])
    (80, 60)
    """
    ends = np.stack(axes)
    if ends.shape != (2, 2, 2) or not np.isfinite(ends).all() or not (np.ptp(ends, axis=1).max(axis=1) > 0).all():
        raise UsageError(f"axes {ends.tolist()}: give two ends (row, col) of each axis, in pixels, apart from each other")
    step = np.array((1.0, 1.0) if spacing_mm is None else spacing_mm)
    left, right = Ellipse.of_axes(*(ends * step)).spans(np.arange(shape[0]) * step[0])
    columns = np.arange(shape[1]) * step[1]
    inside = np.pad((columns >= left[:, None]) & (columns <= right[:, None]) & (right > left)[:, None], 1)
    along = inside[:, :-2] | inside[:, 1:-1] | inside[:, 2:]
    mask: MaskArray = (along[:-2] | along[1:-1] | along[2:]).astype(np.uint8)
    return mask


def _axes(ellipse: Ellipse, shape: npt.NDArray[np.float64]) -> dict[str, Value]:
    return {
        "cephalic_index_percent": 100 * ellipse.semi_minor / ellipse.semi_major,
        "center_row_px": ellipse.center_row / float(shape[0]),
        "center_col_px": ellipse.center_col / float(shape[1]),
        "angle_deg": ellipse.angle_deg,
    }


def _pixels(ellipse: Ellipse) -> dict[str, Value]:
    return {
        "head_circumference_px": ellipse.perimeter,
        "biparietal_diameter_px": 2 * ellipse.semi_minor,
        "occipitofrontal_diameter_px": 2 * ellipse.semi_major,
    }


def _millimetres(ellipse: Ellipse, side: float) -> dict[str, Value]:
    hc = ellipse.perimeter * side
    values: dict[str, Value] = {
        "head_circumference_mm": hc,
        "biparietal_diameter_mm": 2 * ellipse.semi_minor * side,
        "occipitofrontal_diameter_mm": 2 * ellipse.semi_major * side,
    }
    for name, age in (("hadlock", gestational_age_hadlock(hc)), ("intergrowth", gestational_age_intergrowth(hc))):
        values[f"gestational_age_{name}_weeks"] = None if age is None else age.weeks
        values[f"gestational_age_{name}_error_weeks"] = None if age is None else age.error_weeks
    return values


def _out_of_range(values: dict[str, Value]) -> list[str]:
    """Why a gestational age is missing, where HC is known."""
    remarks = []
    if values["gestational_age_hadlock_weeks"] is None:
        remarks.append(f"no age by Hadlock: HC {values['head_circumference_mm']:.1f} mm is not in {_span(HADLOCK_HC_MM)} mm")
    if values["gestational_age_intergrowth_weeks"] is None:
        remarks.append(f"no age by INTERGROWTH-21st: not in {_span(INTERGROWTH_WEEKS)} weeks")
    return remarks


def _doubts(values: dict[str, Value], ellipse: Ellipse, overlap: float, spacing_mm: tuple[float, float] | None) -> list[str]:
    """Why the shape is not a plausible head."""
    doubts = []
    hc, index = values["head_circumference_mm"], 100 * ellipse.semi_minor / ellipse.semi_major
    if 2 * ellipse.semi_minor < SHORT_AXIS_PX:
        doubts.append(f"short axis of {2 * ellipse.semi_minor:.1f} pixels: below {SHORT_AXIS_PX:g} it is measured too coarsely")
    if index < CEPHALIC_INDEX_PERCENT[0]:
        doubts.append(f"cephalic index {index:.0f} % is not in {_span(CEPHALIC_INDEX_PERCENT)} %")
    if isinstance(hc, float) and spacing_mm is not None:
        doubts += size_doubts("head circumference", hc, HEAD_CIRCUMFERENCE_MM, spacing_mm)
    if overlap < OVERLAP:
        doubts.append(f"mask and ellipse overlap by {100 * overlap:.0f} %, less than {100 * OVERLAP:.0f} %")
    return doubts


def _overlap(head: Runs, region: Ellipse, shape: npt.NDArray[np.float64]) -> float:
    """Intersection over union of the mask and an ellipse within the picture."""
    rows, cols = head.shape
    left, right = (np.clip(end / shape[1], -0.5, cols - 0.5) + 0.5 for end in region.spans(np.arange(rows) * shape[0]))
    common = np.clip(np.minimum(head.stop, right[head.row]) - np.maximum(head.start, left[head.row]), 0, None).sum()
    return float(common / (head.lengths.sum() + (right - left).sum() - common))


def _span(ends: tuple[float, float]) -> str:
    return f"{ends[0]:g} to {ends[1]:g}"
