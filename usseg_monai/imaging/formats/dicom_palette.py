"""Colour tables of DICOM, plain and segmented (PS3.3, C.7.6.3.1.5 and C.7.9.2), converted to grey values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError
from usseg_monai.geometry.types import GreyArray
from usseg_monai.imaging.formats.dicom_elements import DataSet
from usseg_monai.imaging.grey import to_grey

__all__ = ["TAGS", "Palette", "read_palette"]

_DESCRIPTORS = (0x00281101, 0x00281102, 0x00281103)  # red, green, blue
_TABLES = (0x00281201, 0x00281202, 0x00281203)
_SEGMENTED = (0x00281221, 0x00281222, 0x00281223)
_PRESENTATION = 0x00089205
TAGS = frozenset((*_DESCRIPTORS, *_TABLES, *_SEGMENTED, _PRESENTATION))
"""Elements that describe a palette."""

_MOST_BYTES = 1 << 20
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2


@dataclass(frozen=True)
class Palette:
    """Grey values of a colour table.

    Attributes:
        first: stored value of the first entry.
        grey: float32 ``(entries,)``, in the table's own range.
        supplemental: whether stored values below `first` are grey values, and only the others are colours (PS3.3, C.8.16.2.1.1.1).
    """

    first: int
    grey: GreyArray
    supplemental: bool = False

    def apply(self, stored: npt.NDArray[Any]) -> GreyArray:
        """Grey values of stored values of any shape; values beyond the table take its nearest entry."""
        index = np.clip(stored.astype(np.int64) - self.first, 0, len(self.grey) - 1)
        colours: GreyArray = self.grey[index]
        if not self.supplemental:
            return colours
        return np.where(stored < self.first, stored.astype(np.float32), colours)


def read_palette(dataset: DataSet, interpretation: str, *, signed: bool) -> Palette | None:
    """The palette for pixels of this interpretation; ``None`` if there is none.

    Raises:
        ImageError: a palette is needed but is missing or damaged.
    """
    supplemental = interpretation.startswith("MONOCHROME") and dataset.text(_PRESENTATION) in ("COLOR", "MIXED")
    if interpretation != "PALETTE COLOR" and not (supplemental and _DESCRIPTORS[0] in dataset):
        return None
    kind = "SS" if signed else "US"
    descriptor = dataset.numbers(_DESCRIPTORS[0], kind, 3)
    if descriptor is None or len(descriptor) != 3:
        raise ImageError("PALETTE COLOR without a palette that can be read; export the file again, or save it in grey")
    entries, first, bits = int(descriptor[0]) & 0xFFFF or 1 << 16, int(descriptor[1]), int(descriptor[2])
    columns = [_table(dataset, channel, entries, bits) for channel in range(3)]
    if len({(len(column), column.dtype) for column in columns}) != 1:
        raise ImageError("a palette whose red, green and blue tables differ in length; the file is damaged, export it again")
    grey = to_grey(np.stack(columns, axis=-1)[None])[0]
    if supplemental:
        grey *= np.float32(max(first - 1, 0) / np.iinfo(columns[0].dtype).max)
    return Palette(first, grey, supplemental)


def _table(dataset: DataSet, channel: int, entries: int, bits: int) -> npt.NDArray[Any]:
    segmented = _TABLES[channel] not in dataset
    tag = (_SEGMENTED if segmented else _TABLES)[channel]
    data = dataset.raw(tag, _MOST_BYTES)
    little = tag not in dataset or dataset.elements[tag].encoding.little
    wide = bits > 8 if segmented else len(data) >= 2 * entries  # a plain table of 8 bits may lie in words
    if wide:
        values = np.frombuffer(data[: len(data) // 2 * 2], "<u2" if little else ">u2").astype(np.uint16)
    else:
        values = np.frombuffer(data, np.uint8)
        if not little and dataset.elements[tag].vr == "OW" and len(values) % 2 == 0:
            values = values.reshape(-1, 2)[:, ::-1].ravel()
    if segmented:
        values = _expand(values.tolist(), entries, 2 if wide else 1).astype(values.dtype)
    if len(values) < entries:
        raise ImageError(f"a palette of {entries} colours has {len(values)} entries; the file is damaged, export it again")
    return values[:entries]


def _expand(words: list[int], entries: int, size: int) -> npt.NDArray[np.int64]:
    """Entries of a segmented table, up to the number that the descriptor states."""
    table: list[int] = []
    left = 2 * entries + 1000  # segments; an indirect one repeats others at no cost in bytes

    def segment(at: int, direct: bool) -> int:
        """Add the segment at an offset; returns the offset of the next one."""
        nonlocal left
        left -= 1
        kind, length = words[at], words[at + 1]
        if left < 0 or kind > _INDIRECT or (kind == _INDIRECT and not direct) or (kind == _LINEAR and not table):
            raise IndexError
        if kind == _DISCRETE:
            table.extend(words[at + 2 : at + 2 + length])
            return at + 2 + length
        if kind == _LINEAR:
            table.extend(np.rint(np.linspace(table[-1], words[at + 2], length + 1)[1:]).astype(int).tolist())
            return at + 3
        parts = words[at + 2 : at + 2 + 4 // size]
        offset = sum(part << 8 * size * place for place, part in enumerate(parts)) // size
        for _ in range(length):
            offset = segment(offset, False)
            if len(table) >= entries:
                break
        return at + 2 + 4 // size

    at = 0
    try:
        while len(table) < entries and at + 1 < len(words):
            at = segment(at, True)
    except IndexError:
        raise ImageError("a segmented palette that cannot be followed; the file is damaged, export it again") from None
    return np.asarray(table, np.int64)
