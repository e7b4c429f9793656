"""Images in the form that viewers of volumes take: 3D Slicer's plugin looks for one value per pixel and ignores colour pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from usseg_monai.files.png import encode_png
from usseg_monai.imaging import read_image

__all__ = ["grey_content", "name_for_viewers"]

_GREY_MODES = ("1", "L", "I", "I;16", "F")


def grey_content(path: Path) -> bytes | None:
    """A colour picture in grey, as PNG of 8 bits; ``None`` for files that are answered as they are.

    Raises:
        ImageError: the picture cannot be read.
    """
    if not _is_colour(path):
        return None
    return encode_png(np.rint(read_image(path).pixels).clip(0, 255).astype(np.uint8))


def name_for_viewers(path: Path) -> str:
    """File name of what `grey_content` gives: its suffix says the format.

    >>> name_for_viewers(Path("a.nii.gz"))
    'a.nii.gz'
    """
    return f"{path.stem}.png" if _is_colour(path) else path.name


def _is_colour(path: Path) -> bool:
    """Whether a file is a colour picture of one frame that Pillow opens; the header is looked at, no pixel."""
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".bmp"):
        return False
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return picture.mode not in _GREY_MODES
    except OSError:
        return False
