"""Known kinds of files that are not read: what they are, and what the user can do.

The table lets messages say more than "not an image". Only the first bytes of such a file are examined.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

__all__ = ["HEAD", "describe_unread", "is_unread_image"]

HEAD = 1024
"""Bytes of a file that are examined."""

_PICTURE = "save the picture as PNG or TIFF, or export it as DICOM"
_PICTURES = "save its pictures as PNG or TIFF each, or export them as DICOM"
_UNPACK = "unpack it, and give the files in it"
_UNPACKED = "give the unpacked file"
_CONVERT = "convert it to MP4: ffmpeg -i CLIP clip.mp4"
_ONE_FILE = "save header and voxels as one NIfTI file: nibabel.save(nibabel.load('x.hdr'), 'x.nii.gz')"
_ARRAY = "save the array as a picture, or as NIfTI with its voxel sizes"
_VOLUME = "convert it to NIfTI"
_PLAIN = "it is a text: give the image files that belong to it"


class _Kind(NamedTuple):
    at: int
    magic: bytes
    name: str
    remedy: str


_KINDS = tuple(
    _Kind(*kind)
    for kind in (
        (0, b"PK\x03\x04", "a ZIP archive", _UNPACK),
        (0, b"PK\x05\x06", "an empty ZIP archive", _UNPACK),
        (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
        (0, b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
        (0, b"\xfd7zXZ\0", "an XZ file", _UNPACK),
        (0, b"BZh", "a bzip2 file", _UNPACK),
        (0, b"\x28\xb5\x2f\xfd", "a Zstandard file", _UNPACK),
        (0, b"\x04\x22\x4d\x18", "an LZ4 file", _UNPACK),
        (257, b"ustar", "a TAR archive", _UNPACK),
        (0, b"GIF8", "a GIF", _PICTURES),
        (0, b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 file (JP2)", _PICTURE),
        (0, b"\xff\x4f\xff\x51", "a JPEG 2000 codestream", _PICTURE),
        (0, b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL file", _PICTURE),
        (0, b"\xff\x0a", "a JPEG XL file", _PICTURE),
        (0, b"II\xbc", "a JPEG XR file", _PICTURE),
        (0, b"8BPS", "a Photoshop file", _PICTURE),
        (0, b"\x76\x2f\x31\x01", "an OpenEXR file", _PICTURE),
        (0, b"#?RADIANCE", "a Radiance HDR picture", _PICTURE),
        (0, b"%PDF", "a PDF", _PICTURES),
        (0, b"%!PS", "a PostScript file", _PICTURES),
        (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document (Word, Excel, PowerPoint)", _PICTURES),
        (0, b"\x1a\x45\xdf\xa3", "a video (Matroska, WebM)", _CONVERT),
        (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a video (WMV)", _CONVERT),
        (0, b"FLV\x01", "a video (FLV)", _CONVERT),
        (0, b"\0\0\x01\xba", "a video (MPEG)", _CONVERT),
        (0, b"\0\0\x01\xb3", "a video (MPEG)", _CONVERT),
        (0, b"MATLAB 5.0", "a MATLAB file", _ARRAY),
        (0, b"MATLAB 7.3", "a MATLAB file", _ARRAY),
        (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file (MATLAB 7.3, MINC 2, ISMRMRD)", _ARRAY),
        (512, b"\x89HDF\r\n\x1a\n", "an HDF5 file (MATLAB 7.3, MINC 2, ISMRMRD)", _ARRAY),
        (0, b"\x93NUMPY", "a NumPy array", _ARRAY),
        (0, b"\x80\x04\x95", "a Python pickle", _ARRAY),
        (0, b"\x80\x05\x95", "a Python pickle", _ARRAY),
        (0, b"CDF\x01", "a NetCDF or MINC file", _VOLUME),
        (0, b"CDF\x02", "a NetCDF or MINC file", _VOLUME),
        (0, b"# vtk DataFile", "a VTK file", _VOLUME),
        (0, b"# === DATA DESCRIPTION FILE", "a Philips PAR header", _VOLUME),
        (0, b"KRETZFILE", "a GE Kretz volume of a 3-D ultrasound machine", "export it as DICOM or NIfTI"),
        (344, b"ni1\0", "the header of a NIfTI pair (.hdr and .img), or its voxels", _ONE_FILE),
        (4, b"ni2\0", "the header of a NIfTI pair (.hdr and .img)", _ONE_FILE),
        (0, b"version https://git-lfs", "a Git LFS pointer, not the file", "fetch the files first: git lfs pull"),
        (0, b"/annex/objects/", "a git-annex pointer, not the file", "fetch the files first: git annex get"),
        (0, b"\0\x05\x16\x07", "macOS metadata of a file (AppleDouble)", "give the file itself, whose name does not begin with ._"),
        (0, b"\x7fELF", "a program", "give image files"),
        (0, b"MZ", "a program", "give image files"),
        (0, b"SQLite format 3\0", "a database", "give image files"),
    )
)

_ANALYZE = "the header of an Analyze pair (.hdr and .img)"
_FROM_SCANNERS = {
    _ANALYZE,
    *(kind.name for kind in _KINDS if kind.name.startswith(("a JPEG 2000", "the header of a NIfTI pair", "a Philips PAR", "a GE Kretz"))),
}

_BRANDS = {
    b"heic": "a HEIC photograph",
    b"heix": "a HEIC photograph",
    b"mif1": "a HEIF photograph",
    b"msf1": "a HEIF photograph",
    b"avif": "an AVIF picture",
    b"avis": "an AVIF picture",
    b"crx ": "a Canon raw photograph",
}
"""Brands of files made of boxes (ISO base media); all others are videos."""

_RIFF = {b"WEBP": ("a WebP picture", _PICTURE), b"AVI ": ("a video (AVI)", _UNPACKED), b"WAVE": ("a sound", "give image files")}

_TEXTS = (
    ((b"<!doctype html", b"<html"), "an HTML page, such as a download that was refused", "download the file again, logged in"),
    ((b"<svg",), "an SVG drawing", _PICTURE),
    ((b"<?xml", b"<"), "an XML text", _PLAIN),
    ((b"{", b"["), "a JSON text", _PLAIN),
)


def describe_unread(head: bytes) -> str | None:
    """What an unsupported file is, and what to do about it, as one clause; ``None`` if its kind is unknown.

    Args:
        head: the first `HEAD` bytes of a file of an unsupported format, or all if it has fewer.

    >>> describe_unread(b"GIF89a")
    'a GIF, which is not read; save its pictures as PNG or TIFF each, or export them as DICOM'
    """
    if head.startswith(b"\x1f\x8b"):
        inner = _describe(_gunzipped(head))
        what, remedy = (f"a gzip file that holds {inner[0]}", inner[1]) if inner else ("a gzip file that holds no NIfTI", _UNPACK)
        return f"{what}, which is not read; {remedy if remedy.startswith('unpack') else f'unpack it, then {remedy}'}"
    found = _describe(head)
    return found and f"{found[0]}, which is not read; {found[1]}"


def is_unread_image(head: bytes) -> bool:
    """Whether a file is an image from a scanner or archive of a kind that is not read: folder scans do not skip it.

    >>> is_unread_image(b"KRETZFILE 1.0"), is_unread_image(b"GIF89a")
    (True, False)
    """
    found = _describe(head)
    return found is not None and found[0] in _FROM_SCANNERS


def _describe(head: bytes) -> tuple[str, str] | None:
    for kind in _KINDS:
        if head[kind.at : kind.at + len(kind.magic)] == kind.magic:
            return kind.name, kind.remedy
    if head[4:8] == b"ftyp":
        return (_BRANDS[head[8:12]], _PICTURE) if head[8:12] in _BRANDS else ("a video (MP4, QuickTime)", _UNPACKED)
    if head.startswith(b"RIFF") and head[8:12] in _RIFF:
        return _RIFF[head[8:12]]
    if head[128:132] == b"DICM":
        return "a DICOM file", _UNPACKED
    if _is_analyze(head):
        return _ANALYZE, _ONE_FILE
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for beginnings, name, remedy in _TEXTS:
        if text.startswith(beginnings) and b"\0" not in head:
            return name, remedy
    return None


def _is_analyze(head: bytes) -> bool:
    """By the size of the header and the number of dimensions, in either byte order."""
    for order in ("little", "big"):
        if head[:4] == (348).to_bytes(4, order) and len(head) >= 348:
            return 1 <= int.from_bytes(head[40:42], order) <= 7
    return False


def _gunzipped(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, HEAD)
    except zlib.error:
        return b""
