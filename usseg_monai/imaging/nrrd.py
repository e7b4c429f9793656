"""NRRD files that hold their samples (``.nrrd``), raw or gzip.

The format: https://teem.sourceforge.net/nrrd/format.html. A reader of its own, because ITK is large, and reads whatever a header declares.
Key/value pairs, where exporters put names of patients, are not looked at.
"""

from __future__ import annotations

import math
import re

import numpy as np

from usseg_monai.errors import ImageError
from usseg_monai.imaging.frames import Frames
from usseg_monai.imaging.image import Spacing
from usseg_monai.imaging.limits import Limits
from usseg_monai.imaging.volume import Inflated, Plain, Volume, trusted_spacing

MAGIC = b"NRRD000"
_LONGEST_HEADER = 1 << 16
_TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"), "i8"),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}
_AXIS_KINDS = {"domain", "space", "time", "list", "none", "???"}  # every other kind of a first axis is a pixel's channels
_VECTOR = re.compile(r"none|\(([^()]*)\)")


def open_nrrd(data: bytes, limits: Limits) -> Frames:
    """Open an NRRD file.

    Args:
        data: the whole file.
        limits: bounds of a frame and of the file.
    """
    fields, offset = _header(data)
    if "data file" in fields or "datafile" in fields:
        raise ImageError("the samples are in another file; save header and samples together as .nrrd")
    if any(int(fields.get(skip, "0")) for skip in ("line skip", "lineskip", "byte skip", "byteskip")):
        raise ImageError("a header with 'line skip' or 'byte skip' is not read; save the file again without")
    if fields["type"] not in _TYPES:
        raise ImageError(f"samples of type {fields['type'][:20]!r}: only whole and real numbers are read")
    encoding = fields["encoding"]
    if encoding not in ("raw", "gzip", "gz"):
        raise ImageError(f"encoding {encoding[:20]!r}: only raw and gzip are read")
    size = tuple(map(int, fields["sizes"].split()))
    kinds = fields.get("kinds", "").split()
    first = 1 if kinds and kinds[0].lower() not in _AXIS_KINDS else 0
    order = ">" if fields.get("endian") == "big" else "<"
    samples = memoryview(data)[offset:]
    return Volume(
        format="nrrd",
        size=size[first:],
        dtype=np.dtype(order + _TYPES[fields["type"]]),
        bytes=Plain(samples) if encoding == "raw" else Inflated(samples),
        channels=size[0] if first else 1,
        spacing_mm=_spacing(fields, first),
    ).frames(limits)


def _header(data: bytes) -> tuple[dict[str, str], int]:
    """Fields by lower-case name, and where the samples begin: behind the first empty line."""
    head = data[:_LONGEST_HEADER]
    end = re.search(rb"\r?\n\r?\n", head)
    if end is None:
        raise ImageError("no end of the NRRD header was found; the file is damaged, export it again")
    fields: dict[str, str] = {}
    for line in head[: end.start()].decode("utf-8", "replace").splitlines()[1:]:
        name, separator, value = line.partition(": ")
        if separator and not line.startswith("#"):
            fields[name.strip().lower()] = value.strip().lower()
    missing = [name for name in ("type", "sizes", "encoding") if name not in fields]
    if missing:
        raise ImageError(f"the NRRD header has no field {missing[0]!r}; the file is damaged, export it again")
    return fields, end.end()


def _spacing(fields: dict[str, str], first: int) -> Spacing | None:
    if any(unit not in ("mm", "none", "???", "") for unit in re.findall(r'"([^"]*)"', fields.get("space units", ""))):
        return None
    if "space directions" in fields:
        vectors = list(_VECTOR.findall(fields["space directions"]))[first : first + 2]
        steps = [math.hypot(*map(float, vector.split(","))) if vector else math.nan for vector in vectors]
    else:
        steps = [float(step) for step in fields.get("spacings", "").split()[first : first + 2]]
    return trusted_spacing(steps[1], steps[0]) if len(steps) == 2 else None
