"""Samples of a picture that Pillow has decoded, by the kind of its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError

if TYPE_CHECKING:
    from PIL.Image import Image

_GREY_MODES = {"L", "I", "F", "I;16", "I;16L", "I;16B"}
_EIGHT_BIT_MODES = {"1", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"}


def grey_samples(image: Image) -> npt.NDArray[Any]:
    """Grey samples ``(rows, cols)`` of a loaded picture, as deep as they are stored; of colours their luma.

    Alpha is dropped, unless all pixels have one colour: alpha is the picture then, as of masks drawn on a layer.

    Raises:
        ImageError: a kind of pixels that has no grey value.
    """
    if image.mode in _GREY_MODES:
        return np.asarray(image)
    if image.mode not in _EIGHT_BIT_MODES:
        raise ImageError(f"pixels of kind {image.mode}: only grey, palette, RGB, CMYK and YCbCr, with or without alpha, are read")
    if image.mode in ("La", "RGBa"):  # colour that was multiplied by alpha: undo it before alpha is dropped
        image = image.convert(image.mode.upper())
    if image.mode in ("LA", "RGBA"):
        *colours, alpha = (image.getchannel(name) for name in image.getbands())
        low, high = alpha.getextrema()
        if low != high and all(least == most for least, most in (colour.getextrema() for colour in colours)):
            return np.asarray(alpha)
    return np.asarray(image.convert("L"))
