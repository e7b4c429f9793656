"""Tells the format of a file by its first bytes; its name does not matter."""

from __future__ import annotations

import zlib
from contextlib import suppress

from usseg_monai.errors import ImageError
from usseg_monai.imaging.formats.dicom_kind import HEAD, looks_like_dicom

__all__ = ["kind_of"]

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


def kind_of(data: bytes | memoryview) -> str:
    """Format of a file, as in `Source.format`, from its first bytes; a few thousand are enough.

    Raises:
        ImageError: not a supported format.

    >>> kind_of(b"BM" + bytes(100))
    'bmp'
    """
    if looks_like_dicom(bytes(data[:HEAD])):  # first: a DICOM preamble may look like any other format
        return "dicom"
    head = bytes(data[:348])
    for magic, kind in _RASTER_MAGIC.items():
        if head.startswith(magic):
            return kind
    from usseg_monai.imaging import unread  # late: pictures, the most common files, do not need it
    from usseg_monai.imaging.formats import metaimage, nifti, nrrd, video
    from usseg_monai.imaging.formats.volume import Inflated

    if head.startswith(nrrd.MAGIC):
        return "nrrd"
    if metaimage.is_metaimage(head[:64]):
        return "metaimage"
    if video.is_video(head):
        return "video"
    if head.startswith(b"\x1f\x8b"):
        with suppress(ImageError, zlib.error):  # ends early, or holds something else
            # only the beginning: there may be any number of empty members
            head = bytes(Inflated(data[:_GZIP_HEAD]).read(0, 348))
    if nifti.is_nifti(head):
        return "nifti"
    raise _unread(bytes(data[: unread.HEAD]))


def _unread(head: bytes) -> ImageError:
    from usseg_monai.imaging.unread import describe_unread

    if known := describe_unread(head):
        return ImageError(known)
    pair = "; if it holds voxels whose header is another file (.hdr, .mhd), save both as one file" if b"\0" in head else ""
    return ImageError(
        f"not an image: the content is not PNG, JPEG, TIFF, BMP, NIfTI, NRRD, MHA, DICOM, MP4, MOV or AVI (the extension is ignored){pair}"
    )
