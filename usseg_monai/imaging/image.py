"""The one form in which an image travels through the package."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

GreyArray = npt.NDArray[np.float32]
"""Grey values, shape ``(rows, cols)``, any finite range."""

MaskArray = npt.NDArray[np.uint8]
"""Labels, shape ``(rows, cols)``: background 0, first structure 1."""

Spacing = tuple[float, float]
"""Millimetres between pixel centres, ``(row, col)``; unknown spacing is ``None``, never 1."""

SPACING_RANGE_MM = (1e-5, 1e3)
"""Steps that pixels can have, from a hundredth of a micrometre to a metre. What lies beyond is a slip, and overflows in areas."""


def is_spacing(row: float, col: float) -> bool:
    """Whether two steps in mm can be a spacing.

    >>> is_spacing(0.2, 0.1), is_spacing(0.2, float("nan")), is_spacing(0.2, 1e200)
    (True, False, False)
    """
    low, high = SPACING_RANGE_MM
    return low <= row <= high and low <= col <= high


@dataclass(frozen=True)
class Source:
    """Where an image came from. Holds no patient data.

    Attributes:
        path: the file.
        frame: index from 0 of the frame (page, slice) in the file.
        frames: number of frames in the file.
        format: decoder's name: ``png``, ``jpeg``, ``tiff``, ``bmp``, ``nifti``, ``nrrd``, ``metaimage``, ``dicom``, ``array``.
    """

    path: Path
    frame: int = 0
    frames: int = 1
    format: str = "array"


@dataclass(frozen=True)
class Place:
    """Where and when a slice was taken, as far as its file says. Holds no patient data: identifiers are kept as digests.

    Attributes:
        modality: as DICOM names it, ``MR``; empty where unknown.
        study: tells studies apart; empty where the file says nothing.
        series: tells the series of a study apart; empty where the file itself is the series.
        position_mm: ``(x, y, z)`` of the first pixel in the patient.
        normal: unit vector ``(x, y, z)`` across the slice.
        time_ms: of the phase, after the R wave or from the first phase.
        number: in the order of the series (DICOM's InstanceNumber), or index of the phase.
        acquired_s: time of the acquisition within its day.
        phases: number of phases that a heart beat was divided into.
        temporal_index: of the phase, as TemporalPositionIdentifier or TemporalPositionIndex states it.
        content_s: time within its day at which the pixels were made (DICOM's ContentTime).
        series_s: time within its day at which the series began (DICOM's SeriesTime).
        instance: distinguishes images within a series; copies of one image share it; empty where unknown.
        series_number: of the series in its study, as scanners count them (DICOM's SeriesNumber).
        orientation: unit vectors ``(x, y, z)`` along the rows and down the columns, six numbers, as DICOM's ImageOrientationPatient.
    """

    modality: str = ""
    study: str = ""
    series: str = ""
    position_mm: tuple[float, float, float] | None = None
    normal: tuple[float, float, float] | None = None
    time_ms: float | None = None
    number: int | None = None
    acquired_s: float | None = None
    phases: int | None = None
    temporal_index: int | None = None
    content_s: float | None = None
    instance: str = ""
    series_number: int | None = None
    orientation: tuple[float, ...] | None = None
    series_s: float | None = None


@dataclass(frozen=True)
class Region:
    """A part of a picture that has a scale of its own, as ultrasound machines draw several views side by side.

    Attributes:
        top, bottom, left, right: half-open bounds in pixels, ``top <= row < bottom``, ``left <= col < right``.
        spacing_mm: ``(row, col)`` in mm.
    """

    top: int
    bottom: int
    left: int
    right: int
    spacing_mm: Spacing


@dataclass(frozen=True)
class GreyImage:
    """One decoded grey image.

    Attributes:
        pixels: float32 ``(rows, cols)``, finite. Row 0 is the top of the displayed picture, column 0 its left.
        spacing_mm: ``(row, col)`` in mm, or ``None`` where the file does not say.
        source: file, frame and format.
        place: where and when the slice was taken; ``None`` for formats that do not tell.
        regions: the only parts whose scale is known; empty where one spacing holds for the whole picture. Where they have one scale,
            ``spacing_mm`` is that scale, else ``None``.
    """

    pixels: GreyArray
    spacing_mm: Spacing | None = None
    source: Source = field(default_factory=lambda: Source(Path("array")))
    place: Place | None = None
    regions: tuple[Region, ...] = ()
