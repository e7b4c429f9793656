"""Number, size and shape of the breast lesions in an image, and the class that the network predicts.

Every sizeable piece of the mask is a lesion; lesions are numbered from the largest. Class probabilities are passed on, never turned into a
BI-RADS category or a diagnosis: those need more than one picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.files.table import Value
from usseg_monai.geometry.runs import SECOND_PIECE_SHARE, Runs, find_runs, label_runs
from usseg_monai.geometry.spacing import check_spacing
from usseg_monai.measuring.plausible import pixel_doubts, shape_doubts, share_doubts, size_doubts
from usseg_monai.measuring.region import UNKNOWN_SPACING, has_square_pixels
from usseg_monai.measuring.result import Measurement, Status, check_probability
from usseg_monai.tasks.breast.lesion import LesionShape, measure_shape

__all__ = ["MOST_LESIONS", "SMALLEST_PX", "measure"]

MOST_LESIONS = 20
"""More pieces in one picture are noise, not lesions: the largest are measured, the others counted in the message."""

SMALLEST_PX = 8
"""Minimum width and depth in pixels: the measured shape of a smaller lesion is mostly that of its pixels."""

LONG_AXIS_MM = (1.0, 100.0)
"""Plausible lesions: 4 to 52 mm in the BrEaST data (Pawlowska et al. 2024); a picture of a linear probe shows some 40 x 60 mm."""

SOLIDITY = 0.6
"""Minimum share of the convex hull that a lesion fills: 0.65 in 2,302 annotations of three data sets."""

PICTURE_PERCENT = (0.0, 80.0)
"""Plausible share of the picture: 57 % at most in the same annotations."""

_NO_LESION: dict[str, Value] = dict.fromkeys(
    (
        "area_mm2",
        "long_axis_mm",
        "short_axis_mm",
        "width_mm",
        "depth_mm",
        "area_px",
        "long_axis_px",
        "short_axis_px",
        "width_px",
        "depth_px",
        "depth_width_ratio",
        "taller_than_wide",
        "circularity_ratio",
        "solidity_ratio",
        "normalized_circumference_ratio",
        "roughness_ratio",
        "lobulations",
        "angle_deg",
        "center_row_px",
        "center_col_px",
    )
)


_DOUBTS = 3  # spelled out in a message: twenty lesions may have sixty


def measure(
    mask: npt.NDArray[Any],
    spacing_mm: float | tuple[float, float] | None,
    *,
    normal_probability: float | None = None,
    benign_probability: float | None = None,
    malignant_probability: float | None = None,
) -> Measurement:
    """Measure all lesions of an image.

    Pieces below 5 % of the largest one's area count as specks, not lesions. At most `MOST_LESIONS` are measured, the largest first.

    Args:
        mask: ``(rows, cols)``; nonzero is lesion. An empty mask means no lesion.
        spacing_mm: millimetres between pixel centres, ``(row, col)`` or one number for both, or ``None`` if unknown.
        normal_probability: the network's probability that the picture shows no lesion, 0 to 1; ``None`` for user-supplied masks.
        benign_probability: of a benign lesion; likewise.
        malignant_probability: of a malignant lesion; likewise.

    Returns:
        All columns of the task ``breast`` with the shape of the largest lesion; ``parts`` has the shape of every lesion.

    Raises:
        ImageError: a mask that is not 2-D, has no pixels, or values that are not finite numbers.
        UsageError: spacing that is not two positive, finite numbers, or a probability outside 0 to 1.

    >>> rows, cols = np.mgrid[:100, :140]
    >>> result = measure((rows - 40) ** 2 + (cols - 70) ** 2 <= 20**2, (0.1, 0.1), benign_probability=0.9)
    >>> result.status.value, result.values["lesion_count"], round(result.values["long_axis_mm"], 1)
    ('ok', 1, 4.1)
    """
    probabilities = {"normal": normal_probability, "benign": benign_probability, "malignant": malignant_probability}
    for name, value in probabilities.items():
        check_probability(f"{name} probability", value)
    if spacing_mm is not None:
        spacing_mm = check_spacing(spacing_mm)
    lesions, others, specks = _lesions(find_runs(mask))
    predicted = _likeliest(probabilities)
    shapes = [measure_shape(lesion, (1.0, 1.0) if spacing_mm is None else spacing_mm) for lesion in lesions]
    parts = tuple(_columns(lesion, shape, spacing_mm) for lesion, shape in zip(lesions, shapes, strict=True))
    axes = tuple(axis for shape in shapes for axis in shape.axes)
    area_px = sum(int(lesion.lengths.sum()) for lesion in lesions)
    values: dict[str, Value] = {
        **{f"{name}_probability": value for name, value in probabilities.items()},
        "predicted_class": predicted,
        "lesion_count": len(lesions),
        "total_area_mm2": None if spacing_mm is None else area_px * spacing_mm[0] * spacing_mm[1],
        "total_area_px": area_px,
        **(parts[0] if parts else _NO_LESION),
    }
    if not lesions:
        if predicted in (None, "normal"):
            return Measurement(values, Status.EMPTY, "no lesion found")
        return Measurement(values, Status.LOW_CONFIDENCE, f"no lesion was outlined, though {predicted} is the most probable class")

    statuses, reasons = [], []
    if predicted == "normal":
        statuses.append(Status.LOW_CONFIDENCE)
        reasons.append("a lesion was outlined, though normal is the most probable class")
    if min(np.ptp(lesions[0].row) + 1, lesions[0].stop.max() - lesions[0].start.min()) < SMALLEST_PX:
        statuses.append(Status.LOW_CONFIDENCE)
        reasons.append(f"the largest lesion is narrower than {SMALLEST_PX} pixels: too small to determine its shape")
    if doubts := _doubts(lesions, parts, spacing_mm):
        statuses.append(Status.LOW_CONFIDENCE)
        reasons += doubts[:_DOUBTS]
        if len(doubts) > _DOUBTS:
            reasons.append(f"{len(doubts) - _DOUBTS} more such doubts")
    if others:
        statuses.append(Status.LOW_CONFIDENCE)
        reasons.append(f"{len(lesions) + others} pieces of similar size: noise, not lesions; the {len(lesions)} largest were measured")
    elif len(lesions) > 1:
        statuses.append(Status.MULTIPLE_STRUCTURES)
        reasons.append(f"{len(lesions)} lesions: this row has the shape of the largest, the table of lesions that of all")
    if any(lesion.touches_border() for lesion in lesions):
        statuses.append(Status.TOUCHES_BORDER)
        reasons.append("a lesion leaves the picture: its hidden part is not measured")
    if specks:
        reasons.append(f"left out {specks} smaller than {100 * SECOND_PIECE_SHARE:g} % of the largest lesion")
    if not has_square_pixels(spacing_mm):
        reasons.append("pixels are not square: no axes in pixels")
    if spacing_mm is None:
        reasons.append(UNKNOWN_SPACING)
    return Measurement(values, statuses[0] if statuses else Status.OK, "; ".join(reasons), parts=parts, axes=axes)


def _doubts(lesions: Sequence[Runs], parts: Sequence[Mapping[str, Value]], spacing_mm: tuple[float, float] | None) -> list[str]:
    """Why lesions are implausible."""
    doubts = pixel_doubts(spacing_mm)
    for number, (lesion, part) in enumerate(zip(lesions, parts, strict=True), 1):
        what = "lesion" if len(lesions) == 1 else f"lesion {number}"
        doubts += share_doubts(what, lesion, PICTURE_PERCENT) + shape_doubts(what, lesion, SOLIDITY)
        axis = part["long_axis_mm"]
        if spacing_mm is not None and isinstance(axis, float):
            doubts += size_doubts(f"long axis of the {what}", axis, LONG_AXIS_MM, spacing_mm)
    return doubts


def _lesions(runs: Runs) -> tuple[list[Runs], int, int]:
    """The sizeable pieces, largest first, then uppermost first; the number of pieces beyond `MOST_LESIONS`; the number of specks."""
    if len(runs.row) == 0:
        return [], 0, 0
    labels = label_runs(runs)
    areas = np.bincount(labels, weights=runs.lengths)
    sizeable = np.flatnonzero(areas >= SECOND_PIECE_SHARE * areas.max())
    order = sizeable[np.argsort(-areas[sizeable], kind="stable")][:MOST_LESIONS]
    return [runs.select(labels == label) for label in order], len(sizeable) - len(order), len(areas) - len(sizeable)


def _columns(lesion: Runs, shape: LesionShape, spacing_mm: tuple[float, float] | None) -> dict[str, Value]:
    """The columns of one lesion. Without spacing, ratios and angle assume square pixels."""
    known, square = spacing_mm is not None, has_square_pixels(spacing_mm)
    side = 1.0 if spacing_mm is None else spacing_mm[0]
    center_row, center_col = shape.center
    return {
        "area_mm2": shape.area if known else None,
        "long_axis_mm": shape.long_axis if known else None,
        "short_axis_mm": shape.short_axis if known else None,
        "width_mm": shape.width if known else None,
        "depth_mm": shape.depth if known else None,
        "area_px": int(lesion.lengths.sum()),
        "long_axis_px": shape.long_axis / side if square else None,
        "short_axis_px": shape.short_axis / side if square else None,
        "width_px": int(lesion.stop.max() - lesion.start.min()),
        "depth_px": int(np.ptp(lesion.row)) + 1,
        "depth_width_ratio": shape.depth / shape.width,
        "taller_than_wide": "yes" if shape.depth > shape.width else "no",
        "circularity_ratio": shape.circularity,
        "solidity_ratio": shape.solidity,
        "normalized_circumference_ratio": shape.normalized_circumference,
        "roughness_ratio": shape.roughness,
        "lobulations": shape.depressions,
        "angle_deg": shape.angle_deg,
        "center_row_px": center_row,
        "center_col_px": center_col,
    }


def _likeliest(probabilities: dict[str, float | None]) -> str | None:
    """The class of the largest probability; ``None`` unless all are known."""
    known = {name: value for name, value in probabilities.items() if value is not None}
    return max(known, key=lambda name: known[name]) if len(known) == len(probabilities) else None
