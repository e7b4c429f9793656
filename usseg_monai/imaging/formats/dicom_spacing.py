"""Pixel sizes in DICOM headers: for ultrasound regions (PS3.3, C.8.5.5), the image, and the frames of enhanced objects."""

from __future__ import annotations

from typing import NamedTuple

from usseg_monai.geometry.spacing import is_spacing
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging.formats.dicom_elements import DataSet
from usseg_monai.imaging.image import Region

__all__ = ["PIXEL_SPACING", "REGIONS", "TAGS", "Scale", "pixel_spacing", "read_regions"]

REGIONS = 0x00186011
PIXEL_SPACING = 0x00280030
TAGS = frozenset((REGIONS, PIXEL_SPACING))
"""Elements that state the size of pixels."""

_FORMAT, _DATA_TYPE = 0x00186012, 0x00186014
_LEFT, _TOP, _RIGHT, _BOTTOM = 0x00186018, 0x0018601A, 0x0018601C, 0x0018601E
_UNITS_X, _UNITS_Y, _DELTA_X, _DELTA_Y = 0x00186024, 0x00186026, 0x0018602C, 0x0018602E
_REGION_TAGS = frozenset((_FORMAT, _DATA_TYPE, _LEFT, _TOP, _RIGHT, _BOTTOM, _UNITS_X, _UNITS_Y, _DELTA_X, _DELTA_Y))
_TWO_DIMENSIONAL = 1  # RegionSpatialFormat, C.8.5.5.1.1
_TISSUE, _COLOUR_FLOW = 1, 2  # RegionDataType, C.8.5.5.1.2
_CENTIMETRES = 3  # PhysicalUnitsXDirection, C.8.5.5.1.15
_MOST_REGIONS = 100
_SAME_SCALE = 0.005  # machines round the scale of one view a little differently from region to region


class Scale(NamedTuple):
    """Pixel size stated by a header: one for the picture, or one per region."""

    spacing_mm: Spacing | None = None
    regions: tuple[Region, ...] = ()


def read_regions(dataset: DataSet, rows: int, cols: int) -> Scale | None:
    """The scale of a picture from its two-dimensional ultrasound regions; ``None`` if none of them has a scale.

    One spacing if all regions share it, with the regions unless one is the whole picture; else each region with its own spacing. A region
    without a scale only prevents a shared spacing.
    """
    views = [_read_region(item, rows, cols) for item in dataset.items(REGIONS, _MOST_REGIONS, _REGION_TAGS)]
    found = [view for view in views if view is not None]
    tissue = [view for view in found if not view.colour_flow]
    found = tissue + [view for view in found if view.colour_flow and not any(_overlap(view, other) for other in tissue)]
    scaled = [view for view in found if view.spacing_mm is not None]
    if not scaled:
        return None
    first = scaled[0].spacing_mm
    if first is not None and all(view.spacing_mm is not None and _same(view.spacing_mm, first) for view in found):
        whole = any(view[:4] == (0, rows, 0, cols) for view in found)
        return Scale(first, () if whole else tuple(Region(*view[:4], first) for view in found))
    return Scale(regions=tuple(Region(*view[:4], view.spacing_mm) for view in scaled if view.spacing_mm is not None))


def pixel_spacing(dataset: DataSet) -> Spacing | None:
    """PixelSpacing of a data set or an item, ``None`` if it is not two steps in mm."""
    steps = dataset.numbers(PIXEL_SPACING, "DS", 2)
    return (steps[0], steps[1]) if steps is not None and len(steps) == 2 and is_spacing(*steps) else None


class _View(NamedTuple):
    """A two-dimensional region: its bounds, and its spacing if it has one; colour flow is drawn over tissue."""

    top: int
    bottom: int
    left: int
    right: int
    spacing_mm: Spacing | None
    colour_flow: bool


def _read_region(region: DataSet, rows: int, cols: int) -> _View | None:
    """A two-dimensional region; ``None`` for others, such as M-mode and spectra, and for regions outside the picture."""
    kind, data = region.number(_FORMAT, "US"), region.number(_DATA_TYPE, "US")
    if kind not in (None, _TWO_DIMENSIONAL) or data not in (None, _TISSUE, _COLOUR_FLOW):
        return None
    bounds = [region.number(tag, "UL") for tag in (_TOP, _BOTTOM, _LEFT, _RIGHT)]
    stated = [int(bound) for bound in bounds if bound is not None]
    if len(stated) == 4:  # the last row and column are part of the region
        top, bottom, left, right = max(0, stated[0]), min(rows, stated[1] + 1), max(0, stated[2]), min(cols, stated[3] + 1)
    else:
        top, bottom, left, right = 0, rows, 0, cols
    if top >= bottom or left >= right:
        return None
    units = [region.number(tag, "US") for tag in (_UNITS_X, _UNITS_Y)]
    if any(unit not in (None, 0, _CENTIMETRES) for unit in units):  # seconds, hertz, degrees: not a view, whatever its format says
        return None
    steps = [region.number(tag, "FD") for tag in (_DELTA_Y, _DELTA_X)]
    row, col = (abs(step or 0.0) * 10 for step in steps)
    spacing = (row, col) if units == [_CENTIMETRES, _CENTIMETRES] and is_spacing(row, col) else None
    return _View(top, bottom, left, right, spacing, data == _COLOUR_FLOW)


def _overlap(first: _View, second: _View) -> bool:
    return first.top < second.bottom and second.top < first.bottom and first.left < second.right and second.left < first.right


def _same(first: Spacing, second: Spacing) -> bool:
    return all(abs(one - other) <= _SAME_SCALE * other for one, other in zip(first, second, strict=True))
