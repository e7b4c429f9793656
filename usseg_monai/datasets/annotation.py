"""Read annotations of any kind as one mask."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from usseg_monai.datasets.outline import fill_outline
from usseg_monai.errors import ImageError
from usseg_monai.geometry.types import MaskArray
from usseg_monai.imaging import read_mask
from usseg_monai.imaging.contour import read_contour_mask

__all__ = ["read_annotation"]


def read_annotation(label: str | Path | Sequence[str | Path], shape: tuple[int, ...]) -> MaskArray:
    """Read an image's annotation from filled masks, drawn outlines or contours in text files; several files are united.

    Args:
        label: one or several files; an empty sequence means that the image is known to hold no structure.
        shape: ``(rows, cols)`` of the image, which every file must have.

    Returns:
        uint8 ``(rows, cols)``, 0 and 1.

    Raises:
        ImageError: a file cannot be read, has another shape, or is a curve that encloses nothing.

    >>> read_annotation((), (2, 3))
    array([[0, 0, 0],
           [0, 0, 0]], dtype=uint8)
    """
    files = [label] if isinstance(label, (str, os.PathLike)) else label
    mask: MaskArray = np.zeros(shape, np.uint8)
    for file in files:
        mask |= _read(Path(file), shape)
    return mask


def _read(file: Path, shape: tuple[int, ...]) -> MaskArray:
    if file.suffix.lower() == ".txt":
        return read_contour_mask(file, (shape[0], shape[1]))
    drawn = read_mask(file)
    if drawn.shape != shape:
        raise ImageError(f"{file} has {drawn.shape[0]} rows x {drawn.shape[1]} columns: its image has {shape[0]} x {shape[1]}")
    try:
        return fill_outline(drawn)
    except ImageError as error:
        raise ImageError(f"{file}: {error}") from error
