"""The bytes of a file of any supported format to grey images, in this process and without regard to what that costs.

`decode` is the way in: it sees to it that the file is cheap, or that another process does this.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from usseg_monai.errors import ImageError, printable
from usseg_monai.imaging.dicom_kind import HEAD, looks_like_dicom
from usseg_monai.imaging.frames import Frames
from usseg_monai.imaging.grey import to_grey
from usseg_monai.imaging.image import GreyImage, Source
from usseg_monai.imaging.limits import Limits

_RASTER_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",  # BigTIFF
    b"MM\0+": "tiff",
    b"BM": "bmp",
}
_GZIP_HEAD = 1 << 16


def decoded(data: bytes | memoryview, path: Path, limits: Limits, frame: int | None) -> Iterator[GreyImage]:
    """All frames of a file, or one.

    Args:
        data: the whole file.
        path: for their `Source`.
        limits: what a file may ask for.
        frame: index from 0, or ``None`` for all.

    Raises:
        ImageError: of one line, whatever the bytes are.
    """
    with one_line_errors():
        frames = open_frames(data, kind_of(data), limits)
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


def kind_of(data: bytes | memoryview) -> str:
    """Format of a file, as `Source.format` names it, by its first bytes; some thousand are enough.

    Raises:
        ImageError: none that is read.

    >>> kind_of(b"BM" + bytes(100))
    'bmp'
    """
    if looks_like_dicom(bytes(data[:HEAD])):  # before all others: the free bytes of its preamble may look like any of them
        return "dicom"
    head = bytes(data[:348])
    for magic, kind in _RASTER_MAGIC.items():
        if head.startswith(magic):
            return kind
    from usseg_monai.imaging import metaimage, nifti, nrrd, unread  # late: pictures, the most common files, do without
    from usseg_monai.imaging.volume import Inflated

    if head.startswith(nrrd.MAGIC):
        return "nrrd"
    if metaimage.is_metaimage(head[:64]):
        return "metaimage"
    if head.startswith(b"\x1f\x8b"):
        with suppress(ImageError, zlib.error):  # it ends early, or holds something else
            # no more than its beginning: there may be any number of empty parts
            head = bytes(Inflated(data[:_GZIP_HEAD]).read(0, 348))
    if nifti.is_nifti(head):
        return "nifti"
    raise _unread(bytes(data[: unread.HEAD]))


def _unread(head: bytes) -> ImageError:
    from usseg_monai.imaging.unread import describe_unread

    if known := describe_unread(head):
        return ImageError(known)
    pair = "; if it holds voxels whose header is another file (.hdr, .mhd), save both as one file" if b"\0" in head else ""
    return ImageError(f"not an image, whatever its name says: its content is none of PNG, JPEG, TIFF, BMP, NIfTI, NRRD, MHA, DICOM{pair}")


def open_frames(data: bytes | memoryview, kind: str, limits: Limits) -> Frames:
    """Open a file of a known format; the library that it needs is loaded only now."""
    if kind == "dicom":
        from usseg_monai.imaging.dicom import open_dicom

        return open_dicom(data, limits)
    if kind == "nifti":
        from usseg_monai.imaging.nifti import open_nifti

        return open_nifti(data, limits)
    if kind == "nrrd":
        from usseg_monai.imaging.nrrd import open_nrrd

        return open_nrrd(data, limits)
    if kind == "metaimage":
        from usseg_monai.imaging.metaimage import open_metaimage

        return open_metaimage(data, limits)
    from usseg_monai.imaging.raster import open_raster

    return open_raster(data, kind, limits)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Whatever a decoder raises leaves as an `ImageError` of one line.

    Everything is caught on purpose: over damaged bytes the decoders raise SyntaxError, struct.error, KeyError, MemoryError and more, and
    none of these may end a batch.
    """
    try:
        yield
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError("not enough memory to decode it; reduce it, or use fewer threads") from error
    except Exception as error:
        reason = printable(" ".join(str(error).split())[:120]) or type(error).__name__
        raise ImageError(f"damaged, or of a kind that is not read ({reason}); copy or export it again") from error
