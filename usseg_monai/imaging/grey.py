"""Converts decoded samples of any kind to finite grey values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError
from usseg_monai.geometry.types import GreyArray

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["LUMA", "check_channels", "grey_samples", "to_grey"]

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue: ITU-R BT.601, the same that Pillow's mode L and the Y of YCbCr use."""

_GREY_MODES = {"L", "I", "F", "I;16", "I;16L", "I;16B"}
_EIGHT_BIT_MODES = {"1", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"}


def to_grey(samples: npt.NDArray[Any]) -> GreyArray:
    """Grey values of a decoded frame; alpha is dropped, whole numbers stay whole.

    Args:
        samples: ``(rows, cols)``, or ``(rows, cols, channels)`` with 1 (grey), 3 (RGB) or 4 (RGBA) channels.

    Raises:
        ImageError: another number of channels, complex samples, values that are not finite.

    >>> to_grey(np.full((1, 2, 3), 200, np.uint8))
    array([[200., 200.]], dtype=float32)
    """
    if samples.dtype.kind not in "biuf":
        raise ImageError(f"samples of type {samples.dtype}: only whole and real numbers are read")
    channels = samples.shape[2] if samples.ndim == 3 else 1
    check_channels(channels if samples.ndim in (2, 3) else 0)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows float32 becomes infinite and is reported below
        if channels == 1:
            grey: GreyArray = samples.reshape(samples.shape[:2]).astype(np.float32)
        else:
            grey = _luma(samples)
    if samples.dtype.kind == "f":
        _check_finite(grey)
    return grey


def check_channels(channels: int) -> None:
    """Raise `ImageError` unless pixels of this number of samples have a grey value."""
    if channels not in (1, 3, 4):
        raise ImageError(f"{channels} channels: only grey (1), RGB (3) and RGBA (4) are read; save it as a grey picture")


def _luma(samples: npt.NDArray[Any]) -> GreyArray:
    grey: GreyArray = np.zeros(samples.shape[:2], np.float32)
    for channel, weight in enumerate(LUMA):  # one channel at a time: a third of the memory of a matrix product
        grey += np.multiply(samples[..., channel], np.float32(weight), dtype=np.float32)
    if samples.dtype.kind != "f":
        np.rint(grey, out=grey)
    return grey


def _check_finite(grey: GreyArray) -> None:
    finite = np.isfinite(grey)
    if not finite.all():
        bad = grey.size - int(finite.sum())
        raise ImageError(f"{bad} of {grey.size} pixels are NaN or infinite; replace them with finite grey values")


def grey_samples(image: Image) -> npt.NDArray[Any]:
    """Grey samples ``(rows, cols)`` of a loaded picture, at their stored depth; colours become luma.

    Alpha is dropped, unless all pixels have one colour: then alpha is the picture, as in masks drawn on a layer.

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
