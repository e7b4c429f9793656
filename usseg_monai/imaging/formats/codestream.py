"""Size and type of a compressed frame, read from its headers as the decoder will read them, without decoding it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from struct import error as StructError
from struct import unpack_from

from usseg_monai.errors import ImageError

__all__ = ["Codestream", "check_scans", "read_codestream"]

_JPEG_START = b"\xff\xd8"
_JPEG_2000_START = b"\xff\x4f\xff\x51"
_BOX_START = b"jP  "
_NOT_FRAMES = {0xC4, 0xC8, 0xCC}  # markers between SOF0 and SOF15 that describe tables
_LOSSLESS = {0xC3, 0xC7, 0xCB, 0xCF}
_JPEG_LS_FRAME = 0xF7
_WITHOUT_LENGTH = {0x00, 0x01, *range(0xD0, 0xDA)}  # TEM, RST0 to RST7, SOI, EOI: none may stand in the header of a frame
_SCAN = b"\xff\xda"
_MOST_SCANS = 100  # encoders write up to 12
_MOST_SEGMENTS = 10_000
_MOST_FILL_BYTES = 1000
_MOST_BOXES = 1000
_MOST_TILES = 5000  # each costs the decoder about 9 kB before a pixel is decoded
_MOST_BLOCKS = 300_000  # code-blocks of 16 x 16 pixels of the largest colour frame that is read
_UNREADABLE = "a compressed frame without a readable header; the file is damaged, export it again"


@dataclass(frozen=True)
class Codestream:
    """The header of a compressed frame.

    Attributes:
        kind: ``jpeg``, ``jpeg_lossless``, ``jpeg_ls``, ``jpeg_2000``.
        rows, cols, components: size of the decoder's output.
        precision: bits of a sample.
        signed: whether the samples are signed; only JPEG 2000 can state this.
        stored_as: colour model that the decoder assumes, ``RGB`` or ``YBR``; only for JPEG with three components.
        certain: whether the codestream itself states it (JFIF, Adobe, names of components).
        begin, end: of the bare codestream within the frame, without the boxes of a JP2 file.
    """

    kind: str
    rows: int
    cols: int
    components: int
    precision: int
    signed: bool = False
    stored_as: str = ""
    certain: bool = False
    begin: int = 0
    end: int = 0


def read_codestream(frame: bytes | memoryview) -> Codestream:
    """Header of a JPEG (of any process), JPEG-LS or JPEG 2000 codestream, the latter also in a JP2 file.

    Raises:
        ImageError: the header of the frame is none of these, damaged, or asks for more than any encoder writes.
    """
    try:
        if frame[:2] == _JPEG_START:
            return _read_jpeg(frame)
        begin, end = _bare_codestream(frame)
        if frame[begin : begin + 4] == _JPEG_2000_START:
            return _read_jpeg_2000(frame, begin, end)
    except (StructError, IndexError):
        pass
    raise ImageError(_UNREADABLE)


def check_scans(data: bytes | memoryview) -> None:
    """Refuse a progressive JPEG of hundreds of scans: each takes a few bytes and costs a pass over the whole picture.

    Raises:
        ImageError: more than 100 scans.
    """
    scans = sum(1 for _ in re.finditer(_SCAN, data))  # within pixel data a byte 0xFF is always followed by 0
    if scans > _MOST_SCANS:
        raise ImageError(f"{scans} scans of a JPEG, at most {_MOST_SCANS} are read; save the picture again")


def _read_jpeg(frame: bytes | memoryview) -> Codestream:
    at, fill, found, jfif, adobe = 2, 0, None, False, None
    for _ in range(_MOST_SEGMENTS):
        while frame[at] == 0xFF and frame[at + 1] == 0xFF:  # a marker may be preceded by fill bytes
            at, fill = at + 1, fill + 1
            if fill > _MOST_FILL_BYTES:
                raise ImageError(f"more than {_MOST_FILL_BYTES} fill bytes in a JPEG; export the file again")
        if frame[at] != 0xFF or frame[at + 1] in _WITHOUT_LENGTH:
            break
        marker, length = frame[at + 1], unpack_from(">H", frame, at + 2)[0]
        if length < 2:
            break
        if (0xC0 <= marker <= 0xCF and marker not in _NOT_FRAMES) or marker == _JPEG_LS_FRAME:
            if found is not None:
                raise ImageError("a compressed frame that declares two sizes; the file is damaged, export it again")
            precision, rows, cols, components = unpack_from(">BHHB", frame, at + 4)
            names = bytes(frame[at + 10 : at + 10 + 3 * components : 3])
            kind = "jpeg_ls" if marker == _JPEG_LS_FRAME else "jpeg_lossless" if marker in _LOSSLESS else "jpeg"
            found = kind, rows, cols, components, precision, names
        elif marker == 0xE0 and frame[at + 4 : at + 8] == b"JFIF":
            jfif = True
        elif marker == 0xEE and frame[at + 4 : at + 9] == b"Adobe" and length >= 14:
            adobe = frame[at + 15]
        elif marker == 0xDA and found is not None:
            kind, rows, cols, components, precision, names = found
            as_rgb = not jfif and (names in (b"RGB", b"rgb") if adobe is None else adobe == 0)
            certain = jfif or adobe is not None or as_rgb
            stored_as = "" if components != 3 else "RGB" if as_rgb else "YBR"
            return Codestream(kind, rows, cols, components, precision, False, stored_as, certain, 0, len(frame))
        at += 2 + length
    raise ImageError(_UNREADABLE)


def _bare_codestream(frame: bytes | memoryview) -> tuple[int, int]:
    """Begin and end of the codestream: the whole frame, or the box ``jp2c`` anywhere in a JP2 file."""
    if frame[4:8] != _BOX_START:
        return 0, len(frame)
    at = 0
    for _ in range(_MOST_BOXES):
        length, name, header = unpack_from(">I", frame, at)[0], frame[at + 4 : at + 8], 8
        if length == 1:
            length, header = unpack_from(">Q", frame, at + 8)[0], 16
        end = len(frame) if length == 0 else at + length
        if name == b"jp2c":
            return at + header, min(end, len(frame))
        if end < at + header:
            break
        at = end
    raise ImageError(_UNREADABLE)


def _read_jpeg_2000(frame: bytes | memoryview, begin: int, end: int) -> Codestream:
    right, bottom, left, top, tile_width, tile_height, tile_left, tile_top = unpack_from(">8I", frame, begin + 8)
    components, kind = unpack_from(">HB", frame, begin + 40)
    if not (tile_width and tile_height and left < right and top < bottom and tile_left <= left and tile_top <= top):
        raise ImageError(_UNREADABLE)
    tiles = -(-(right - tile_left) // tile_width) * -(-(bottom - tile_top) // tile_height)
    if tiles > _MOST_TILES:
        raise ImageError(f"a JPEG 2000 frame of {tiles} tiles, at most {_MOST_TILES} are read; export the file with larger tiles")
    rows, cols = bottom - top, right - left
    _check_blocks(frame, begin, rows, cols, components)
    return Codestream("jpeg_2000", rows, cols, components, (kind & 0x7F) + 1, kind > 0x7F, begin=begin, end=end)


def _check_blocks(frame: bytes | memoryview, begin: int, rows: int, cols: int, components: int) -> None:
    """Bound code-blocks and precincts: they are allocated before decoding, in sizes that the file states (ISO/IEC 15444-1, A.6.1)."""
    at = begin + 2
    for _ in range(_MOST_SEGMENTS):
        marker, length = unpack_from(">HH", frame, at)
        if marker == 0xFF90 or length < 2:  # the first tile
            return
        if marker == 0xFF52:
            own_precincts, levels, block_width, block_height = frame[at + 4] & 1, frame[at + 9], frame[at + 10] + 2, frame[at + 11] + 2
            count = (-(-cols >> block_width)) * (-(-rows >> block_height))
            for level in range(levels + 1 if own_precincts else 0):
                size, scale = frame[at + 14 + level], levels - level
                count += (-(-cols >> scale >> (size & 15))) * (-(-rows >> scale >> (size >> 4)))
            if count * components > _MOST_BLOCKS:
                raise ImageError(f"a JPEG 2000 frame of {count * components} code-blocks; export the file with larger code-blocks")
        at += 2 + length
