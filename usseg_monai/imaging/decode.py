"""Any supported image file to grey images: the one reader of the package.

The kind of a file is told by its first bytes, never by its name. For any bytes whatever the result is an image or an `ImageError`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from usseg_monai.errors import ImageError, printable
from usseg_monai.imaging.frames import Frames
from usseg_monai.imaging.grey import to_grey
from usseg_monai.imaging.image import GreyImage, MaskArray, Source
from usseg_monai.imaging.limits import Limits
from usseg_monai.imaging.mask_values import find_rule

SUFFIXES: frozenset[str] = frozenset(
    {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".nii", ".nii.gz", ".nrrd", ".mha", ".dcm", ".dicom"}
)
"""Ends of file names, in lower case, by which images are found in folders."""

_SUFFIXES = tuple(SUFFIXES)  # as `str.endswith` takes them
_RASTER_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",  # BigTIFF
    b"MM\0+": "tiff",
    b"BM": "bmp",
}
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
    path = Path(path)
    frames = _open(path, limits)
    for index in range(frames.count):
        yield _frame(path, frames, index)


def read_image(path: str | Path, *, frame: int = 0, limits: Limits = _DEFAULT_LIMITS) -> GreyImage:
    """Read one frame of a file.

    Args:
        path: image file of any supported format.
        frame: index from 0.
        limits: what a file may ask for.

    Raises:
        ImageError: as `read_frames`, or no such frame.
    """
    path = Path(path)
    frames = _open(path, limits)
    if not 0 <= frame < frames.count:
        raise ImageError(f"{_name(path)}: no frame {frame}; the file has {frames.count}, counted from 0")
    return _frame(path, frames, frame)


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
    with _one_line_errors(image.source.path):
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


def _frame(path: Path, frames: Frames, index: int) -> GreyImage:
    with _one_line_errors(path):
        pixels = to_grey(frames.load(index))
        place = frames.place and frames.place(index)
    return GreyImage(pixels, frames.spacing_mm, Source(path, index, frames.count, frames.format), place)


def _open(path: Path, limits: Limits) -> Frames:
    with _one_line_errors(path):
        data = _read_bytes(path, limits)
        for magic, kind in _RASTER_MAGIC.items():
            if data.startswith(magic):
                from usseg_monai.imaging.raster import open_raster

                return open_raster(data, kind, limits)
        return _open_medical(data, limits)


def _open_medical(data: bytes, limits: Limits) -> Frames:
    """The formats whose decoders are loaded only when they are needed."""
    from usseg_monai.imaging import metaimage, nifti, nrrd
    from usseg_monai.imaging.volume import Inflated

    if data[128:132] == b"DICM":
        from usseg_monai.imaging.dicom import open_dicom

        return open_dicom(data, limits)
    if data.startswith(nrrd.MAGIC):
        return nrrd.open_nrrd(data, limits)
    if metaimage.is_metaimage(data[:64]):
        return metaimage.open_metaimage(data, limits)
    if nifti.is_nifti(bytes(Inflated(data).read(0, 348)) if data.startswith(b"\x1f\x8b") else data[:348]):
        return nifti.open_nifti(data, limits)
    raise ImageError("not an image, whatever its name says: its content is none of PNG, JPEG, TIFF, BMP, NIfTI, NRRD, MHA, DICOM")


def _read_bytes(path: Path, limits: Limits) -> bytes:
    try:
        _check_regular(os.stat(path))  # before it is opened: opening a pipe, a device or a tape may wait, or do something
        # and again after: what is there may be another by now. Without O_NONBLOCK a named pipe would keep us waiting for a writer
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
            status = os.fstat(file.fileno())
            _check_regular(status)
            if status.st_size > limits.max_file_bytes:
                raise ImageError(
                    f"{status.st_size} bytes: more than {limits.max_file_bytes}; split the file, or read it with Limits(max_file_bytes=...)"
                )
            data = file.read(status.st_size + 1)
    except OSError as error:
        raise ImageError(f"cannot be read ({error.strerror or error})") from error
    if len(data) != status.st_size:
        raise ImageError("its size changed while it was read; wait until it is copied, then predict it again")
    if not data:
        raise ImageError("the file is empty (0 bytes); copy or export it again")
    return data


def _check_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ImageError("not a regular file; give an image file")


@contextmanager
def _one_line_errors(path: Path) -> Iterator[None]:
    """Whatever a decoder raises leaves as one line that names the file.

    Everything is caught on purpose: over damaged bytes the decoders raise SyntaxError, struct.error, KeyError, MemoryError and more, and
    none of these may end a batch.
    """
    try:
        yield
    except ImageError as error:
        raise type(error)(f"{_name(path)}: {error}") from error
    except MemoryError as error:
        raise ImageError(f"{_name(path)}: not enough memory to decode it; reduce it, or use fewer threads") from error
    except Exception as error:
        reason = printable(" ".join(str(error).split())[:120]) or type(error).__name__
        raise ImageError(f"{_name(path)}: damaged, or of a kind that is not read ({reason}); copy or export it again") from error


def _name(path: Path) -> str:
    """File name without its folders, which may name a patient, and fit for one line."""
    return printable(path.name)
