"""The package's only representation of an image."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from usseg_monai.geometry.types import EqualByContent, GreyArray, Spacing

__all__ = ["GreyImage", "Place", "Region", "Source"]


@dataclass(frozen=True)
class Source:
    """Where an image came from. Holds no patient data.

    Attributes:
        path: the file.
        frame: index from 0 of the frame (page, slice) in the file.
        frames: number of frames in the file.
        format: decoder's name: ``png``, ``jpeg``, ``tiff``, ``bmp``, ``nifti``, ``nrrd``, ``metaimage``, ``dicom``, ``video``,
            ``array``.
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
        study: distinguishes studies; empty where the file says nothing.
        series: distinguishes the series of a study; empty where the file itself is the series.
        position_mm: ``(x, y, z)`` of the first pixel in the patient.
        normal: unit vector ``(x, y, z)`` across the slice.
        time_ms: time of the phase after the R wave, or since the first phase.
        number: position in the series (DICOM's InstanceNumber), or index of the phase.
        acquired_s: time of the acquisition within its day.
        phases: number of phases per heart beat.
        temporal_index: index of the phase, from TemporalPositionIdentifier or TemporalPositionIndex.
        content_s: time within its day at which the pixels were made (DICOM's ContentTime).
        series_s: time within its day at which the series began (DICOM's SeriesTime).
        instance: distinguishes images within a series; copies of one image share it; empty where unknown.
        series_number: number of the series in its study, as scanners count them (DICOM's SeriesNumber).
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
    """A part of a picture with its own scale: ultrasound machines draw several views side by side.

    Attributes:
        top, bottom, left, right: half-open bounds in pixels, ``top <= row < bottom``, ``left <= col < right``.
        spacing_mm: ``(row, col)`` in mm.
    """

    top: int
    bottom: int
    left: int
    right: int
    spacing_mm: Spacing


@dataclass(frozen=True, eq=False, repr=False)
class GreyImage(EqualByContent):
    """One decoded grey image. Two are equal if all their fields are, pixel by pixel.

    Attributes:
        pixels: float32 ``(rows, cols)``, finite. Row 0 is the top of the displayed picture, column 0 its left.
        spacing_mm: ``(row, col)`` in mm, or ``None`` where the file does not say.
        source: file, frame and format.
        place: where and when the slice was taken; ``None`` for formats that do not state it.
        regions: the only parts whose scale is known; empty if one spacing holds for the whole picture. If they share one scale,
            ``spacing_mm`` is that scale, else ``None``.
    """

    pixels: GreyArray
    spacing_mm: Spacing | None = None
    source: Source = field(default_factory=lambda: Source(Path("array")))
    place: Place | None = None
    regions: tuple[Region, ...] = ()

    def __repr__(self) -> str:
        rows, cols = self.pixels.shape[:2] if self.pixels.ndim > 1 else (0, 0)
        spacing = "" if self.spacing_mm is None else " of {:.3g} x {:.3g} mm".format(*self.spacing_mm)
        source = self.source
        return f"<{type(self).__name__}: {rows} x {cols} pixels{spacing}, {source.format}, frame {source.frame} of {source.frames}>"
