"""PNG, JPEG, TIFF and BMP through Pillow.

Each format's own plugin is called, not ``Image.open``: no other of Pillow's forty formats can be reached, only the code that is needed is
imported, and the size is checked against our limits before a pixel is decoded.
Print resolutions (PNG ``pHYs``, TIFF ``XResolution``, JPEG density) say nothing about the patient: these files have no spacing.
"""

from __future__ import annotations

from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError
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
_ORIENTATION = 0x0112


def open_raster(data: bytes, kind: str, limits: Limits) -> Frames:
    """Open a picture of the named format; the pages of a TIFF are frames.

    Args:
        data: the whole file.
        kind: ``png``, ``jpeg``, ``tiff`` or ``bmp``.
        limits: bounds of a frame.

    Raises:
        ImageError: too large or too small, animated, or a kind of pixels that has no grey value. Pillow's own errors pass through.
    """
    module, plugin = _PLUGINS[kind]
    image: Image = getattr(import_module(module), plugin)(BytesIO(data))
    limits.check(image.height, image.width)
    count = getattr(image, "n_frames", 1)
    if kind == "png" and count > 1:
        raise ImageError(f"an animation of {count} pictures; save each picture as a PNG of its own")

    def load(index: int) -> npt.NDArray[Any]:
        if count > 1:
            image.seek(index)
            limits.check(image.height, image.width)  # every page has a size of its own
        image.load()
        return _samples(_upright(image))

    return Frames(kind, count, None, load)


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
