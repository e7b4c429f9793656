"""TIFF: one frame per page, without smaller copies and transparency masks.

This module reads uncompressed or deflated samples of whole bytes, of any sign, width, byte order and meaning of zero; Pillow supports some
of these and misreads others. Pillow reads all else (LZW, PackBits, JPEG, fax, bits, palettes).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError
from usseg_monai.imaging.file_bytes import BufferFile
from usseg_monai.imaging.formats.tiff_directory import Page, read_directories, stacked_pictures
from usseg_monai.imaging.formats.volume import Inflated, Plain
from usseg_monai.imaging.frames import Frames
from usseg_monai.imaging.grey import grey_samples
from usseg_monai.imaging.limits import Limits

__all__ = ["open_tiff"]

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_OFFSETS, _ORIENTATION, _SAMPLES, _ROWS_PER_STRIP, _BYTE_COUNTS, _PLANAR = 273, 274, 277, 278, 279, 284
_PREDICTOR, _TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS, _TILE_BYTES, _EXTRA, _FORMAT = 317, 322, 323, 324, 325, 338, 339

_PLAIN, _DEFLATED = 1, (8, 32946)
_COMPRESSIONS = {
    1: "uncompressed",
    2: "compressed with fax coding",
    3: "compressed with fax coding",
    4: "compressed with fax coding",
    5: "compressed with LZW",
    6: "compressed with JPEG",
    7: "compressed with JPEG",
    8: "deflated",
    32946: "deflated",
    34712: "compressed with JPEG 2000",
    34925: "compressed with LZMA",
    50000: "compressed with Zstandard",
    50001: "compressed with WebP",
}
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_FORMATS = {1: "u", 2: "i", 3: "f", 4: "u"}
_FORMAT_NAMES = {1: "whole", 2: "signed", 3: "real", 4: "undefined", 5: "complex", 6: "complex"}
_PREMULTIPLIED = 1
_SEPARATE = 2
_TURNS: dict[int, Callable[[npt.NDArray[Any]], npt.NDArray[Any]]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a.swapaxes(0, 1)[::-1],
}
"""What an orientation does to the stored rows and columns."""


@dataclass(frozen=True)
class _Samples:
    """How the samples of a page are stored.

    Attributes:
        rows, cols: of the picture as stored.
        tile: ``(rows, cols)`` of each strip or tile.
        dtype: of a sample.
        samples: number per pixel.
        separate: whether each channel has its own strips or tiles.
    """

    rows: int
    cols: int
    tile: tuple[int, int]
    dtype: np.dtype[Any]
    samples: int
    separate: bool


def open_tiff(data: bytes | memoryview, limits: Limits) -> Frames:
    """Open a TIFF.

    Args:
        data: the whole file.
        limits: bounds of a frame and of the file.

    Raises:
        ImageError: too large or too small, too many parts, or a kind of pixels without a grey value. Pillow's own errors pass through.
    """
    pages = read_directories(data, limits.max_frames)
    if len(pages) <= limits.max_frames:
        pages = [page for page in pages if page.is_picture] or pages
    stacked = stacked_pictures(pages)
    count = stacked if stacked > 1 else len(pages)
    limits.check(*_shape(pages[0]), count)
    if stacked > 1:
        _check_stack(pages[0], stacked)
    images: list[Any] = []  # Pillow's view of the file, opened when needed

    def load(index: int) -> npt.NDArray[Any]:
        page, skipped = (pages[0], index) if stacked > 1 else (pages[index], 0)
        limits.check(*_shape(page))  # each page has its own size
        _check_parts(page, limits)
        stored = _stored(page)
        if stored is not None:
            limits.check_samples(stored.rows, stored.cols, stored.samples * stored.dtype.itemsize)
            return _finish(_own_samples(page, stored, skipped), page)
        return _of_pillow(data, page, images)

    return Frames("tiff", count, None, load)


def _shape(page: Page) -> tuple[int, int]:
    """Rows and columns as displayed."""
    rows, cols = page.value(_LENGTH, 0), page.value(_WIDTH, 0)
    return (cols, rows) if page.value(_ORIENTATION, 1) in (5, 6, 7, 8) else (rows, cols)


def _tile(page: Page) -> tuple[int, int]:
    """Rows and columns of a strip or tile."""
    if _TILE_OFFSETS in page.tags:
        return page.value(_TILE_LENGTH, 0), page.value(_TILE_WIDTH, 0)
    return min(page.value(_ROWS_PER_STRIP, 2**32 - 1), page.value(_LENGTH, 0)), page.value(_WIDTH, 0)


def _check_parts(page: Page, limits: Limits) -> None:
    """Bound the tiles: one may be larger than its picture, and is decoded whole; or so small that counting takes longer than decoding."""
    height, width = _tile(page)
    if height * width > limits.max_pixels:
        raise ImageError(f"tiles of {height} x {width} pixels: more than {limits.max_pixels}; save the picture again without tiles")
    page.values(_OFFSETS if _TILE_OFFSETS not in page.tags else _TILE_OFFSETS)  # bounds their number
    page.values(_BYTE_COUNTS if _TILE_OFFSETS not in page.tags else _TILE_BYTES)


def _stored(page: Page) -> _Samples | None:
    """How the samples are stored, if this module can read them."""
    bits, formats = set(page.values(_BITS, (1,))), set(page.values(_FORMAT, (1,)))
    samples, extra = page.value(_SAMPLES, 1), page.values(_EXTRA)
    colours = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3}.get(page.value(_PHOTOMETRIC, _BLACK_IS_ZERO))
    simple = (
        len(bits) == len(formats) == 1
        and formats <= _FORMATS.keys()
        and page.value(_COMPRESSION, _PLAIN) in (_PLAIN, *_DEFLATED)
        and page.value(_FILL_ORDER, 1) == 1
        and page.value(_PREDICTOR, 1) in ((1,) if page.value(_COMPRESSION, _PLAIN) == _PLAIN else (1, 2))
        and colours is not None
        and samples == colours + len(extra)
        and samples <= 4
        and _PREMULTIPLIED not in extra
    )
    if not simple:
        return None
    width, letter = bits.pop(), _FORMATS[formats.pop()]
    if width not in ((16, 32, 64) if letter == "f" else (8, 16, 32, 64)):
        return None
    dtype = np.dtype(f"{page.order}{letter}{width // 8}")
    separate = samples > 1 and page.value(_PLANAR, 1) == _SEPARATE
    return _Samples(page.value(_LENGTH, 0), page.value(_WIDTH, 0), _tile(page), dtype, samples, separate)


def _own_samples(page: Page, stored: _Samples, skipped: int) -> npt.NDArray[Any]:
    """Samples of a picture, ``(rows, cols, samples)``.

    Args:
        page, stored: its description.
        skipped: number of pictures before it, in a stack in one directory.
    """
    tiled = _TILE_OFFSETS in page.tags
    offsets, lengths = page.values(_TILE_OFFSETS if tiled else _OFFSETS), page.values(_TILE_BYTES if tiled else _BYTE_COUNTS)
    (height, width), depth = stored.tile, 1 if stored.separate else stored.samples
    if min(height, width) < 1:
        raise ImageError(f"strips or tiles of {height} x {width} pixels; the file is damaged, save it again")
    before = skipped * stored.rows * stored.cols * stored.samples * stored.dtype.itemsize
    picture = np.empty((stored.rows, stored.cols, stored.samples), stored.dtype.newbyteorder("="))
    boxes = (
        (plane, top, left)
        for plane in range(stored.samples // depth)
        for top in range(0, stored.rows, height)
        for left in range(0, stored.cols, width)
    )
    for number, (plane, top, left) in enumerate(boxes):
        if number >= len(offsets):
            raise ImageError(f"{len(offsets)} strips or tiles, fewer than the picture needs; copy or export it again")
        rows = height if tiled else min(height, stored.rows - top)  # the last strip is shorter, a tile never is
        wanted = rows * width * depth * stored.dtype.itemsize
        at = offsets[number] + before
        told = lengths[number] if number < len(lengths) else 0
        packed = page.data[at : at + (told or wanted)]
        part = _part(packed, wanted, page, stored.dtype).reshape(rows, width, depth)
        if page.value(_PREDICTOR, 1) == 2:
            part = np.cumsum(part, axis=1, dtype=picture.dtype)
        if part.shape == picture.shape:  # the only part, which may be large, is not copied
            return part
        seen = part[: stored.rows - top, : stored.cols - left]
        picture[top : top + seen.shape[0], left : left + seen.shape[1], plane : plane + depth] = seen
    return picture


def _part(packed: memoryview, wanted: int, page: Page, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    source = Plain(packed) if page.value(_COMPRESSION, _PLAIN) == _PLAIN else Inflated(packed)
    return np.frombuffer(source.read(0, wanted), dtype)


def _check_stack(page: Page, pictures: int) -> None:
    """Check that a stack in one directory is contiguous."""
    stored = _stored(page)
    offsets, lengths = page.values(_OFFSETS), page.values(_BYTE_COUNTS)
    whole = all(start + length == after for start, length, after in zip(offsets, lengths, offsets[1:], strict=False))
    if stored is None or page.value(_COMPRESSION, _PLAIN) != _PLAIN or not offsets or not whole or stored.separate:
        raise ImageError(
            f"a stack of {pictures} pictures in one directory, compressed or with a kind of pixels that is not read from a stack; "
            "save it with a page for each picture"
        )
    needed = pictures * stored.rows * stored.cols * stored.samples * stored.dtype.itemsize
    if offsets[0] + needed > len(page.data):
        raise ImageError(f"a stack of {pictures} pictures in one directory, but the file ends early; copy or export it again")


def _finish(picture: npt.NDArray[Any], page: Page) -> npt.NDArray[Any]:
    """Drop alpha, make zero black, and turn upright."""
    colours = 3 if page.value(_PHOTOMETRIC, _BLACK_IS_ZERO) == _RGB else 1
    picture = picture[..., :colours]
    if page.value(_PHOTOMETRIC, _BLACK_IS_ZERO) == _WHITE_IS_ZERO:
        picture = _inverted(picture)
    picture = _TURNS.get(page.value(_ORIENTATION, 1), np.asarray)(picture)
    if colours == 3 and picture.dtype == np.uint8:  # rounded as Pillow does, however the picture is stored
        from PIL import Image

        return np.asarray(Image.fromarray(np.ascontiguousarray(picture)).convert("L"))
    return np.ascontiguousarray(picture)


def _inverted(picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Grey values of a picture whose zero is white: the largest possible value minus each value; for real numbers, the range is kept."""
    if picture.dtype.kind != "f":
        inverted: npt.NDArray[Any] = ~picture
        return inverted
    real = picture.astype(np.float32) if picture.dtype.itemsize == 2 else picture
    low, high = np.fmin.reduce(real, axis=None), np.fmax.reduce(real, axis=None)
    with np.errstate(over="ignore", invalid="ignore"):
        mirrored: npt.NDArray[Any] = low + (high - real)
    return mirrored


