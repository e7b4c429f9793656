"""Any supported image file to grey images: the one reader of the package.

The kind of a file is told by its first bytes, never by its name. For any bytes whatever the result is an image or an `ImageError`, at
bounded cost: what is not cheap for certain (`triage`) is decoded in a process of its own (`isolated`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from usseg_monai.errors import ImageError, printable
from usseg_monai.imaging.content import decoded, kind_of, one_line_errors
from usseg_monai.imaging.file_bytes import read_small
from usseg_monai.imaging.image import GreyImage, MaskArray
from usseg_monai.imaging.isolated import decoded_elsewhere
from usseg_monai.imaging.limits import Limits
from usseg_monai.imaging.mask_values import find_rule
from usseg_monai.imaging.triage import LARGEST_HERE, is_cheap

SUFFIXES: frozenset[str] = frozenset(
    {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".nii", ".nii.gz", ".nrrd", ".mha", ".dcm", ".dicom"}
)
"""Ends of file names, in lower case, by which images are found in folders."""

_SUFFIXES = tuple(SUFFIXES)  # as `str.endswith` takes them
_DEFAULT_LIMITS = Limits()


def is_image_name(path: str | Path) -> bool:
    """Whether a file with this name is looked at in folders.

    >>> is_image_name("a/b.NII.gz"), is_image_name("notes.txt")
    (True, False)
    """
    return os.path.basename(path).lower().endswith(_SUFFIXES)


def read_frames(path: str | Path, *, limits: Limits = _DEFAULT_LIMITS) -> Iterator[GreyImage]:
    """Read the frames (pages, slices) of a file one after the other; most files have one.

    Raises:
        ImageError: the file holds no image that can be used; the message says why and names the file.
    """
    return _read(Path(path), limits, None)


def read_image(path: str | Path, *, frame: int = 0, limits: Limits = _DEFAULT_LIMITS) -> GreyImage:
    """Read one frame of a file.

    Args:
        path: image file of any supported format.
        frame: index from 0.
        limits: what a file may ask for.

    Raises:
        ImageError: as `read_frames`, or no such frame.
    """
    return next(_read(Path(path), limits, frame))


def read_mask(path: str | Path, *, frame: int = 0, label: int | None = None, limits: Limits = _DEFAULT_LIMITS) -> MaskArray:
    """Read one frame of a mask file: 1 where the structure is, as `to_mask` tells it from that frame.

    Args:
        path: mask file of any supported format.
        frame: index from 0.
        label: value of the structure in a map of several labels.
        limits: what a file may ask for.

    Raises:
        ImageError: as `read_image` and `to_mask`.
    """
    image = read_image(path, frame=frame, limits=limits)
    with _naming(image.source.path):
        return to_mask(image, label)


def to_mask(image: GreyImage, label: int | None = None) -> MaskArray:
    """Mask of a decoded mask picture: 1 where a pixel is not 0, of grey edges where it is above half of the maximum.

    Args:
        image: one frame; of files with several, `usseg_monai.imaging.mask_values.find_rule` looks at all of them.
        label: value of the structure in a map of several labels.

    Raises:
        ImageError: labels of several structures and none named, or a picture instead of a mask.

    >>> import numpy as np
    >>> to_mask(GreyImage(np.array([[0, 255]], np.float32)))
    array([[0, 1]], dtype=uint8)
    >>> to_mask(GreyImage(np.array([[0, 1, 2, 3]], np.float32)), label=3)
    array([[0, 0, 0, 1]], dtype=uint8)
    """
    return find_rule([image.pixels], label).mask(image.pixels)


def _read(path: Path, limits: Limits, frame: int | None) -> Iterator[GreyImage]:
    """All frames, or one: decoded here where the file is cheap for certain, else in another process, which it may exhaust or crash."""
    with _naming(path), one_line_errors():
        data = read_small(path, limits, LARGEST_HERE)
        here = data is not None and is_cheap(data, kind_of(data), limits)
    images = decoded(data, path, limits, frame) if here and data is not None else decoded_elsewhere(path, limits, frame)
    while True:
        with _naming(path):
            image = next(images, None)
        if image is None:
            return
        yield image


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Errors begin with the file's name, without its folders, which may name a patient, and fit for one line."""
    try:
        yield
    except ImageError as error:
        raise type(error)(f"{printable(path.name)}: {error}") from error
