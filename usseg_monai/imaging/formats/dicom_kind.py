"""Detects DICOM and the encoding of its elements from the first few hundred bytes.

A DICOM file has 128 free bytes, which may look like any other format, then ``DICM`` (PS3.10, 7.1). Some scanners and archives omit the
preamble, or the file meta information with it, and write the bare data set: the file then begins with its first elements.
"""

from __future__ import annotations

from struct import unpack_from
from typing import NamedTuple

__all__ = ["ALL_VR", "HEAD", "LONG_VR", "Encoding", "data_set_start", "fits_encoding", "guess_encoding", "looks_like_dicom"]

_PREFIX = b"DICM"
LONG_VR = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
ALL_VR = LONG_VR | {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS", b"ST"}
ALL_VR |= {b"TM", b"UI", b"UL", b"US"}
HEAD = 768
"""Bytes at the beginning that are examined."""

_FIRST_GROUPS = (2, 8)  # file meta information; identification, with which data sets of images begin
_FIRST_BYTES = tuple(group.to_bytes(2, order) for group in _FIRST_GROUPS for order in ("little", "big"))
_ELEMENTS = 3  # this many in order are a data set; by chance or in other formats they do not occur


class Encoding(NamedTuple):
    """How elements are written: with implicit or explicit VR, and the byte order."""

    implicit: bool
    little: bool


def looks_like_dicom(head: bytes) -> bool:
    """Whether a file that begins with these bytes is DICOM; a few hundred bytes are enough.

    >>> looks_like_dicom(bytes(128) + b"DICM"), looks_like_dicom(b"II*" + bytes(300))
    (True, False)
    """
    return data_set_start(head) is not None


def data_set_start(head: bytes | memoryview) -> int | None:
    """Offset of the first element, in the file meta information if there is any; ``None`` if this is not DICOM."""
    head = bytes(head[:HEAD])
    if head[128:132] == _PREFIX:
        return 132
    cut = head.find(_PREFIX, 0, 128) + len(_PREFIX)  # fewer free bytes than there should be
    starts = (cut, 0, 128) if cut >= len(_PREFIX) else (0, 128)
    return next((start for start in starts if guess_encoding(head[start:])), None)


def guess_encoding(head: bytes | memoryview) -> Encoding | None:
    """Encoding of a bare data set, from its first elements; ``None`` if they are not elements.

    >>> guess_encoding(bytes.fromhex("0800050043530000 0800080043530000 0800160055490000"))
    Encoding(implicit=False, little=True)
    """
    if bytes(head[:2]) not in _FIRST_BYTES:  # rules out most other files
        return None
    for encoding in (Encoding(False, True), Encoding(True, True), Encoding(False, False), Encoding(True, False)):
        if fits_encoding(head, encoding):
            return encoding
    return None


def fits_encoding(head: bytes | memoryview, encoding: Encoding) -> bool:
    """Whether the bytes begin with three elements of this encoding whose tags rise."""
    head = bytes(head[:HEAD])
    order = "<" if encoding.little else ">"
    at, last, found = 0, -1, 0
    while found < _ELEMENTS and at + 8 <= len(head):
        group, number = unpack_from(f"{order}HH", head, at)
        tag = group << 16 | number
        if tag <= last or (last < 0 and (group not in _FIRST_GROUPS or number > 0x0100)) or group > 0x0060:
            return False
        vr = head[at + 4 : at + 6]
        if encoding.implicit:
            length, begin = unpack_from(f"{order}I", head, at + 4)[0], at + 8
        elif vr not in ALL_VR:
            return False
        elif vr in LONG_VR:
            if at + 12 > len(head):
                break
            length, begin = unpack_from(f"{order}I", head, at + 8)[0], at + 12
        else:
            length, begin = unpack_from(f"{order}H", head, at + 6)[0], at + 8
        if length % 2 or (length > len(head) and found < 2):  # the first elements of a data set are short
            return False
        at, last, found = begin + length, tag, found + 1
    return found >= _ELEMENTS
