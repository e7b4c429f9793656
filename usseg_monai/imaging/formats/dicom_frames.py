"""The frames of a DICOM file, uncompressed or compressed, one at a time; only the bytes of that frame are copied."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import numpy.typing as npt

from usseg_monai.errors import ImageError
from usseg_monai.imaging.formats import dicom_pixels
from usseg_monai.imaging.formats.codestream import read_codestream
from usseg_monai.imaging.formats.dicom_codecs import ENCAPSULATED, RLE, decode_frame
from usseg_monai.imaging.formats.dicom_elements import DataSet, Element
from usseg_monai.imaging.formats.dicom_fragments import Fragments, begins_with_items
from usseg_monai.imaging.formats.dicom_kind import Encoding
from usseg_monai.imaging.formats.dicom_pixels import DOUBLES, FLOATS, Layout, check_allocated, native_frame, read_layout
from usseg_monai.imaging.formats.dicom_rle import decode_rle
from usseg_monai.imaging.limits import Limits

__all__ = ["PIXELS", "TAGS", "Pixels", "Samples", "open_pixels"]

_PIXEL_DATA, _EXTENDED_OFFSETS = dicom_pixels.PIXELS, 0x7FE00001
PIXELS = (_PIXEL_DATA, FLOATS, DOUBLES)
"""Elements that hold pixels, any one of them."""

TAGS = dicom_pixels.TAGS | {*PIXELS, _EXTENDED_OFFSETS}
"""Elements that describe and hold the pixels."""

_MOST_OFFSET_BYTES = 1 << 21
_MARGIN = 1 << 20  # bytes of text and profiles in a compressed frame


class Samples(NamedTuple):
    """Samples of a frame, their layout, and how many bits of their container the file or codestream fills."""

    stored: npt.NDArray[Any]
    layout: Layout
    precision: int


class Pixels(Protocol):
    """The pixels of a file."""

    layout: Layout
    count: int

    def samples(self, index: int) -> Samples:
        """Samples of one frame, by its index from 0."""
        ...


def open_pixels(dataset: DataSet, syntax: str, limits: Limits) -> Pixels:
    """Access to the frames of a file whose size passes the limits.

    Args:
        dataset: with the elements of `TAGS`.
        syntax: transfer syntax, empty if the file does not state it; the bytes of the pixels show whether they are encapsulated.
        limits: bounds of a frame and of the file.
    """
    tag = next(tag for tag in PIXELS if tag in dataset)
    element = dataset.elements[tag]
    encapsulated = element.undefined or begins_with_items(dataset.data, element.begin, element.end)
    return _Compressed(dataset, element, syntax, limits) if encapsulated else _Native(dataset, tag, limits)


class _Native:
    """Uncompressed pixels."""

    def __init__(self, dataset: DataSet, tag: int, limits: Limits) -> None:
        self._data, self._element = dataset.data, dataset.elements[tag]
        self.layout = layout = read_layout(dataset, tag, None)
        check_allocated(layout.allocated)
        length = self._element.end - self._element.begin
        self.count = layout.count(length)
        limits.check(layout.rows, layout.cols, self.count)
        declared = (layout.frame_bits * self.count + 7) // 8
        if length < declared:
            raise ImageError(f"{length} bytes of pixels, {declared} were declared; the file is cut, copy or export it again")

    def samples(self, index: int) -> Samples:
        return Samples(native_frame(self._data, self._element, self.layout, index), self.layout, self.layout.allocated)


class _Compressed:
    """Encapsulated pixels."""

    def __init__(self, dataset: DataSet, element: Element, syntax: str, limits: Limits) -> None:
        extended = dataset.raw(_EXTENDED_OFFSETS, _MOST_OFFSET_BYTES)
        self._fragments = Fragments.of(dataset.data, element.begin, element.end, extended)
        self._syntax = syntax
        self._frames = self._fragments.frames(dicom_pixels.stated_frames(dataset))
        self.count = len(self._frames)
        plain = syntax in (RLE, ENCAPSULATED)
        most = 2 * 6 * dicom_pixels.stated_pixels(dataset) + _MARGIN  # colours of 16 bits
        code = None if plain else read_codestream(self._fragments.view(self._frames[0], most))
        self.layout = read_layout(dataset, _PIXEL_DATA, code)
        limits.check(self.layout.rows, self.layout.cols, self.count)

    def samples(self, index: int) -> Samples:
        layout = self.layout
        size = layout.rows * layout.cols * layout.samples * layout.allocated // 8
        frame = self._fragments.view(self._frames[index], 2 * size + _MARGIN)
        if self._syntax == RLE:
            return Samples(decode_rle(frame, layout.rows, layout.cols, layout.samples, layout.allocated), layout, layout.allocated)
        if self._syntax == ENCAPSULATED:
            whole = Element("OB", 0, len(frame), False, Encoding(False, True))
            return Samples(native_frame(frame, whole, replace(layout, frames=1), 0), layout, layout.allocated)
        code = read_codestream(frame)
        if (code.rows, code.cols) != (layout.rows, layout.cols):
            raise ImageError(
                f"frame {index} is compressed as {code.rows} x {code.cols} pixels, "
                f"{layout.rows} x {layout.cols} were declared; export it again"
            )
        if code.components != layout.samples:
            raise ImageError(f"frame {index} has {code.components} samples per pixel, the first frame {layout.samples}; export it again")
        stored, interpretation = decode_frame(frame, code, self._syntax, layout.interpretation)
        return Samples(stored, replace(layout, interpretation=interpretation), code.precision)
