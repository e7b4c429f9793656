"""PNG, JPEG, TIFF and BMP through Pillow.

Each format's own plugin is called, not ``Image.open``: no other of Pillow's forty formats can be reached, only the code that is needed is
imported, and the size is checked against our limits before a pixel is decoded.
Print resolutions (PNG ``pHYs``, TIFF ``XResolution``, JPEG density) say nothing about the patient: these files have no spacing.
"""

from __future__ import annotations

from importlib import import_module
from io import BufferedReader
from struct import calcsize, unpack_from
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError
from usseg_monai.imaging.codestream import check_scans
from usseg_monai.imaging.file_bytes import BufferFile
from usseg_monai.imaging.frames import Frames
from usseg_monai.imaging.limits import Limits

if TYPE_CHECKING:
    from PIL.Image import Image

_PLUGINS = {
    "png": ("PIL.PngImagePlugin", "PngImageFile"),
    "jpeg": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "tiff": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "bmp": ("PIL.BmpImagePlugin", "BmpImageFile"),
}
_GREY_MODES = {"L", "I", "F", "I;16", "I;16L", "I;16B"}
_EIGHT_BIT_MODES = {"1", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"}
_PNG_PARTS = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_ORIENTATION = 0x0112
_TILE_WIDTH, _TILE_LENGTH = 322, 323


def open_raster(data: bytes | memoryview, kind: str, limits: Limits) -> Frames:
    """Open a picture of the named format; the pages of a TIFF are frames.

    Args:
        data: the whole file.
        kind: ``png``, ``jpeg``, ``tiff`` or ``bmp``.
        limits: bounds of a frame.

    Raises:
        ImageError: too large or too small, animated, or a kind of pixels that has no grey value. Pillow's own errors pass through.
    """
    if kind == "png":
        _check_png(data)
    if kind == "jpeg":
        check_scans(data)
    pages = _count_pages(data, limits.max_frames) if kind == "tiff" else 1
    module, plugin = _PLUGINS[kind]
    image: Any = getattr(import_module(module), plugin)(BufferedReader(BufferFile(data)))
    limits.check(image.height, image.width, pages)
    if kind == "png" and getattr(image, "is_animated", False):
        raise ImageError(f"an animation of {image.n_frames} pictures; save each picture as a PNG of its own")

    def load(index: int) -> npt.NDArray[Any]:
        if kind == "tiff":
            image.seek(index)
            limits.check(image.height, image.width)  # every page has a size of its own
            _check_tile(image, limits)
        image.load()
        return _samples(_upright(image))

    return Frames(kind, pages, None, load)


def _check_png(data: bytes | memoryview) -> None:
    """Compare the checksums of the parts that make the picture: Pillow skips those of the pixels."""
    at = 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        name = bytes(data[at + 4 : at + 8])
        if name in _PNG_PARTS and crc32(memoryview(data)[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise ImageError(f"part {name.decode()} of the PNG is damaged; copy or export it again")
        if name == b"IEND":
            return
        at = end + 4
    raise ImageError("the PNG ends early; copy or export it again")


def _count_pages(data: bytes | memoryview, most: int) -> int:
    """Length of a TIFF's chain of directories, at most one more than `most`: Pillow's own count takes time by its square."""
    byte_order = "<" if data[:2] == b"II" else ">"
    big = 43 in data[2:4]
    number, entry_bytes, pointer, start = ("Q", 20, "Q", 8) if big else ("H", 12, "I", 4)
    seen: set[int] = set()
    (at,) = unpack_from(byte_order + pointer, data, start)
    while at and at not in seen and len(seen) <= most:
        seen.add(at)
        (entries,) = unpack_from(byte_order + number, data, at)
        (at,) = unpack_from(byte_order + pointer, data, at + calcsize("=" + number) + entries * entry_bytes)
    return len(seen)


def _check_tile(image: Any, limits: Limits) -> None:
    """A TIFF's tile may be larger than the picture, and is decoded whole."""
    width, height = (image.tag_v2.get(tag, 1) for tag in (_TILE_WIDTH, _TILE_LENGTH))
    if width * height > limits.max_pixels:
        raise ImageError(f"tiles of {height} x {width} pixels: more than {limits.max_pixels}; save the picture again without tiles")


def _upright(image: Image) -> Image:
    """Turn as the orientation tag of a camera says. Pillow's TIFF plugin does so by itself."""
    if image.getexif().get(_ORIENTATION, 1) == 1:
        return image
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _samples(image: Image) -> npt.NDArray[Any]:
    if image.mode in _GREY_MODES:
        return np.asarray(image)
    if image.mode not in _EIGHT_BIT_MODES:
        raise ImageError(f"pixels of kind {image.mode}: only grey, palette, RGB, CMYK and YCbCr, with or without alpha, are read")
    if image.mode in ("La", "RGBa"):  # colour that was multiplied by alpha: undo it before alpha is dropped
        image = image.convert(image.mode.upper())
    return np.asarray(image.convert("L"))
