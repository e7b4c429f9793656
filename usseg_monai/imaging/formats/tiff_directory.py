"""The directories of a TIFF: read without decoding pixels, and bounded by the size of the file.

The format: TIFF 6.0 (Adobe, 1992); BigTIFF: http://www.simplesystems.org/libtiff/bigtiff.html.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct, unpack_from

from usseg_monai.errors import ImageError

__all__ = ["Page", "read_directories", "stacked_pictures"]

_MOST_TAGS = 1000  # of one directory; writers use up to a hundred
_SHARED = 4  # times the file size that tags may point to: several pages share a profile or a colour table
_MOST_SEGMENTS = 1 << 16  # strips or tiles of one picture: tiles of 16 x 16, the smallest size, in the largest picture
_LONGEST_TEXT = 1 << 16
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}  # of each type of value
_LETTERS = {1: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}

_SUBFILE, _OLD_SUBFILE, _DESCRIPTION, _STK_PLANES, _DEPTH = 254, 255, 270, 33629, 32997
_REDUCED, _MASK, _OLD_REDUCED = 1, 4, 2


@dataclass(frozen=True)
class Page:
    """One directory.

    Attributes:
        data: the whole file.
        order: ``<`` or ``>``, as in `struct`.
        number: in the chain, from 0.
        tags: maps the number of a tag to type, count, and offset of its values.
    """

    data: memoryview
    order: str
    number: int
    tags: dict[int, tuple[int, int, int]]

    def values(self, tag: int, default: tuple[int, ...] = (), *, most: int = _MOST_SEGMENTS) -> tuple[int, ...]:
        """Whole numbers of a tag."""
        if tag not in self.tags:
            return default
        kind, count, at = self.tags[tag]
        if kind not in _LETTERS or count > most:
            raise ImageError(f"tag {tag} of a TIFF has {count} values of type {kind}; at most {most} whole numbers are read; save it again")
        return unpack_from(f"{self.order}{count}{_LETTERS[kind]}", self.data, at)

    def value(self, tag: int, default: int) -> int:
        """The first number of a tag."""
        return (*self.values(tag)[:1], default)[0]

    def text(self) -> str:
        """The writer's description of the picture."""
        kind, count, at = self.tags.get(_DESCRIPTION, (2, 0, 0))
        return bytes(self.data[at : at + min(count, _LONGEST_TEXT)]).decode("utf-8", "replace") if kind == 2 else ""

    @property
    def is_picture(self) -> bool:
        """Whether it is neither a smaller copy of another picture nor a mask of its transparency."""
        return not (self.value(_SUBFILE, 0) & (_REDUCED | _MASK) or self.value(_OLD_SUBFILE, 0) == _OLD_REDUCED)


def read_directories(data: bytes | memoryview, most: int) -> list[Page]:
    """The directories of the chain, at most one more than `most`.

    Raises:
        ImageError: a directory of more than a thousand tags, or directories that overlap. `struct.error` if the file ends early.
    """
    view = memoryview(data)
    order = "<" if bytes(view[:2]) == b"II" else ">"
    big = 43 in bytes(view[2:4])
    counter, pointer, start = (Struct(order + "Q"), Struct(order + "Q"), 8) if big else (Struct(order + "H"), Struct(order + "I"), 4)
    pages: list[Page] = []
    seen: set[int] = set()
    taken = 0
    (at,) = pointer.unpack_from(view, start)
    while at and at not in seen and len(seen) <= most:
        seen.add(at)
        (count,) = counter.unpack_from(view, at)
        if count > _MOST_TAGS:
            raise ImageError(f"a directory of {count} tags; at most {_MOST_TAGS} are read; save the picture again")
        tags: dict[int, tuple[int, int, int]] = {}
        for tag, kind, values, where in _entries(view, order, big, at + counter.size, count):
            size = values * _BYTES.get(kind, 1)
            taken += size
            if where + size <= len(view):
                tags.setdefault(tag, (kind, values, where))
        pages.append(Page(view, order, len(pages), tags))
        taken += (20 if big else 12) * count
        if taken > _SHARED * len(view):
            raise ImageError(f"its directories take more than {_SHARED} times the bytes of the file: they overlap; save it again")
        (at,) = pointer.unpack_from(view, at + counter.size + (20 if big else 12) * count)
    return pages


def _entries(view: memoryview, order: str, big: bool, at: int, count: int) -> Iterator[tuple[int, int, int, int]]:
    """Tag, type, number of values, and offset of these."""
    entry, inline = (Struct(order + "HHQQ"), 8) if big else (Struct(order + "HHII"), 4)
    for start in range(at, at + count * entry.size, entry.size):
        tag, kind, values, pointer = entry.unpack_from(view, start)
        yield tag, kind, values, pointer if values * _BYTES.get(kind, 1) > inline else start + entry.size - inline


def stacked_pictures(pages: list[Page]) -> int:
    """Number of pictures that a single directory describes; 1 if every picture has its own.

    ImageJ writes the pictures of a large stack one after the other, with a directory for the first and their number in its description;
    tifffile can do the same.

    Raises:
        ImageError: a kind of stack that is not read.
    """
    if len(pages) != 1:
        return 1
    page, text = pages[0], pages[0].text()
    for tag, name in ((_STK_PLANES, "a MetaMorph stack"), (_DEPTH, "a TIFF volume")):
        depth = page.tags[tag][1] if tag == _STK_PLANES and tag in page.tags else page.value(tag, 1) if tag == _DEPTH else 1
        if depth > 1:
            raise ImageError(f"{name} of {depth} pictures in one directory, which is not read; save it with one page per picture")
    if text.startswith("ImageJ=") and (told := re.search(r"^images=(\d{1,9})\s*$", text, re.MULTILINE)):
        return max(1, int(told[1]))
    if text.startswith('{"shape"') and '"truncated": true' in text:
        shape = json.loads(text.rstrip("\0"))["shape"]
        own = 3 if page.value(277, 1) > 1 else 2
        count = 1
        for length in shape[:-own]:
            count *= int(length)
        return max(1, count)
    return 1
