"""DICOM, single and multi-frame.

Only the elements that describe the pixels, their place and their time are read: no patient data enter the program's objects.
Grey values are the stored ones (no window, no rescale); MONOCHROME1, where 0 is white, is inverted.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from usseg_monai.errors import ImageError
from usseg_monai.geometry.types import GreyArray, Spacing
from usseg_monai.imaging.formats import dicom_frames, dicom_groups, dicom_objects, dicom_palette, dicom_place, dicom_spacing
from usseg_monai.imaging.formats.dicom_codecs import COMPRESSED, unread_syntax
from usseg_monai.imaging.formats.dicom_elements import Budget, DataSet, read_elements
from usseg_monai.imaging.formats.dicom_frames import open_pixels
from usseg_monai.imaging.formats.dicom_groups import Groups
from usseg_monai.imaging.formats.dicom_kind import HEAD, Encoding, data_set_start, fits_encoding, guess_encoding
from usseg_monai.imaging.formats.dicom_objects import check_has_picture, check_not_derived
from usseg_monai.imaging.formats.dicom_palette import read_palette
from usseg_monai.imaging.formats.dicom_pixels import grey_values
from usseg_monai.imaging.formats.dicom_place import MODALITY, SOP_CLASS, Places
from usseg_monai.imaging.formats.dicom_spacing import pixel_spacing, read_regions
from usseg_monai.imaging.frames import Frames
from usseg_monai.imaging.limits import Limits

__all__ = ["open_dicom"]

_IMPLICIT, _BIG_ENDIAN, _DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
_OF_DICOM = re.compile(r"1\.2\.840\.10008\.[0-9.]{1,40}")  # what messages may show
_KNOWN = COMPRESSED | {"", _IMPLICIT, "1.2.840.10008.1.2.1", _BIG_ENDIAN}
_META_CLASS, _META_SYNTAX = 0x00020002, 0x00020010
_TAGS = dicom_frames.TAGS | dicom_palette.TAGS | dicom_spacing.TAGS | dicom_place.TAGS | dicom_groups.TAGS | dicom_objects.TAGS


def open_dicom(data: bytes | memoryview, limits: Limits) -> Frames:
    """Open a DICOM file.

    Args:
        data: the whole file, with preamble and file meta information or without.
        limits: bounds of a frame and of the file.

    Raises:
        NoPictureError: the object holds no picture, such as a DICOMDIR, a report or a segmentation.
        ImageError: deflated, fewer pixels than declared, a compression that no installed library decodes.
    """
    syntax, dataset = _read(memoryview(data))
    pixels = open_pixels(dataset, syntax, limits)
    layout, count = pixels.layout, pixels.count
    palette = read_palette(dataset, layout.interpretation, signed=layout.signed)
    groups = Groups(dataset, count)
    scale = read_regions(dataset, layout.rows, layout.cols)

    def load(index: int) -> GreyArray:
        samples, held, precision = pixels.samples(index)
        return grey_values(samples, held, palette, precision)

    def spacing(index: int) -> Spacing | None:
        return pixel_spacing(groups.find(index, dicom_groups.MEASURES, dicom_spacing.TAGS)) or pixel_spacing(dataset)

    if scale is not None:
        return Frames("dicom", count, scale.spacing_mm, load, Places(dataset, groups, count), regions=scale.regions)
    return Frames("dicom", count, pixel_spacing(dataset), load, Places(dataset, groups, count), frame_spacing=spacing if groups else None)


class _File(NamedTuple):
    syntax: str
    dataset: DataSet


def _read(data: memoryview) -> _File:
    """Transfer syntax, empty if not stated, and the wanted elements; `NoPictureError` for objects without a picture."""
    start = data_set_start(data[:HEAD])
    if start is None:
        raise ImageError("not a DICOM file: neither DICM at byte 128 nor elements at its beginning")
    budget = Budget()
    written = guess_encoding(data[start:]) or Encoding(False, True)  # of the file meta information, normally explicit (PS3.10, 7.1)
    meta, start = read_elements(data, start, len(data), written, frozenset((_META_CLASS, _META_SYNTAX)), budget, last_group=2)
    syntax, sop_class = meta.text(_META_SYNTAX), meta.text(_META_CLASS)
    check_has_picture(sop_class, "", True)
    if syntax == _DEFLATED:
        raise ImageError("a deflated DICOM file (1.2.840.10008.1.2.1.99) is not read; convert it, for example by 'dcmconv +te'")
    if (name := unread_syntax(syntax)) is not None:
        raise ImageError(
            f"{name} in DICOM ({syntax}) is not read; convert the file to Explicit VR Little Endian, or save its frames as images"
        )
    if syntax not in _KNOWN:
        named = syntax if _OF_DICOM.fullmatch(syntax) else "of no standard"
        raise ImageError(f"transfer syntax {named}: it is not known; convert the file to Explicit VR Little Endian")
    encoding = Encoding(syntax == _IMPLICIT, syntax != _BIG_ENDIAN)
    if not fits_encoding(data[start:], encoding):
        encoding = guess_encoding(data[start:]) or encoding
    dataset, _ = read_elements(data, start, len(data), encoding, _TAGS, budget)
    has_pixels = any(tag in dataset for tag in dicom_frames.PIXELS)
    check_has_picture(dataset.text(SOP_CLASS) or sop_class, dataset.text(MODALITY), has_pixels)
    check_not_derived(dataset, dataset.text(SOP_CLASS) or sop_class)
    return _File(syntax, dataset)
