"""What a compressed frame asks for, read from its headers without decoding it."""

from __future__ import annotations

import re
from struct import unpack_from

from usseg_monai.errors import ImageError

_JPEG_START = b"\xff\xd8"
_JPEG_2000_START = b"\xff\x4f\xff\x51"
_NOT_FRAMES = {0xC4, 0xC8, 0xCC}  # markers between SOF0 and SOF15 that describe tables
_JPEG_LS_FRAME = 0xF7
_SCAN = b"\xff\xda"
_MOST_SCANS = 100  # encoders write up to 12


def codestream_size(frame: bytes) -> tuple[int, int]:
    """Rows and columns of a JPEG (of any process), JPEG-LS or JPEG 2000 codestream.

    Raises:
        ImageError: the header of the frame is none of these, or damaged.
    """
    if frame.startswith(_JPEG_START):
        at = 2
        while at + 9 <= len(frame) and frame[at] == 0xFF:
            marker, length = frame[at + 1], unpack_from(">H", frame, at + 2)[0]
            if (0xC0 <= marker <= 0xCF and marker not in _NOT_FRAMES) or marker == _JPEG_LS_FRAME:
                rows, cols = unpack_from(">HH", frame, at + 5)
                return rows, cols
            at += 1 if marker == 0xFF else 2 + length  # a marker may be preceded by any number of 0xFF
    start = frame.find(_JPEG_2000_START, 0, 256)  # behind the boxes of a JP2 file, should there be any
    if start >= 0 and len(frame) >= start + 24:
        right, bottom, left, top = unpack_from(">4I", frame, start + 8)
        return bottom - top, right - left
    raise ImageError("a compressed frame without a readable header; the file is damaged, export it again")


def check_scans(data: bytes | memoryview) -> None:
    """Refuse a progressive JPEG of hundreds of scans: each costs a pass over the whole picture, and a few bytes.

    Raises:
        ImageError: more than 100 scans.
    """
    scans = sum(1 for _ in re.finditer(_SCAN, data))  # within pixel data a byte 0xFF is always followed by 0
    if scans > _MOST_SCANS:
        raise ImageError(f"{scans} scans of a JPEG, at most {_MOST_SCANS} are read; save the picture again")
