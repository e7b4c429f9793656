"""PNG, JPEG and BMP through Pillow; TIFF is in `usseg_monai.imaging.formats.tiff`.

Each format's own plugin is called, not ``Image.open``: none of Pillow's forty other formats can be reached, only the needed code is
imported, and the size is checked against our limits before a pixel is decoded. What Pillow reads byte by byte or part by part in Python is
counted first.
Print resolutions (PNG ``pHYs``, TIFF ``XResolution``, JPEG density) do not apply to the patient: these files have no spacing.
"""

from __future__ import annotations

import re
from importlib import import_module
from io import BufferedReader
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy.typing as npt

from usseg_monai.errors import ImageError
from usseg_monai.imaging.file_bytes import BufferFile
from usseg_monai.imaging.formats.codestream import check_scans
from usseg_monai.imaging.frames import Frames
from usseg_monai.imaging.grey import grey_samples
from usseg_monai.imaging.limits import Limits

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["open_raster"]

_PLUGINS = {
    "png": ("PIL.PngImagePlugin", "PngImageFile"),
    "jpeg": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "bmp": ("PIL.BmpImagePlugin", "BmpImageFile"),
}
_PNG_PARTS = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_MOST_PNG_PARTS = 1 << 15  # the largest picture in parts of 8 kB, as writers make them, has half as many
_MOST_JPEG_SEGMENTS = 4096  # before the first scan; long profiles come in up to 255
_MOST_JPEG_FILL = 1 << 16  # bytes between segments; writers align with up to 15
_MOST_RUN_LENGTH_BYTES, _MOST_RUN_LENGTH_PIXELS = 4 << 20, 2048 * 2048  # of a BMP: Pillow unpacks it in Python
_RUN_LENGTHS = (1, 2)
_MOST_TEXT_BYTES = 32 << 20  # of everything but the pixels
_MARKER = re.compile(rb"\xff")
_FILL = re.compile(rb"\xff*")
_START_OF_SCAN = 0xDA
_ALONE = {0x00, 0x01, *range(0xD0, 0xDA)}  # markers without a length
_ORIENTATION = 0x0112


def open_raster(data: bytes | memoryview, kind: str, limits: Limits) -> Frames:
    """Open a picture of the named format; the pages of a TIFF are frames.

    Args:
        data: the whole file.
        kind: ``png``, ``jpeg``, ``tiff`` or ``bmp``.
        limits: bounds of a frame.

    Raises:
        ImageError: too large or too small, animated, or a kind of pixels without a grey value. Pillow's own errors pass through.
    """
    if kind == "tiff":
        from usseg_monai.imaging.formats.tiff import open_tiff

        return open_tiff(data, limits)
    if len(data) > 8 * limits.max_pixels + _MOST_TEXT_BYTES:
        raise ImageError(f"{len(data)} bytes, more than the largest picture has; save it again without extra data")
    {"png": _check_png, "jpeg": _check_jpeg, "bmp": _check_bmp}[kind](data)
    module, plugin = _PLUGINS[kind]
    image: Any = getattr(import_module(module), plugin)(BufferedReader(BufferFile(data)))
    limits.check(image.height, image.width)
    if kind == "png" and getattr(image, "is_animated", False):
        raise ImageError(f"an animation of {image.n_frames} pictures; save each picture as a PNG of its own")

    def load(_: int) -> npt.NDArray[Any]:
        image.load()
        return grey_samples(_upright(image))

    return Frames(kind, 1, None, load)


def _check_png(data: bytes | memoryview) -> None:
    """Verify the checksums of the chunks that make up the picture: Pillow skips those of the pixels."""
    view, at, parts = memoryview(data), 8, 0
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        name = bytes(data[at + 4 : at + 8])
        if name in _PNG_PARTS and crc32(view[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise ImageError(f"part {name.decode()} of the PNG is damaged; copy or export it again")
        if name == b"IEND":
            return
        parts += 1
        if parts > _MOST_PNG_PARTS:
            raise ImageError(f"more than {_MOST_PNG_PARTS} parts of a PNG; save the picture again")
        at = end + 4
    raise ImageError("the PNG ends early; copy or export it again")


def _check_jpeg(data: bytes | memoryview) -> None:
    """Count the segments before the first scan; a byte outside a segment costs as much as a segment."""
    check_scans(data)
    at, segments, fill = 2, 0, 0
    while (start := _MARKER.search(data, at)) and (end := _end_of_fill(data, start.start())) < len(data):
        segments, fill = segments + 1, fill + end - at - 1
        if fill > _MOST_JPEG_FILL or segments > _MOST_JPEG_SEGMENTS:
            raise ImageError(
                f"more than {_MOST_JPEG_SEGMENTS} segments, or {_MOST_JPEG_FILL} bytes between them, before the first scan of a JPEG; "
                "save the picture again"
            )
        marker, at = data[end], end + 1
        if marker == _START_OF_SCAN:
            return
        if marker not in _ALONE:
            at += int.from_bytes(data[at : at + 2], "big")


def _end_of_fill(data: bytes | memoryview, start: int) -> int:
    found = _FILL.match(data, start)
    return found.end() if found else start


def _check_bmp(data: bytes | memoryview) -> None:
    """Bound the size of run-length encoded files."""
    if int.from_bytes(data[14:18], "little") < 40 or int.from_bytes(data[30:34], "little") not in _RUN_LENGTHS:
        return
    cols, rows = (abs(int.from_bytes(data[at : at + 4], "little", signed=True)) for at in (18, 22))
    if rows * cols > _MOST_RUN_LENGTH_PIXELS or len(data) > _MOST_RUN_LENGTH_BYTES:
        raise ImageError(
            f"a BMP of {rows} rows x {cols} columns in {len(data)} bytes, run-length encoded: "
            f"at most {_MOST_RUN_LENGTH_PIXELS} pixels and {_MOST_RUN_LENGTH_BYTES} bytes are read; save it as PNG"
        )


def _upright(image: Image) -> Image:
    """Apply the orientation tag of a camera."""
    if image.getexif().get(_ORIENTATION, 1) == 1:
        return image
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)
