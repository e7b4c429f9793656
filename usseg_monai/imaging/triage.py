"""Decides from sizes and counts which files are certainly cheap; all others are decoded in a separate process.

A rule may send a harmless file away, at the cost of a pipe. It must never keep an expensive one: whatever decoders do per byte, part, tag
or frame in Python, or in C without a bound, is counted here. With these bounds the worst file that is kept costs about a second.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import calcsize, error, unpack_from
from typing import NamedTuple

from usseg_monai.imaging.formats.dicom_kind import ALL_VR, LONG_VR, Encoding, data_set_start, guess_encoding

__all__ = [
    "LARGEST_HERE",
    "MOST_COLOUR_MAPPED",
    "MOST_ELEMENTS",
    "MOST_FRAMES",
    "MOST_HEADER",
    "MOST_PACKED",
    "MOST_PARTS",
    "MOST_PASSES",
    "MOST_SEGMENTS",
    "MOST_TAGS",
    "MOST_UNPACKED",
    "is_cheap",
    "unpacks_cheaply",
]

LARGEST_HERE = 16 << 20
"""Largest file in bytes that is decoded here; larger ones are mapped, which only the other process may do."""

MOST_UNPACKED = 64 << 20  # bytes of samples that a compressed file unpacks to
MOST_PACKED = 4 << 20  # bytes of such a compressed file, which may consist of tiny parts
MOST_HEADER = 256 << 10  # bytes of a header that a library reads element by element in Python
MOST_PARTS = 4096  # chunks of a PNG; writers make chunks of 8 kB and more
MOST_SEGMENTS = 256  # segments of a JPEG before its first scan
MOST_PASSES = 64 << 20  # pixels of a JPEG times its scans
MOST_TAGS = 128  # tags in the directory of a TIFF
MOST_ELEMENTS = 2048  # elements of a DICOM header, including those in sequences of undefined length
MOST_FRAMES = 200  # frames of a DICOM file
MOST_COLOUR_MAPPED = 4 << 20  # bytes of DICOM pixels with a palette, which triples them


def is_cheap(data: bytes, kind: str) -> bool:
    """Whether a file may be opened in this process and, if also `unpacks_cheaply` says so, decoded in it.

    Args:
        data: the whole file, at most `LARGEST_HERE` bytes.
        kind: its format, from `usseg_monai.imaging.kind.kind_of`.

    >>> is_cheap(b"BM" + bytes(12) + (12).to_bytes(4, "little") + bytes(100), "bmp")
    True
    """
    if kind in _VOLUMES:  # opening one reads a short header and nothing else
        return True
    try:
        return kind in _RULES and _RULES[kind](data)
    except (error, IndexError, ValueError):  # truncated or damaged: the cost is unknown
        return False


def unpacks_cheaply(packed: int, unpacked: int) -> bool:
    """Whether a file that is compressed as a whole may be decoded in this process.

    Args:
        packed: size of the file in bytes.
        unpacked: bytes that it unpacks to (`Frames.unpacks_to`); 0 where it is not compressed as a whole.

    >>> unpacks_cheaply(16 << 20, 0), unpacks_cheaply(1 << 20, 64 << 20), unpacks_cheaply(1 << 20, 65 << 20)
    (True, True, False)
    """
    return unpacked == 0 or (packed <= MOST_PACKED and unpacked <= MOST_UNPACKED)


def _png(data: bytes) -> bool:
    cols, rows, depth, colours = unpack_from(">IIBB", data, 16)
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colours, 4)
    if rows * cols * samples * depth > 8 * MOST_UNPACKED:
        return False
    at = 8
    for _ in range(MOST_PARTS):
        if data[at + 4 : at + 8] == b"IEND" or at >= len(data):
            return True
        at += 12 + int(unpack_from(">I", data, at)[0])
    return False


_JPEG_KINDS = {0xFFC0, 0xFFC1, 0xFFC2, 0xFFC9, 0xFFCA}  # sequential and progressive, which libjpeg decodes; others need other libraries


class _Jpeg(NamedTuple):
    pixels: int
    scans: int
    precision: int


def _jpeg(data: bytes) -> bool:
    found = _read_jpeg(data)
    return found is not None and found.pixels * found.scans <= MOST_PASSES


def _read_jpeg(data: bytes) -> _Jpeg | None:
    """What libjpeg will decode; ``None`` if the segments before the first scan are malformed or long."""
    at, pixels, precision = 2, 0, 0
    for _ in range(MOST_SEGMENTS):
        marker, length = unpack_from(">HH", data, at)
        if not 0xFFC0 <= marker <= 0xFFFE or 0xFFD0 <= marker <= 0xFFD9 or at > MOST_HEADER:
            return None
        if marker == 0xFFDA:
            return _Jpeg(pixels, data.count(b"\xff\xda"), precision)
        if 0xFFC0 <= marker <= 0xFFCF and marker not in (0xFFC4, 0xFFC8, 0xFFCC):
            if marker not in _JPEG_KINDS:
                return None
            rows, cols = unpack_from(">HH", data, at + 5)
            pixels, precision = max(pixels, rows * cols), max(precision, data[at + 4])
        at += 2 + int(length)
    return None


def _bmp(data: bytes) -> bool:
    """Not run-length encoded: Pillow decodes that in a Python loop."""
    header = unpack_from("<I", data, 14)[0]
    return header == 12 or (header >= 40 and unpack_from("<I", data, 30)[0] in (0, 3))


_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}  # bytes by type
_TIFF_PACKINGS = {1, 2, 3, 4, 5, 8, 32773, 32946}  # none, fax, LZW, deflate, PackBits


def _tiff(data: bytes) -> bool:
    """One page with a small directory, in a compression that unpacks no further than the page."""
    order = "<" if data[:2] == b"II" else ">"
    big = 43 in data[2:4]
    number, entry, pointer, start = ("Q", "HHQ", "Q", 8) if big else ("H", "HHI", "I", 4)
    (at,) = unpack_from(order + pointer, data, start)
    (entries,) = unpack_from(order + number, data, at)
    if entries > MOST_TAGS:
        return False
    at += calcsize("=" + number)
    step, before = calcsize("=" + entry + pointer), calcsize("=" + entry)
    values: dict[int, int] = {}
    size = 0
    for place in range(at, at + entries * step, step):
        tag, kind, count = unpack_from(order + entry, data, place)
        size += count * _TIFF_SIZES.get(kind, 8)
        (values[tag],) = unpack_from(order + ("H" if kind == 3 else pointer), data, place + before)
    (following,) = unpack_from(order + pointer, data, at + entries * step)
    cols, rows, width, height = (values.get(tag, 0) for tag in (256, 257, 322, 323))
    samples = max(rows * cols, width * height) * values.get(277, 1)
    return following == 0 and size <= MOST_HEADER and values.get(259, 1) in _TIFF_PACKINGS and samples <= MOST_UNPACKED // 4


def _dicom(data: bytes) -> bool:
    """Uncompressed or 8-bit JPEG pixels, few frames, and a short header of any content."""
    start = data_set_start(data)
    if start is None:
        return False
    at, encoding = (start, guess_encoding(data[start:])) if data[start : start + 2] != b"\2\0" else _dicom_meta(data, start)
    if encoding is None:
        return False
    jpeg = encoding is _JPEG_BASELINE
    pixels, frames, mapped = 0, 1, False
    for _ in range(MOST_ELEMENTS):
        if at + 8 > len(data):
            return len(data) - pixels <= MOST_HEADER and not (mapped and pixels > MOST_COLOUR_MAPPED)
        element = _dicom_element(data, at, encoding)
        value = data[element.begin : element.begin + min(element.length, 16)]
        if element.tag == _PIXEL_DATA:
            if (element.length == _UNDEFINED) != jpeg or element.vr not in (b"", b"OB", b"OW"):
                return False
            end = _behind_jpegs(data, element.begin, frames) if jpeg else min(element.begin + element.length, len(data))
            pixels, at = pixels + end - element.begin, end
            continue
        if element.tag == _FRAMES:
            frames = int(value.strip(b" \0") or b"1")
        odd = element.tag == _BITS_ALLOCATED and value.strip(b"\0") not in (b"\x08", b"\x10", b"\x20")
        if frames > MOST_FRAMES or odd or element.tag in _SEGMENTED_PALETTES:  # unpacked in a Python loop
            return False
        mapped = mapped or element.tag in _PALETTES
        at = element.begin if element.length == _UNDEFINED else element.begin + element.length  # into a sequence, or past it
    return False


_UNDEFINED = 0xFFFFFFFF
_PIXEL_DATA, _FRAMES, _BITS_ALLOCATED = 0x7FE00010, 0x00280008, 0x00280100
_PALETTES, _SEGMENTED_PALETTES = range(0x00281101, 0x00281204), range(0x00281221, 0x00281224)
_NATIVE = {
    b"1.2.840.10008.1.2": Encoding(implicit=True, little=True),
    b"1.2.840.10008.1.2.1": Encoding(implicit=False, little=True),
    b"1.2.840.10008.1.2.2": Encoding(implicit=False, little=False),
}


_JPEG_BASELINE = Encoding(implicit=False, little=True)  # a separate object, compared by identity with that of native pixels
_ENCODINGS = _NATIVE | {b"1.2.840.10008.1.2.4.50": _JPEG_BASELINE}


def _behind_jpegs(data: bytes, at: int, frames: int) -> int:
    """End of encapsulated pixels that are all JPEG files and cheap together, however they combine into frames.

    Raises:
        ValueError: they are not JPEG, or not cheap.
    """
    pixels = scans = most_scans = 0
    for number in range(MOST_FRAMES + 2):
        group, tag, length = unpack_from("<HHI", data, at)
        part, at = data[at + 8 : at + 8 + length], at + 8 + length
        if (group, tag) == (0xFFFE, 0xE0DD):
            if pixels * max(scans, frames * most_scans) > MOST_PASSES:
                break
            return at
        if (group, tag) != (0xFFFE, 0xE000) or length > len(part):
            break
        if number == 0:  # the offset table
            continue
        found = _read_jpeg(part) if part[:2] == b"\xff\xd8" else None
        if found is None or found.precision != 8:
            break
        pixels, scans, most_scans = max(pixels, found.pixels), scans + found.scans, max(most_scans, found.scans)
    raise ValueError("not cheap")


class _Element(NamedTuple):
    tag: int
    vr: bytes  # empty if implicit
    begin: int  # offset of the value
    length: int


def _dicom_element(data: bytes, at: int, encoding: Encoding) -> _Element:
    """Raises `ValueError` for a VR that does not exist: libraries guess in that case."""
    order = "<" if encoding.little else ">"
    group, number = unpack_from(order + "HH", data, at)
    if encoding.implicit or group == 0xFFFE:  # items and delimiters have no VR
        return _Element(group << 16 | number, b"", at + 8, unpack_from(order + "I", data, at + 4)[0])
    vr = data[at + 4 : at + 6]
    if vr in LONG_VR:
        return _Element(group << 16 | number, vr, at + 12, unpack_from(order + "I", data, at + 8)[0])
    if vr not in ALL_VR:
        raise ValueError(vr)
    return _Element(group << 16 | number, vr, at + 8, unpack_from(order + "H", data, at + 6)[0])


def _dicom_meta(data: bytes, at: int) -> tuple[int, Encoding | None]:
    """End of the file meta information, and the encoding that follows; ``None`` for an encoding that is not decoded here."""
    encoding = None
    for _ in range(MOST_ELEMENTS):
        if data[at : at + 2] != b"\2\0":
            break
        element = _dicom_element(data, at, Encoding(implicit=False, little=True))
        at = element.begin + element.length
        if element.tag == 0x00020010:
            encoding = _ENCODINGS.get(data[element.begin : at].rstrip(b"\0 "))
    return at, encoding


_RULES: dict[str, Callable[[bytes], bool]] = {"png": _png, "jpeg": _jpeg, "bmp": _bmp, "tiff": _tiff, "dicom": _dicom}
_VOLUMES = {"nifti", "nrrd", "metaimage"}
