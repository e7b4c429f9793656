"""Reads any supported image file as grey images: the only reader of the package.

The first bytes of a file decide what kind it is, never its name. Whatever the bytes are, the result is an image or an `ImageError`, at a
bounded cost: a file that is not certainly cheap (`triage`) is decoded in a separate process (`isolated`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from usseg_monai.errors import ImageError, printable
from usseg_monai.geometry.types import MaskArray
from usseg_monai.imaging.file_bytes import read_small, small
from usseg_monai.imaging.frames import Frames
from usseg_monai.imaging.grey import to_grey
from usseg_monai.imaging.image import GreyImage, Source
from usseg_monai.imaging.isolated import decoded_elsewhere
from usseg_monai.imaging.kind import kind_of
from usseg_monai.imaging.limits import Limits
from usseg_monai.imaging.mask_values import find_rule
from usseg_monai.imaging.triage import LARGEST_HERE, is_cheap, unpacks_cheaply

__all__ = [
    "SUFFIXES",
    "bare_name",
    "decoded",
    "is_image_name",
    "one_line_errors",
    "open_frames",
    "read_frames",
    "read_image",
    "read_mask",
    "to_mask",
]

SUFFIXES: frozenset[str] = frozenset(
    {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".nii", ".nii.gz", ".nrrd", ".mha", ".dcm", ".dicom", ".mp4", ".m4v", ".mov", ".avi"}
)
"""File name suffixes, in lower case, by which images are found in folders."""

_SUFFIXES = tuple(SUFFIXES)  # as `str.endswith` takes them
_DEFAULT_LIMITS = Limits()


def is_image_name(path: str | Path) -> bool:
    """Whether a folder scan reads a file with this name.

    >>> is_image_name("a/b.NII.gz"), is_image_name("notes.txt")
    (True, False)
    """
    return os.path.basename(path).lower().endswith(_SUFFIXES)


def bare_name(path: str | Path) -> str:
    """Name of a file without its folder and all suffixes of images.

    >>> bare_name("a/b.NII.gz"), bare_name("48.dcm.png"), bare_name("benign (1).png")
    ('b', '48', 'benign (1)')
    """
    name = os.path.basename(path)
    while suffix := max((end for end in SUFFIXES if name.lower().endswith(end) and len(name) > len(end)), key=len, default=""):
        name = name[: -len(suffix)]
    return name


def read_frames(source: str | os.PathLike[str] | bytes, *, limits: Limits = _DEFAULT_LIMITS) -> Iterator[GreyImage]:
    """Read the frames (pages, slices) of a file one after the other; most files have one.

    Args:
        source: path of a file of any supported format, or its content as ``bytes``.
        limits: bounds on the size of the file and its frames.

    Raises:
        ImageError: the file holds no usable image; the message says why and names the file.
    """
    return _read(source, limits, None)


def read_image(source: str | os.PathLike[str] | bytes, *, frame: int = 0, limits: Limits = _DEFAULT_LIMITS) -> GreyImage:
    """Read one frame of a file.

    Args:
        source: as for `read_frames`.
        frame: index from 0.
        limits: as for `read_frames`.

    Raises:
        ImageError: as `read_frames`, or no such frame.
    """
    return next(_read(source, limits, frame))


def read_mask(
    source: str | os.PathLike[str] | bytes, *, frame: int = 0, label: int | None = None, limits: Limits = _DEFAULT_LIMITS
) -> MaskArray:
    """Read one frame of a mask file: 1 where the structure is, as `to_mask` finds it in that frame.

    Args:
        source: as for `read_frames`.
        frame: index from 0.
        label: value of the structure in a map of several labels.
        limits: as for `read_frames`.

    Raises:
        ImageError: as `read_image` and `to_mask`.
    """
    image = read_image(source, frame=frame, limits=limits)
    with _naming(image.source.path):
        return to_mask(image, label)


def to_mask(image: GreyImage, label: int | None = None) -> MaskArray:
    """Mask of a decoded mask picture: 1 where a pixel is not 0 or, if the mask has grey edges, above half of the maximum.

    Args:
        image: one frame; for files with several, `usseg_monai.imaging.mask_values.find_rule` examines all of them.
        label: value of the structure in a map of several labels.

    Raises:
        ImageError: labels of several structures and none chosen, or a picture instead of a mask.

    >>> import numpy as np
    >>> to_mask(GreyImage(np.array([[0, 255]], np.float32)))
    array([[0, 1]], dtype=uint8)
    >>> to_mask(GreyImage(np.array([[0, 1, 2, 3]], np.float32)), label=3)
    array([[0, 0, 0, 1]], dtype=uint8)
    """
    return find_rule([image.pixels], label).mask(image.pixels)


def _read(source: str | os.PathLike[str] | bytes, limits: Limits, frame: int | None) -> Iterator[GreyImage]:
    """All frames, or one: decoded here where the file is certainly cheap, else in another process, which it may exhaust or crash."""
    content = source if isinstance(source, bytes) else None
    path = Path("bytes") if isinstance(source, bytes) else Path(source)
    with _naming(path), one_line_errors():
        data = read_small(path, limits, LARGEST_HERE) if content is None else small(content, limits, LARGEST_HERE)
        frames = None if data is None else _opened_here(data, limits)
    if frames is not None:
        images = decoded(frames, path, frame)
    elif content is None:
        images = decoded_elsewhere(path, limits, frame)
    else:
        images = _content_decoded_elsewhere(content, path, limits, frame)
    while True:
        with _naming(path):
            image = next(images, None)
        if image is None:
            return
        yield image


def _opened_here(data: bytes, limits: Limits) -> Frames | None:
    """The opened file; ``None`` if it may not be decoded in this process."""
    kind = kind_of(data)
    if not is_cheap(data, kind):
        return None
    frames = open_frames(data, kind, limits)
    return frames if unpacks_cheaply(len(data), frames.unpacks_to) else None


def _content_decoded_elsewhere(content: bytes, path: Path, limits: Limits, frame: int | None) -> Iterator[GreyImage]:
    """Like `decoded_elsewhere`; the other process reads the content from a temporary file."""
    from tempfile import TemporaryDirectory  # late: few callers pass content

    with TemporaryDirectory(prefix="usseg-") as folder:
        file = Path(folder, "content")
        file.write_bytes(content)
        for image in decoded_elsewhere(file, limits, frame):
            yield replace(image, source=replace(image.source, path=path))


def decoded(frames: Frames, path: Path, frame: int | None) -> Iterator[GreyImage]:
    """All frames of a file, or one.

    Args:
        frames: the file, opened by `open_frames`.
        path: of the file, for `Source`.
        frame: index from 0, or ``None`` for all.

    Raises:
        ImageError: one line of text, whatever the bytes are.
    """
    if frame is not None and not 0 <= frame < frames.count:
        raise ImageError(f"no frame {frame}; the file has {frames.count}, counted from 0")
    for index in range(frames.count) if frame is None else (frame,):
        with one_line_errors():
            image = _image(frames, path, index)
        yield image


def _image(frames: Frames, path: Path, index: int) -> GreyImage:
    pixels = to_grey(frames.load(index))
    place = frames.place and frames.place(index)
    spacing = frames.frame_spacing(index) if frames.frame_spacing else frames.spacing_mm
    return GreyImage(pixels, spacing, Source(path, index, frames.count, frames.format), place, frames.regions)


def open_frames(data: bytes | memoryview, kind: str, limits: Limits) -> Frames:
    """Open a file of a known format, importing the library that it needs."""
    if kind == "dicom":
        from usseg_monai.imaging.formats.dicom import open_dicom

        return open_dicom(data, limits)
    if kind == "nifti":
        from usseg_monai.imaging.formats.nifti import open_nifti

        return open_nifti(data, limits)
    if kind == "nrrd":
        from usseg_monai.imaging.formats.nrrd import open_nrrd

        return open_nrrd(data, limits)
    if kind == "metaimage":
        from usseg_monai.imaging.formats.metaimage import open_metaimage

        return open_metaimage(data, limits)
    if kind == "video":
        from usseg_monai.imaging.formats.video import open_video

        return open_video(data, limits)
    from usseg_monai.imaging.formats.raster import open_raster

    return open_raster(data, kind, limits)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn whatever a decoder raises into an `ImageError` of one line.

    Everything is caught on purpose: on damaged bytes the decoders raise SyntaxError, struct.error, KeyError, MemoryError and more, and
    none of these may end a batch.
    """
    try:
        yield
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError("not enough memory to decode it; reduce it", remedy=", or use fewer threads") from error
    except Exception as error:
        reason = printable(" ".join(str(error).split())[:120]) or type(error).__name__
        raise ImageError(f"damaged, or of a kind that is not read ({reason}); copy or export it again") from error


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Prefix errors with the printable file name, without its folders, which may name a patient."""
    try:
        yield
    except ImageError as error:
        raise error.about(printable(path.name)) from error