def _of_pillow(data: bytes | memoryview, page: Page, images: list[Any]) -> npt.NDArray[Any]:
    from PIL.TiffImagePlugin import TiffImageFile

    bits, sign = page.values(_BITS, (1,)), page.value(_FORMAT, 1)
    try:
        if not images:
            images.append(TiffImageFile(BufferedReader(BufferFile(data))))
        image = images[0]
        image.seek(page.number)
    except (SyntaxError, KeyError, ValueError) as error:
        packing = page.value(_COMPRESSION, _PLAIN)
        kind = f"{len(bits)} x {bits[0]} bits, {_FORMAT_NAMES.get(sign, 'unknown')} numbers, photometric {page.value(_PHOTOMETRIC, 1)}"
        raise ImageError(
            f"pixels of {kind}, {_COMPRESSIONS.get(packing, f'compression {packing}')}: not read; "
            "save it as an uncompressed grey or RGB TIFF, or as PNG"
        ) from error
    image.load()
    grey = image.mode in ("L", "I", "F") or image.mode.startswith("I;16")
    picture = grey_samples(image)
    if not grey or len(bits) != 1:
        return picture
    if (bits[0], sign) == (8, 2):  # Pillow reads them as unsigned
        return picture.view(np.int8)
    if (bits[0], sign) == (32, 1):
        picture = picture.view(np.uint32)
    if page.value(_PHOTOMETRIC, _BLACK_IS_ZERO) == _WHITE_IS_ZERO and image.mode != "L":  # Pillow inverts up to 8 bits only
        return _inverted(picture)
    if _PHOTOMETRIC not in page.tags and image.mode == "L":  # and assumes inversion if the file does not state it
        return 255 - picture
    return picture
