"""MetaImage files that hold their samples (``.mha``), raw or compressed.

The format: https://itk.org/Wiki/ITK/MetaIO/Documentation. A reader of its own, because ITK is large, and reads whatever a header declares.
"""

from __future__ import annotations

import numpy as np

from usseg_monai.errors import ImageError
from usseg_monai.imaging.frames import Frames
from usseg_monai.imaging.limits import Limits
from usseg_monai.imaging.volume import Inflated, Plain, Volume, trusted_spacing

_LONGEST_HEADER = 1 << 16
_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}


def is_metaimage(head: bytes) -> bool:
    """Whether a file begins as MetaImage headers do."""
    return head.replace(b" ", b"").startswith((b"ObjectType=Image", b"NDims="))


def open_metaimage(data: bytes, limits: Limits) -> Frames:
    """Open a MetaImage file.

    Args:
        data: the whole file.
        limits: bounds of a frame and of the file.
    """
    fields, offset = _header(data)
    if fields["ElementDataFile"].upper() != "LOCAL":
        raise ImageError("the samples are in another file; save header and samples together as .mha")
    if fields["ElementType"] not in _TYPES:
        raise ImageError(f"samples of type {fields['ElementType'][:20]!r}: only whole and real numbers are read")
    if not _flag(fields, "BinaryData", default=True):
        raise ImageError("samples written as text are not read; save the file again as binary")
    big_endian = _flag(fields, "BinaryDataByteOrderMSB") or _flag(fields, "ElementByteOrderMSB")
    samples = memoryview(data)[offset:]
    steps = [float(step) for step in fields.get("ElementSpacing", "").split()]
    return Volume(
        format="metaimage",
        size=tuple(map(int, fields["DimSize"].split())),
        dtype=np.dtype((">" if big_endian else "<") + _TYPES[fields["ElementType"]]),
        bytes=Inflated(samples) if _flag(fields, "CompressedData") else Plain(samples),
        channels=int(fields.get("ElementNumberOfChannels", "1")),
        spacing_mm=trusted_spacing(steps[1], steps[0]) if len(steps) >= 2 else None,
    ).frames(limits)


def _header(data: bytes) -> tuple[dict[str, str], int]:
    """Fields by name, and where the samples begin: behind the line ``ElementDataFile``, which is the last one."""
    fields: dict[str, str] = {}
    start = 0
    while "ElementDataFile" not in fields:
        end = data.find(b"\n", start, _LONGEST_HEADER)
        if end < 0:
            raise ImageError("no end of the MetaImage header was found; the file is damaged, export it again")
        name, _, value = data[start:end].decode("utf-8", "replace").partition("=")
        fields[name.strip()] = value.strip()
        start = end + 1
    missing = [name for name in ("DimSize", "ElementType") if name not in fields]
    if missing:
        raise ImageError(f"the MetaImage header has no field {missing[0]!r}; the file is damaged, export it again")
    return fields, start


def _flag(fields: dict[str, str], name: str, *, default: bool = False) -> bool:
    return fields[name].lower() in ("true", "1", "yes") if name in fields else default
