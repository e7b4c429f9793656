"""MetaImage files that hold their samples (``.mha``), raw or compressed.

The format: https://itk.org/Wiki/ITK/MetaIO/Documentation. This reader exists because ITK is large and reads whatever a header declares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from usseg_monai.errors import ImageError
from usseg_monai.imaging.formats.axes import Grid, Vector, find_axes, frame_place
from usseg_monai.imaging.formats.volume import Inflated, Plain, Volume
from usseg_monai.imaging.frames import Frames
from usseg_monai.imaging.limits import Limits

__all__ = ["is_metaimage", "open_metaimage"]

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
    """Whether a file begins like a MetaImage header."""
    return head.replace(b" ", b"").startswith((b"ObjectType=Image", b"NDims="))


def open_metaimage(data: bytes | memoryview, limits: Limits) -> Frames:
    """Open a MetaImage file.

    Args:
        data: the whole file.
        limits: bounds of a frame and of the file.
    """
    fields, offset = _header(data)
    if fields["ElementDataFile"].upper() != "LOCAL":
        raise ImageError("the header of a MetaImage whose samples are in another file, which is not opened; save both together as .mha")
    if fields["ElementType"] not in _TYPES:
        raise ImageError(f"samples of type {fields['ElementType'][:20]!r}: only whole and real numbers are read")
    if not _flag(fields, "BinaryData", default=True):
        raise ImageError("samples written as text are not read; save the file again as binary")
    big_endian = _flag(fields, "BinaryDataByteOrderMSB") or _flag(fields, "ElementByteOrderMSB")
    samples = memoryview(data)[offset:]
    channels = int(fields.get("ElementNumberOfChannels", "1"))
    channel = 0 if channels != 1 else None
    stored = tuple(map(int, fields["DimSize"].split()))
    size = stored if channel is None else (channels, *stored)
    grid = _grid(fields, len(stored), channel)
    axes = find_axes(size, grid, channel=channel)
    return Volume(
        format="metaimage",
        size=size,
        dtype=np.dtype((">" if big_endian else "<") + _TYPES[fields["ElementType"]]),
        bytes=Inflated(samples) if _flag(fields, "CompressedData") else Plain(samples),
        axes=axes,
        spacing_mm=grid.spacing_mm(axes),
        place=(lambda index: frame_place(index, size, axes, grid)) if axes.slice is not None else None,
    ).frames(limits)


def _grid(fields: dict[str, str], dimensions: int, channel: int | None) -> Grid:
    """Where the voxels lie. Each row of ``TransformMatrix`` is the direction of one axis."""
    if dimensions < 2:
        raise ImageError(f"DimSize has {dimensions} number: at least two axes are needed; the file is damaged, export it again")
    space = range(min(dimensions, 3))
    axes = [axis + (channel is not None) for axis in space]
    found = _first(fields, ("ElementSpacing", "ElementSize"), dimensions) or []
    lengths = [step if step > 0 else math.nan for step in found] or [math.nan] * dimensions
    turn = _first(fields, ("TransformMatrix", "Orientation", "Rotation"), dimensions**2)
    origin = _first(fields, ("Offset", "Position", "Origin"), dimensions)
    if turn is None or not all(map(math.isfinite, turn)):
        return Grid.of_lengths(axes, [lengths[axis] for axis in space])
    directions = [[*turn[axis * dimensions : axis * dimensions + len(space)], 0.0][:3] for axis in space]
    if any(not 0.99 < math.hypot(*direction) < 1.01 for direction in directions):
        return Grid.of_lengths(axes, [lengths[axis] for axis in space])
    x, y, z = [*(origin or [0.0] * len(space)), 0.0][:3]
    steps: list[Vector] = [
        (lengths[axis] * right, lengths[axis] * down, lengths[axis] * up) for axis, (right, down, up) in zip(space, directions, strict=True)
    ]
    return Grid(axes, steps, (x, y, z))


def _first(fields: dict[str, str], names: Sequence[str], count: int) -> list[float] | None:
    """The numbers of the first field that exists, if there are enough of them and all are numbers."""
    found = next((fields[name].split() for name in names if name in fields), [])
    try:
        numbers = [float(number) for number in found[:count]]
    except ValueError:
        return None
    return numbers if len(numbers) == count else None


def _header(data: bytes | memoryview) -> tuple[dict[str, str], int]:
    """Fields by name, and where the samples begin: after the line ``ElementDataFile``, which is the last one."""
    head = bytes(data[:_LONGEST_HEADER])
    fields: dict[str, str] = {}
    start = 0
    while "ElementDataFile" not in fields:
        end = head.find(b"\n", start)
        if end < 0:
            raise ImageError("no end of the MetaImage header was found; the file is damaged, export it again")
        name, _, value = head[start:end].decode("utf-8", "replace").partition("=")
        fields[name.strip()] = value.strip()
        start = end + 1
    missing = [name for name in ("DimSize", "ElementType") if name not in fields]
    if missing:
        raise ImageError(f"the MetaImage header has no field {missing[0]!r}; the file is damaged, export it again")
    return fields, start


def _flag(fields: dict[str, str], name: str, *, default: bool = False) -> bool:
    return fields[name].lower() in ("true", "1", "yes") if name in fields else default
