"""Measurements of a filled structure that tasks share: area, centre, diameter of the disc of equal area."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from usseg_monai.files.table import Value
from usseg_monai.geometry.ellipse import Ellipse, Points
from usseg_monai.geometry.runs import SECOND_PIECE_SHARE, Runs, find_runs, largest_piece
from usseg_monai.geometry.spacing import check_spacing
from usseg_monai.measuring.plausible import pixel_doubts, size_doubts
from usseg_monai.measuring.result import Measurement, Status

__all__ = ["UNKNOWN_SPACING", "Region", "has_square_pixels", "measure_region"]

UNKNOWN_SPACING = "pixel size unknown: give it to get millimetres"
"""Remark where millimetres are missing."""

_SQUARE = 1e-3  # pixels whose sides differ by less than this share are square


@dataclass(frozen=True)
class Region:
    """The largest piece of a mask.

    Attributes:
        runs: its pixels.
        second_share: area of the second piece as a share of its own.
        values: ``area_mm2``, ``equivalent_diameter_mm``, ``area_px``, ``equivalent_diameter_px``, ``center_row_px``, ``center_col_px``;
            millimetres are ``None`` without spacing; the diameter in pixels is ``None`` if pixels are not square.
        remarks: why a value is ``None``.
        disc: disc of equal area around its centre, as a polyline ``(n, 2)`` of ``(row, col)`` in pixels.
        spacing_mm: as given.
    """

    runs: Runs
    second_share: float
    values: Mapping[str, Value]
    remarks: tuple[str, ...]
    disc: Points
    spacing_mm: tuple[float, float] | None = None

    def size_doubts(self, diameter_mm: tuple[float, float]) -> list[str]:
        """Doubts about pixel size and equivalent diameter, where known; ``diameter_mm`` is the plausible range."""
        diameter = self.values["equivalent_diameter_mm"]
        if self.spacing_mm is None or not isinstance(diameter, float):
            return []
        return pixel_doubts(self.spacing_mm) + size_doubts("equivalent diameter", diameter, diameter_mm, self.spacing_mm)

    def conclude(self, values: Mapping[str, Value], doubts: Sequence[str], cut: str) -> Measurement:
        """The measurement with its status, and all reasons in one line.

        Args:
            values: all columns of the task.
            doubts: why the structure is implausible: any makes it `Status.LOW_CONFIDENCE`.
            cut: message if the piece touches the border of the picture.
        """
        statuses = [Status.LOW_CONFIDENCE] if doubts else []
        reasons = list(doubts)
        if self.second_share >= SECOND_PIECE_SHARE:
            statuses.append(Status.MULTIPLE_STRUCTURES)
            reasons.append(f"a second piece has {100 * self.second_share:.0f} % of the largest one's area; the largest was measured")
        if self.runs.touches_border():
            statuses.append(Status.TOUCHES_BORDER)
            reasons.append(cut)
        return Measurement(values, statuses[0] if statuses else Status.OK, "; ".join((*reasons, *self.remarks)), axes=(self.disc,))


def measure_region(mask: npt.NDArray[Any], spacing_mm: float | tuple[float, float] | None) -> Region | None:
    """Measure the largest piece of a mask; ``None`` for an empty mask.

    Args:
        mask: ``(rows, cols)``; nonzero is structure.
        spacing_mm: millimetres between pixel centres, ``(row, col)`` or one number for both, or ``None`` if unknown.

    Raises:
        ImageError: a mask that is not 2-D, has no pixels, or values that are not finite numbers.
        UsageError: spacing that is not two positive, finite numbers.

    >>> import numpy as np
    >>> region = measure_region(np.pad(np.ones((4, 6)), 3), (0.5, 0.25))
    >>> region.values["area_mm2"], region.values["center_row_px"], region.values["center_col_px"], region.remarks
    (3.0, 4.5, 5.5, ('pixels are not square: no diameter in pixels',))
    """
    if spacing_mm is not None:
        spacing_mm = check_spacing(spacing_mm)
    runs = find_runs(mask)
    if len(runs.row) == 0:
        return None
    piece, second_share = largest_piece(runs)
    lengths = piece.lengths
    area = int(lengths.sum())
    center = float((piece.row * lengths).sum() / area), float(((piece.start + piece.stop - 1) / 2 * lengths).sum() / area)
    square = has_square_pixels(spacing_mm)
    area_mm2 = None if spacing_mm is None else area * spacing_mm[0] * spacing_mm[1]
    values: dict[str, Value] = {
        "area_mm2": area_mm2,
        "equivalent_diameter_mm": None if area_mm2 is None else _diameter(area_mm2),
        "area_px": area,
        "equivalent_diameter_px": _diameter(area) if square else None,
        "center_row_px": center[0],
        "center_col_px": center[1],
    }
    remarks = [] if square else ["pixels are not square: no diameter in pixels"]
    if spacing_mm is None:
        remarks.append(UNKNOWN_SPACING)
    stretch = 1.0 if spacing_mm is None else math.sqrt(spacing_mm[1] / spacing_mm[0])  # a disc in mm, an ellipse in pixels
    disc = center + Ellipse(0, 0, 1, 1, 0).points() * (_diameter(area) / 2) * (stretch, 1 / stretch)
    return Region(piece, second_share, values, tuple(remarks), disc, spacing_mm)


def has_square_pixels(spacing_mm: tuple[float, float] | None) -> bool:
    """Whether pixels are square, so that lengths in pixels are comparable; assumed where spacing is unknown."""
    return spacing_mm is None or abs(spacing_mm[0] / spacing_mm[1] - 1) <= _SQUARE


def _diameter(area: float) -> float:
    """Diameter of the disc with that area."""
    return 2 * math.sqrt(area / math.pi)
