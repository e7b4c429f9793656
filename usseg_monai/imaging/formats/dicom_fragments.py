"""Encapsulated pixels: locates the bytes of each frame, once for the whole file (PS3.5, A.4)."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from struct import unpack_from

from usseg_monai.errors import ImageError

__all__ = ["Fragments", "begins_with_items"]

_ITEM = b"\xfe\xff\x00\xe0"
_MOST_FRAGMENTS = 200_000
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ")  # JPEG and JPEG-LS, JPEG 2000, JP2
_CUT = "the compressed pixels are cut or damaged; copy or export the file again"


@dataclass(frozen=True)
class Fragments:
    """Fragments of the compressed pixels.

    Attributes:
        data: the whole file.
        places: ``(begin, end)`` of each fragment in the file.
        offsets: of the frames, counted from the first fragment's item, from the offset table; empty if there is none.
    """

    data: memoryview
    places: list[tuple[int, int]]
    offsets: list[int]

    @classmethod
    def of(cls, data: memoryview, begin: int, end: int, extended: bytes = b"") -> Fragments:
        """Read the items in the value of PixelData.

        Args:
            data: the whole file.
            begin, end: of the value; the end may lie behind its delimiter.
            extended: value of the ExtendedOffsetTable, which replaces the basic one.
        """
        if bytes(data[begin : begin + 4]) != _ITEM or begin + 8 > end:
            raise ImageError(_CUT)
        table = unpack_from("<I", data, begin + 4)[0]
        at = begin + 8 + table
        if at > end or table > 4 * _MOST_FRAGMENTS or len(extended) > 8 * _MOST_FRAGMENTS:
            raise ImageError(_CUT)
        offsets = list(unpack_from(f"<{table // 4}I", data, begin + 8))
        if extended:
            offsets = list(unpack_from(f"<{len(extended) // 8}Q", extended))
        places: list[tuple[int, int]] = []
        while at + 8 <= end and bytes(data[at : at + 4]) == _ITEM:
            length = unpack_from("<I", data, at + 4)[0]
            places.append((at + 8, min(at + 8 + length, end)))
            at += 8 + length
            if len(places) > _MOST_FRAGMENTS:
                raise ImageError(f"more than {_MOST_FRAGMENTS} fragments of compressed pixels; export the file again")
        return cls(data, places, offsets)

    def frames(self, declared: int | None) -> list[range]:
        """Fragments of each frame.

        Args:
            declared: number of frames stated in the header, ``None`` if it states none.
        """
        count = len(self.places)
        if not count:
            raise ImageError(_CUT)
        if declared == 1:
            return [range(count)]
        starts = self._starts_by_table()
        if not starts or (declared is not None and len(starts) < declared):
            starts = list(range(count)) if count == declared else self._starts_by_content()
        if declared is not None and len(starts) < declared:
            raise ImageError(f"{len(starts)} compressed frames, {declared} were declared; the file is cut, copy or export it again")
        return [range(first, last) for first, last in zip(starts, [*starts[1:], count], strict=True)][:declared]

    def view(self, fragments: range, most: int) -> memoryview:
        """Bytes of a frame, copied only if it has several fragments; `ImageError` if there are none, or more than `most`."""
        parts = [self.places[index] for index in fragments]
        length = sum(end - begin for begin, end in parts)
        if length == 0:
            raise ImageError(_CUT)
        if length > most:
            raise ImageError(f"a compressed frame of {length} bytes, larger than its pixels; export the file again")
        if len(parts) == 1:
            return self.data[slice(*parts[0])]
        return memoryview(b"".join(self.data[begin:end] for begin, end in parts))

    def _starts_by_table(self) -> list[int]:
        """First fragment of each frame by the offset table; empty if the table does not fit the fragments."""
        if not self.places or len(self.offsets) < 2:
            return []
        origin = self.places[0][0] - 8
        begins = [begin - 8 - origin for begin, _ in self.places]
        starts = [bisect_left(begins, offset) for offset in self.offsets]
        exact = all(start < len(begins) and begins[start] == offset for start, offset in zip(starts, self.offsets, strict=True))
        rising = all(first < second for first, second in pairwise(starts))
        return starts if exact and rising and starts[0] == 0 else []

    def _starts_by_content(self) -> list[int]:
        """Fragments that begin like a codestream; all of them, unless the first does (RLE has one fragment per frame)."""
        starts = [index for index, (begin, _) in enumerate(self.places) if bytes(self.data[begin : begin + 8]).startswith(_STARTS)]
        return starts if starts[:1] == [0] else list(range(len(self.places)))


def begins_with_items(data: memoryview, begin: int, end: int) -> bool:
    """Whether a value begins with an offset table and a fragment although its length is stated."""
    if end - begin < 24 or bytes(data[begin : begin + 4]) != _ITEM:
        return False
    fragment = begin + 8 + unpack_from("<I", data, begin + 4)[0]
    return fragment + 8 <= end and bytes(data[fragment : fragment + 4]) == _ITEM
