"""How DICOM pixels are stored, and their grey values.

What a header omits or states wrongly is filled in if only one reading is possible; if two are, the file is refused, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError
from usseg_monai.geometry.types import GreyArray
from usseg_monai.imaging.formats.codestream import Codestream
from usseg_monai.imaging.formats.dicom_elements import DataSet, Element
from usseg_monai.imaging.formats.dicom_palette import Palette
from usseg_monai.imaging.grey import to_grey

__all__ = [
    "ALLOCATED",
    "COLUMNS",
    "DOUBLES",
    "FLOATS",
    "FRAMES",
    "HIGH_BIT",
    "INTERPRETATION",
    "PIXELS",
    "PLANAR",
    "REPRESENTATION",
    "ROWS",
    "SAMPLES",
    "STORED",
    "TAGS",
    "Layout",
    "check_allocated",
    "grey_values",
    "native_frame",
    "read_layout",
    "shaped",
    "stated_frames",
    "stated_pixels",
]

SAMPLES, INTERPRETATION, PLANAR, FRAMES, ROWS, COLUMNS = 0x00280002, 0x00280004, 0x00280006, 0x00280008, 0x00280010, 0x00280011
ALLOCATED, STORED, HIGH_BIT, REPRESENTATION = 0x00280100, 0x00280101, 0x00280102, 0x00280103
TAGS = frozenset((SAMPLES, INTERPRETATION, PLANAR, FRAMES, ROWS, COLUMNS, ALLOCATED, STORED, HIGH_BIT, REPRESENTATION))
"""Elements that describe the pixels."""

PIXELS, FLOATS, DOUBLES = 0x7FE00010, 0x7FE00008, 0x7FE00009
_FLOAT_BITS = {FLOATS: 32, DOUBLES: 64}
_ONE_SAMPLE = {"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"}
_PLAIN_GREY = {"", "MONO", "MONOCHROME", "GRAY", "GREY", "GRAYSCALE", "GREYSCALE"}  # used by some writers for MONOCHROME2
_LARGEST_NUMBER = 2**32  # upper bound of any count or size
_NOT_READ = {"HSV", "ARGB", "CMYK", "YBR_PARTIAL_420", "XYB"}  # codes that messages may show
_STRIP = 1 << 19  # pixels that are converted at once, so that intermediate results take little memory


@dataclass(frozen=True)
class Layout:
    """How the pixels of a file are stored.

    Attributes:
        rows, cols, samples: of one frame.
        frames: as stated; ``None`` if the header states none.
        allocated, stored, high_bit: bits of a sample in the file, those in use, and the highest of these.
        signed: two's complement.
        floating: IEEE floating-point numbers.
        interpretation: ``MONOCHROME1``, ``MONOCHROME2``, ``PALETTE COLOR``, ``RGB`` or ``YBR_...``.
        planar: colour by plane, not by pixel.
    """

    rows: int
    cols: int
    samples: int
    frames: int | None
    allocated: int
    stored: int
    high_bit: int
    signed: bool = False
    floating: bool = False
    interpretation: str = "MONOCHROME2"
    planar: bool = False

    @property
    def halved(self) -> bool:
        """Whether two neighbours share their colour, as in ``YBR_FULL_422``."""
        return self.samples == 3 and self.interpretation.endswith("422")

    @property
    def frame_bits(self) -> int:
        """Bits of an uncompressed frame."""
        bits = self.rows * self.cols * self.samples * self.allocated
        return bits * 2 // 3 if self.halved else bits

    def count(self, length: int) -> int:
        """Number of uncompressed frames in `length` bytes: as stated, else as many as fill them."""
        if self.frames is not None:
            return self.frames
        frames, rest = divmod(8 * length, self.frame_bits) if self.frame_bits else (0, 0)
        return frames if frames > 1 and rest < 16 else 1


def read_layout(dataset: DataSet, tag: int, code: Codestream | None) -> Layout:
    """Layout by the header.

    Args:
        dataset: with the elements of `TAGS`.
        tag: of the element with the pixels.
        code: header of the first frame if the pixels are compressed as JPEG or similar: it states the decoder's output.
    """
    element = dataset.elements[tag]
    rows, cols = _whole(dataset, ROWS), _whole(dataset, COLUMNS)
    if rows is None or cols is None:
        if code is None:
            raise ImageError("the DICOM header does not state Rows and Columns; export the file again")
        rows, cols = code.rows, code.cols
    stated = dataset.text(INTERPRETATION).upper().replace("MONOCHROME ", "MONOCHROME")
    samples = code.components if code else _whole(dataset, SAMPLES)
    if samples is None:
        samples = 3 if stated.startswith(("RGB", "YBR")) else 1
    if samples not in (1, 3):
        raise ImageError(f"{samples} samples per pixel: only 1 (grey or palette) and 3 (colour) are read")
    frames = stated_frames(dataset)
    floating = tag in _FLOAT_BITS
    precision = code.precision if code else None
    allocated = _FLOAT_BITS.get(tag) or _whole(dataset, ALLOCATED)
    if not allocated:
        allocated = _allocated(dataset, element, rows * cols * samples * (frames or 1), code)
    stored = _whole(dataset, STORED)
    if precision is not None and precision > allocated:  # the decoded precision counts
        allocated, stored = 16 if precision <= 16 else 32, precision
    if stored is None or not 0 < stored <= allocated:
        stored = min(allocated, precision or allocated)
    high_bit = _whole(dataset, HIGH_BIT)
    if high_bit is None or not stored - 1 <= high_bit < allocated:
        high_bit = stored - 1
    interpretation = _interpretation(dataset, stated, samples, code)
    layout = Layout(rows, cols, samples, frames, allocated, stored, high_bit, _whole(dataset, REPRESENTATION) == 1, floating)
    layout = replace(layout, interpretation=interpretation, planar=_whole(dataset, PLANAR) == 1)
    return layout if code or element.undefined else _by_length(layout, element.end - element.begin)


def stated_frames(dataset: DataSet) -> int | None:
    """NumberOfFrames; ``None`` if it is missing, 0 or not a number."""
    return _whole(dataset, FRAMES) or None


def stated_pixels(dataset: DataSet) -> int:
    """Rows x Columns, 0 if they are not stated."""
    return (_whole(dataset, ROWS) or 0) * (_whole(dataset, COLUMNS) or 0)


def native_frame(data: memoryview, element: Element, layout: Layout, index: int) -> npt.NDArray[Any]:
    """Samples of an uncompressed frame, ``(rows, cols)`` or ``(rows, cols, 3)``, a view of the file's bytes if possible.

    Raises:
        ImageError: fewer bytes than declared, a number of bits that is not read.
    """
    check_allocated(layout.allocated)
    first, bits = index * layout.frame_bits, layout.frame_bits
    begin, end = element.begin + first // 8, element.begin + (first + bits + 7) // 8
    if end > element.end:
        found, declared = element.end - element.begin, (layout.frame_bits * (layout.frames or 1) + 7) // 8
        raise ImageError(f"{found} bytes of pixels, {declared} were declared; the file is cut, copy or export it again")
    if layout.allocated == 1:
        packed = np.frombuffer(data[begin:end], np.uint8)
        samples: npt.NDArray[Any] = np.unpackbits(packed, bitorder="little")[first % 8 : first % 8 + bits]
    elif layout.allocated == 8:
        samples = _bytes(data, element, begin, end)
    else:
        kind = "f" if layout.floating else "u"
        order = "<" if element.encoding.little else ">"
        samples = np.frombuffer(data[begin:end], f"{order}{kind}{layout.allocated // 8}")
    return shaped(samples, layout)


def shaped(samples: npt.NDArray[Any], layout: Layout) -> npt.NDArray[Any]:
    """Samples of one frame as ``(rows, cols)`` or ``(rows, cols, 3)``; if neighbours share their colour, only luminance."""
    rows, cols = layout.rows, layout.cols
    if layout.samples == 1:
        return samples.reshape(rows, cols)
    colours: npt.NDArray[Any]
    if layout.halved:
        if cols % 2:
            raise ImageError(f"{layout.interpretation} with {cols} columns: the number must be even; export the file again")
        colours = samples.reshape(rows, cols // 2, 4)[..., :2].reshape(rows, cols)  # Y1 Y2 Cb Cr
    elif layout.planar:
        colours = samples.reshape(3, rows, cols).transpose(1, 2, 0)
    else:
        colours = samples.reshape(rows, cols, 3)
    return colours


def grey_values(stored: npt.NDArray[Any], layout: Layout, palette: Palette | None, precision: int) -> GreyArray:
    """Grey values of stored samples, with larger values brighter; converted in strips.

    Args:
        stored: ``(rows, cols)`` or ``(rows, cols, 3)``, as they come from the file or its decoder.
        layout: with their interpretation.
        palette: of the file.
        precision: bits that the container of a sample has in the compressed frame, or in the file.
    """
    step = max(1, _STRIP // stored.shape[1])
    convert = _converter(layout, palette, precision)
    grey: GreyArray = np.empty(stored.shape[:2], np.float32)
    for top in range(0, len(stored), step):
        grey[top : top + step] = convert(stored[top : top + step])
    return grey


def check_allocated(bits: int) -> None:
    """Raise `ImageError` for an unsupported sample size."""
    if bits not in (1, 8, 16, 32, 64):
        raise ImageError(f"{bits} bits allocated: only 1, 8, 16, 32 and 64 are read; export the file with 16")


def _converter(layout: Layout, palette: Palette | None, precision: int) -> Callable[[npt.NDArray[Any]], GreyArray]:
    shift = layout.high_bit + 1 - layout.stored if layout.high_bit < precision else 0  # aligned to the left
    bits = min(layout.stored, precision - shift)

    def convert(stored: npt.NDArray[Any]) -> GreyArray:
        samples = stored if layout.floating or layout.allocated == 1 else _used_bits(stored, shift, bits, layout.signed)
        if samples.ndim == 3 and layout.interpretation.startswith("YBR"):
            samples = samples[..., 0]
        if palette is not None:
            return palette.apply(samples)
        grey = to_grey(samples)
        if layout.interpretation == "MONOCHROME1":
            np.subtract(np.float32(-1 if layout.signed else 2**bits - 1), grey, out=grey)  # -1 - v mirrors a signed range
        return grey

    return convert


def _used_bits(stored: npt.NDArray[Any], shift: int, bits: int, signed: bool) -> npt.NDArray[Any]:
    """Samples without the bits that the header declares unused: they may hold overlays or noise (PS3.5, 8.1.1)."""
    size = stored.dtype.itemsize
    samples: npt.NDArray[Any] = stored.view(stored.dtype.str.replace("i", "u"))
    if shift == 0 and bits == 8 * size:
        return samples.view(samples.dtype.str.replace("u", "i")) if signed else samples
    samples = samples.astype(f"u{size}")
    samples <<= samples.dtype.type(8 * size - bits - shift)
    if signed:
        samples = samples.view(f"i{size}")
    samples >>= samples.dtype.type(8 * size - bits)
    return samples


def _bytes(data: memoryview, element: Element, begin: int, end: int) -> npt.NDArray[np.uint8]:
    if element.encoding.little or element.vr != "OW":
        return np.frombuffer(data[begin:end], np.uint8)
    first = (begin - element.begin) // 2 * 2 + element.begin  # bytes lie in words of reversed byte order
    last = min((end - element.begin + 1) // 2 * 2 + element.begin, element.end)
    words = np.frombuffer(data[first : first + (last - first) // 2 * 2], np.uint8).reshape(-1, 2)
    turned: npt.NDArray[np.uint8] = words[:, ::-1].ravel()[begin - first : end - first]
    return turned


def _whole(dataset: DataSet, tag: int) -> int | None:
    """A non-negative integer; ``None`` if the element does not hold a plausible one."""
    value = dataset.number(tag, "IS" if tag == FRAMES else "US")
    return int(value) if value is not None and 0 <= value < _LARGEST_NUMBER and value == int(value) else None


def _allocated(dataset: DataSet, element: Element, samples: int, code: Codestream | None) -> int:
    """Bits of a sample if BitsAllocated is missing, from the bits in use or from the length of the pixels."""
    used = code.precision if code else _whole(dataset, STORED)
    if not used and not element.undefined and samples:
        whole, rest = divmod(element.end - element.begin, samples)
        used = 8 * whole if rest < 2 else None
    bits = next((bits for bits in (8, 16, 32, 64) if used and used <= bits), None)
    if bits is None:
        raise ImageError("the DICOM header does not state BitsAllocated; export the file again")
    return bits


def _interpretation(dataset: DataSet, stated: str, samples: int, code: Codestream | None) -> str:
    """PhotometricInterpretation, or the only possible one if it is missing or contradicts the samples."""
    if samples == 1:
        if stated in _ONE_SAMPLE:
            return stated
        if not stated and 0x00281101 in dataset:
            return "PALETTE COLOR"
        if stated in _PLAIN_GREY or stated.startswith(("RGB", "YBR")):
            return "MONOCHROME2"
    elif code is not None and code.stored_as:  # JPEG with three components
        if code.certain or not stated.startswith(("RGB", "YBR")):
            return "YBR_FULL" if code.stored_as == "YBR" else "RGB"
        return stated
    elif stated.startswith("RGB") or stated in ("YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_ICT", "YBR_RCT"):
        return stated
    elif code is not None and code.kind == "jpeg_2000" and not stated:
        return "RGB"
    named = stated if stated in _NOT_READ or stated in _ONE_SAMPLE else "of no standard" if stated else "missing"
    if samples == 3 and (not stated or stated in _ONE_SAMPLE):
        raise ImageError(f"3 samples per pixel, but photometric interpretation {named}: RGB or YBR; correct the header")
    raise ImageError(f"photometric interpretation {named}: only MONOCHROME, PALETTE COLOR, RGB and YBR are read")


def _by_length(layout: Layout, length: int) -> Layout:
    """Correct from the number of bytes whether neighbours share their colour, if the header contradicts it."""
    if layout.samples != 3 or not layout.interpretation.startswith("YBR_FULL") or layout.frames is None:
        return layout
    other = replace(layout, interpretation="YBR_FULL" if layout.halved else "YBR_FULL_422")
    fits = [abs(length - candidate.frame_bits * layout.frames / 8) < 2 for candidate in (layout, other)]
    return other if fits == [False, True] else layout
