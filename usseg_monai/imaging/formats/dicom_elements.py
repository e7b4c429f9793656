"""Parses the elements of a DICOM data set from raw bytes at a bounded cost.

pydicom parses sequences of undefined length that were not requested, and parses values completely before it counts their numbers: a file
of 2 MB takes seconds and hundreds of megabytes. Here unwanted elements are skipped, a sequence is entered only when its items are
requested, and values are counted by their length before they are parsed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from struct import Struct, unpack_from
from typing import NamedTuple

from usseg_monai.errors import ImageError
from usseg_monai.imaging.formats.dicom_kind import ALL_VR, LONG_VR, Encoding

__all__ = ["UNDEFINED", "Budget", "DataSet", "Element", "ItemPlace", "read_elements"]

UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXEL_GROUP = 0x7FE0
_MOST_ELEMENTS = 500_000  # an enhanced file of 5000 frames that leaves all lengths undefined has about 300,000
_MOST_LEVELS = 64
_LONGEST_NUMBER = 64  # bytes; the standard allows 16 (PS3.5, 6.2)
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_BINARY = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
_SIZE = {"H": 2, "h": 2, "I": 4, "i": 4, "f": 4, "d": 8, "Q": 8, "q": 8}
_NAMES = {vr: vr.decode() for vr in ALL_VR}
_SHORT_LITTLE, _SHORT_BIG = Struct("<HH2sH").unpack_from, Struct(">HH2sH").unpack_from
_LONG_LITTLE, _LONG_BIG = Struct("<I").unpack_from, Struct(">I").unpack_from
_BYTES = {"", "OB", "OW", "UN"}  # do not state the type of the value: the dictionary does


class Budget:
    """Counts the elements visited in one file."""

    def __init__(self, most: int = _MOST_ELEMENTS) -> None:
        self._most = self._left = most

    def spend(self) -> None:
        """Raise `ImageError` when the file has more elements than are read."""
        self._left -= 1
        if self._left < 0:
            raise ImageError(f"more than {self._most} elements in the DICOM header; export the file again, or take its frames apart")


class Element(NamedTuple):
    """Where the value of an element lies.

    Attributes:
        vr: as the file states it, empty in Implicit VR.
        begin, end: of the value in the file; the end of a value of undefined length includes its delimiter.
        undefined: whether the length is undefined.
        encoding: of the elements inside, if it is a sequence.
    """

    vr: str
    begin: int
    end: int
    undefined: bool
    encoding: Encoding


class ItemPlace(NamedTuple):
    """Where an item of a sequence lies, and how its elements are encoded."""

    begin: int
    end: int
    encoding: Encoding


@dataclass
class DataSet:
    """Wanted elements of a data set or an item, by tag.

    Attributes:
        data: the whole file.
        elements: those that were found.
        budget: of the file.
    """

    data: memoryview
    elements: Mapping[int, Element] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)

    def __contains__(self, tag: int) -> bool:
        return tag in self.elements

    def raw(self, tag: int, most: int = 4096) -> bytes:
        """Bytes of a value, empty if the element is missing or longer than `most`."""
        element = self.elements.get(tag)
        if element is None or element.end - element.begin > most:
            return b""
        return bytes(self.data[element.begin : element.end])

    def text(self, tag: int, most: int = 128) -> str:
        """A value as text without padding, empty if it is missing or longer than `most` bytes."""
        return self.raw(tag, most).decode("latin-1").strip("\0 \t\r\n")

    def numbers(self, tag: int, vr: str, most: int = 64) -> tuple[float, ...] | None:
        """The numbers of an element; ``None`` if it is missing, empty, has more than `most`, or contains anything but finite numbers.

        Args:
            tag: of the element.
            vr: its type in the dictionary, ``DS`` for any text.
            most: largest number of values.
        """
        element = self.elements.get(tag)
        if element is None or element.undefined:
            return None
        kind = _BINARY.get(element.vr) or (_BINARY.get(vr) if element.vr in _BYTES else None)
        length = element.end - element.begin
        if kind is not None:
            count, rest = divmod(length, _SIZE[kind])
            if rest or not 0 < count <= most:
                return None
            order = "<" if element.encoding.little else ">"
            values = tuple(map(float, unpack_from(f"{order}{count}{kind}", self.data, element.begin)))
        else:
            if length > most * _LONGEST_NUMBER:
                return None
            parts = [part.strip("\0 \t\r\n") for part in bytes(self.data[element.begin : element.end]).decode("latin-1").split("\\")]
            if len(parts) > most or not all(map(_NUMBER.fullmatch, parts)):
                return None
            values = tuple(float(part.replace(",", ".")) for part in parts)  # some writers use a decimal comma
        return values if all(map(math.isfinite, values)) else None

    def number(self, tag: int, vr: str) -> float | None:
        """The number of an element that holds exactly one."""
        values = self.numbers(tag, vr, 1)
        return None if values is None else values[0]

    def places(self, tag: int, most: int) -> list[ItemPlace]:
        """Where the first `most` items of a sequence lie; empty if there is no sequence."""
        element = self.elements.get(tag)
        if element is None or element.vr not in ("SQ", "UN", ""):
            return []
        return list(islice(_items(self.data, element, Budget()), most))

    def items(self, tag: int, most: int, wanted: frozenset[int]) -> Iterator[DataSet]:
        """The first `most` items of a sequence, each with its wanted elements."""
        for place in self.places(tag, most):
            yield read_elements(self.data, *place, wanted, self.budget)[0]

    def first(self, tag: int, wanted: frozenset[int]) -> DataSet:
        """First item of a sequence; an empty data set if there is none."""
        return next(self.items(tag, 1, wanted), DataSet(self.data, {}, self.budget))


def read_elements(
    data: memoryview, begin: int, end: int, encoding: Encoding, wanted: frozenset[int], budget: Budget, last_group: int = 0xFFFF
) -> tuple[DataSet, int]:
    """Wanted elements from `begin` to `end` or the first element of a group beyond `last_group`, and the offset of that end.

    Nothing after the pixels is read. A truncated file gives its complete elements, and as much of its pixels as there is.
    """
    found: dict[int, Element] = {}
    at = begin
    while at + 8 <= end:
        budget.spend()
        header = _header(data, at, end, encoding)
        if header is None or header.tag == _ITEM_END or header.tag >> 16 > last_group:
            break
        tag, vr, value, length = header
        if length == UNDEFINED:
            inside = Encoding(True, True) if vr == "UN" else encoding  # PS3.5, 6.2.2
            after = _skip(data, value, end, inside, budget) if tag >> 16 != _PIXEL_GROUP else end
            element = Element("SQ" if vr == "UN" else vr, value, after, True, inside)
        else:
            after = value + length
            if after > end:
                if tag >> 16 != _PIXEL_GROUP:
                    break
                after = end
            element = Element(vr, value, after, False, encoding)
        if tag in wanted:
            found.setdefault(tag, element)
        at = after
        if tag >= 0x7FE00010:
            break
    return DataSet(data, found, budget), at


class _Header(NamedTuple):
    tag: int
    vr: str
    value: int
    length: int


def _header(data: memoryview, at: int, end: int, encoding: Encoding) -> _Header | None:
    """Tag, type, place and length of the element at an offset; ``None`` if the bytes end early."""
    implicit, little = encoding
    group, number, vr, short = (_SHORT_LITTLE if little else _SHORT_BIG)(data, at)
    tag = group << 16 | number
    name = "" if implicit or group == 0xFFFE else _NAMES.get(vr, "")
    if not name and not (vr.isalpha() and vr.isupper() and not implicit):  # Implicit VR, also of an element among others
        return _Header(tag, "", at + 8, (_LONG_LITTLE if little else _LONG_BIG)(data, at + 4)[0])
    if vr in LONG_VR:
        return None if at + 12 > end else _Header(tag, name, at + 12, (_LONG_LITTLE if little else _LONG_BIG)(data, at + 8)[0])
    return _Header(tag, name, at + 8, short)


def _items(data: memoryview, element: Element, budget: Budget) -> Iterator[ItemPlace]:
    """Place of each item of a sequence."""
    at, end = element.begin, element.end
    order = "<HHI" if element.encoding.little else ">HHI"
    while at + 8 <= end:
        budget.spend()
        group, number, length = unpack_from(order, data, at)
        if group << 16 | number != _ITEM:
            return
        begin = at + 8
        encoding = _item_encoding(data, begin, end, element.encoding)
        at = _skip_item(data, begin, end, encoding, budget) if length == UNDEFINED else begin + length
        yield ItemPlace(begin, min(at, end), encoding)


def _item_encoding(data: memoryview, begin: int, end: int, encoding: Encoding) -> Encoding:
    """Encoding of an item: some writers put Implicit VR items into a file of Explicit VR."""
    if encoding.implicit or begin + 8 > end:
        return encoding
    group = unpack_from("<H" if encoding.little else ">H", data, begin)[0]
    return encoding if group == 0xFFFE or bytes(data[begin + 4 : begin + 6]) in ALL_VR else Encoding(True, encoding.little)


def _skip(data: memoryview, begin: int, end: int, encoding: Encoding, budget: Budget) -> int:
    """Where a sequence of undefined length ends, without recursion, as the file decides how deep it is."""
    return _walk_out(data, begin, end, [(_SEQUENCE_END, encoding)], budget)


def _skip_item(data: memoryview, begin: int, end: int, encoding: Encoding, budget: Budget) -> int:
    return _walk_out(data, begin, end, [(_ITEM_END, encoding)], budget)


def _walk_out(data: memoryview, at: int, end: int, levels: list[tuple[int, Encoding]], budget: Budget) -> int:
    while levels and at + 8 <= end:
        budget.spend()
        delimiter, encoding = levels[-1]
        header = _header(data, at, end, encoding)
        if header is None:
            return end
        tag, vr, value, length = header
        if tag == delimiter:
            levels.pop()
            at = value
        elif length != UNDEFINED:
            at = value + length
        else:
            if len(levels) == _MOST_LEVELS:
                raise ImageError(f"sequences nested more than {_MOST_LEVELS} deep; the DICOM file is damaged, export it again")
            if delimiter == _SEQUENCE_END:
                levels.append((_ITEM_END, _item_encoding(data, value, end, encoding)))
            else:
                levels.append((_SEQUENCE_END, Encoding(True, True) if vr == "UN" else encoding))
            at = value
    return min(at, end)
