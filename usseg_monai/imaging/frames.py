"""What every decoder returns: the number of frames in a file, and access to each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging.image import Place, Region

__all__ = ["Frames"]


@dataclass(frozen=True)
class Frames:
    """An opened file whose size was checked against the limits; pixels are decoded frame by frame.

    Attributes:
        format: decoder's name, as in `Source.format`.
        count: number of frames.
        spacing_mm: ``(row, col)``, or ``None`` where the header does not say.
        load: maps an index from 0 to ``(rows, cols)`` grey or ``(rows, cols, channels)`` colour, any real dtype.
        place: maps an index to where and when that slice was taken; ``None`` for formats that do not state it.
        unpacks_to: bytes up to the end of the last frame once the file is inflated; 0 where it is not compressed as a whole.
        regions: the only parts of each frame whose scale is known, see `GreyImage.regions`; empty if `spacing_mm` holds for all of it.
        frame_spacing: maps an index to the spacing of that frame, if a file states one for each; ``None`` if `spacing_mm` holds for all.
    """

    format: str
    count: int
    spacing_mm: Spacing | None
    load: Callable[[int], npt.NDArray[Any]]
    place: Callable[[int], Place] | None = None
    unpacks_to: int = 0
    regions: tuple[Region, ...] = ()
    frame_spacing: Callable[[int], Spacing | None] | None = None
