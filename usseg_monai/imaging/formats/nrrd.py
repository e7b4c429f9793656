"""NRRD files that hold their samples (``.nrrd``), raw or gzip.

The format: https://teem.sourceforge.net/nrrd/format.html. This reader exists because ITK is large and reads whatever a header declares.
Key/value pairs, where exporters put names of patients, are not read.

Rows, columns and slices are the axes of kind ``domain`` or, if no kinds are given, the axes with a direction in space, in any position. An
axis of a list or of time counts phases; an axis of a colour or vector holds the samples of a pixel.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np

from usseg_monai.errors import ImageError
from usseg_monai.imaging.formats.axes import Axes, Grid, Vector, find_axes, frame_place
from usseg_monai.imaging.formats.volume import Inflated, Plain, Volume
from usseg_monai.imaging.frames import Frames
from usseg_monai.imaging.limits import Limits

__all__ = ["MAGIC", "open_nrrd"]

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
_SPACE_KINDS = {"domain", "space"}
_LIST_KINDS = {"list", "time", "point", "scalar", "stub"}
_COLOUR_KINDS = {"vector", "rgb-color", "rgba-color", "3-color", "4-color"}
_UNKNOWN_KINDS = {"none", "???"}
_UNITS_MM = {"mm", "none", "???", ""}
_MILLISECONDS = {"s": 1000.0, "sec": 1000.0, "ms": 1.0, "msec": 1.0, "us": 0.001, "usec": 0.001}
_VECTOR = re.compile(r"none|\(([^()]*)\)")


def open_nrrd(data: bytes | memoryview, limits: Limits) -> Frames:
    """Open an NRRD file.

    Args:
        data: the whole file.
        limits: bounds of a frame and of the file.
    """
    fields, offset = _header(data)
    if "data file" in fields or "datafile" in fields:
        raise ImageError("the header of an NRRD file whose samples are in another file, which is not opened; save both together as .nrrd")
    if any(int(fields.get(skip, "0")) for skip in ("line skip", "lineskip", "byte skip", "byteskip")):
        raise ImageError("a header with 'line skip' or 'byte skip' is not read; save the file again without")
    if fields["type"] not in _TYPES:
        raise ImageError(f"samples of type {fields['type'][:20]!r}: only whole and real numbers are read")
    encoding = fields["encoding"]
    if encoding not in ("raw", "gzip", "gz"):
        raise ImageError(f"encoding {encoding[:20]!r}: only raw and gzip are read")
    size = tuple(map(int, fields["sizes"].split()))
    axes, grid = _axes(fields, size)
    order = ">" if fields.get("endian") == "big" else "<"
    samples = memoryview(data)[offset:]
    step_ms = _step_ms(fields, len(size))
    return Volume(
        format="nrrd",
        size=size,
        dtype=np.dtype(order + _TYPES[fields["type"]]),
        bytes=Plain(samples) if encoding == "raw" else Inflated(samples),
        axes=axes,
        spacing_mm=grid.spacing_mm(axes),
        place=(lambda index: frame_place(index, size, axes, grid, step_ms=step_ms)) if axes.slice is not None else None,
    ).frames(limits)


def _header(data: bytes | memoryview) -> tuple[dict[str, str], int]:
    """Fields by lower-case name, and where the samples begin: after the first empty line."""
    head = bytes(data[:_LONGEST_HEADER])
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


def _axes(fields: dict[str, str], size: tuple[int, ...]) -> tuple[Axes, Grid]:
    """What the axes are, from their kinds or from other fields, and where the voxels lie."""
    vectors = _vectors(fields, len(size))
    steps = [_number(step) for step in fields.get("spacings", "").split()]
    if len(steps) != len(size):
        steps = [math.nan] * len(size)
    kinds = fields.get("kinds", "").split()
    if len(kinds) != len(size):
        kinds = ["???"] * len(size)
    for kind, length in zip(kinds, size, strict=True):
        if kind not in _SPACE_KINDS | _LIST_KINDS | _COLOUR_KINDS | _UNKNOWN_KINDS:
            raise ImageError(f"an axis of kind {kind[:20]!r}, of {length} samples at each point: only grey values and RGB colours are read")
    colours = [axis for axis, kind in enumerate(kinds) if kind in _COLOUR_KINDS]
    if len(colours) > 1:
        raise ImageError(f"{len(colours)} axes of colours or vectors: only grey values and RGB colours are read")
    unknown = [axis for axis, kind in enumerate(kinds) if kind in _UNKNOWN_KINDS]
    if any(kind in _SPACE_KINDS for kind in kinds):
        space = [axis for axis, kind in enumerate(kinds) if kind in _SPACE_KINDS]
    elif any(vectors):
        space = [axis for axis in unknown if vectors[axis] is not None]
    else:  # an axis outside space has no step in a header that states those of the others
        told = [axis for axis in unknown if not math.isnan(steps[axis])]
        space = told if len(told) >= 2 else unknown
    space = space[:3]
    if len(space) < 2:
        raise ImageError(f"{len(space)} axes in space: at least two axes are needed; save it with 'kinds: domain domain'")
    grid = _grid(fields, space, vectors, steps)
    return find_axes(size, grid, channel=colours[0] if colours else None), grid


def _grid(fields: dict[str, str], space: list[int], vectors: list[Vector | None], steps: list[float]) -> Grid:
    units = re.findall(r'"([^"]*)"', fields.get("units" if not vectors else "space units", ""))
    if not vectors and len(units) == len(steps):
        units = [units[axis] for axis in space]
    if any(unit not in _UNITS_MM for unit in units[:3]):
        return Grid.of_lengths(space, [math.nan] * len(space))
    found = [vectors[axis] if vectors else None for axis in space]
    if None in found:
        return Grid.of_lengths(space, [abs(steps[axis]) for axis in space])
    origin = _numbers(fields.get("space origin", ""))
    turned = _to_lps(fields.get("space", ""))
    return Grid(
        space,
        [turned(vector) for vector in found if vector is not None],
        turned(origin[0]) if origin and origin[0] is not None else (0.0, 0.0, 0.0),
    )


def _vectors(fields: dict[str, str], axes: int) -> list[Vector | None]:
    """Step in space of each axis, ``None`` for an axis that has none; empty if the header states none."""
    vectors = _numbers(fields.get("space directions", ""))
    return vectors if len(vectors) == axes else []


def _numbers(text: str) -> list[Vector | None]:
    """Vectors, padded to three components; a fourth one is time."""
    found: list[Vector | None] = []
    for vector in _VECTOR.findall(text):
        x, y, z, *_ = [*map(_number, vector.split(",")), 0.0, 0.0] if vector else [math.nan] * 3
        found.append((x, y, z) if vector and not math.isnan(x + y + z) and any((x, y, z)) else None)
    return found


def _number(text: str) -> float:
    """NaN for a text that is not a number."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _to_lps(space: str) -> Callable[[Vector], Vector]:
    """From a named space to DICOM's: left, posterior, superior."""
    words = space.split("-")
    x = -1.0 if words[0] == "right" or words[0] in ("ras", "rast") else 1.0
    y = -1.0 if "anterior" in words or words[0] in ("ras", "rast", "las", "last") else 1.0
    return lambda vector: (x * vector[0], y * vector[1], vector[2])


def _step_ms(fields: dict[str, str], axes: int) -> float | None:
    """Time from a phase to the next, if one axis has a unit of time."""
    steps, units = fields.get("spacings", "").split(), re.findall(r'"([^"]*)"', fields.get("units", ""))
    if not len(steps) == len(units) == axes:
        return None
    found = [_MILLISECONDS[unit] * _number(step) for step, unit in zip(steps, units, strict=True) if unit in _MILLISECONDS]
    return found[0] if len(found) == 1 else None
