"""Decides which files of a folder may be images: by name first, then by the first bytes if the name does not decide.

DICOM files may have any name: ``IM_0001``, ``MR.1.2.840.113``, ``i0001.MRDC.1``, ``CINE.MR.0003.0001.IMA``. So every file whose name does
not mark it as another type may be an image, and its first bytes decide.
"""

from __future__ import annotations

import os
import re
import stat

from usseg_monai.imaging.formats.dicom_kind import looks_like_dicom

__all__ = ["HEAD", "NO_IMAGES", "begins_like_image", "may_be_image", "says_image"]

_OTHERS = {
    "text, documents, tables": "txt text log md rst tex csv tsv json jsonl geojson yaml yml toml ini cfg conf xml xsd xsl html htm css pdf "
    "ps eps rtf odt ods odp doc docx xls xlsx xlsm ppt pptx bib sql url desktop webloc lnk nfo",
    "programs": "py pyc pyi pyx ipynb rdata rds sh bash bat cmd ps1 js ts cc cpp hpp cu java jar class go rs so dll dylib exe lib whl",
    "archives, disk images": "zip rar 7z tar tgz gz bz2 xz zst lz4 iso dmg",
    "weights, arrays, tables in binary form": "pt pth ckpt onnx safetensors pb tflite pkl pickle npy npz mat h5 hdf5 parquet feather arrow "
    "db sqlite sqlite3",
    "sound, film, drawings, surfaces": "wav mp3 m4a flac mkv wmv webm svg ai psd stl obj ply vtk vtp vti off",
    "what programs leave behind": "bak old orig tmp temp part partial crdownload download swp lock md5 sha1 sha256 sha512 sum sig asc dvc",
}

NO_IMAGES: frozenset[str] = frozenset(end for ends in _OTHERS.values() for end in ends.split())
"""File extensions, in lower case and without the dot, of files that are not images; these are not opened."""

_LAST = re.compile(r"\.([^.]*[a-z][^.]*?)(?:\.gz|\.bz2|\.xz)?$", re.IGNORECASE)
HEAD = 1024
"""Number of first bytes that show what a file is."""

_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"NRRD000")


def may_be_image(path: str) -> bool:
    """Whether a file with this name may be an image.

    >>> [may_be_image(name) for name in ("IM_0001", "MR.1.2.840", "i0001.MRDC.1", "heart.IMA", "notes.TXT", "1.dcm.bak", "1.png~")]
    [True, True, True, True, False, False, False]
    """
    name = os.path.basename(path)
    match = _LAST.search(name)
    return not name.endswith("~") and (match is None or match[1].lower() not in NO_IMAGES)


def says_image(path: str) -> bool:
    """Whether a file begins like a DICOM, PNG, JPEG, TIFF, NIfTI, NRRD or MetaImage file, or a video.

    Unsupported formats that scanners and archives write (a NIfTI pair, JPEG 2000) count as images too: their rows report it. Pipes and
    devices are not opened.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            head = os.read(descriptor, HEAD)
        finally:
            os.close(descriptor)
    except OSError:
        return False
    return begins_like_image(head)


def begins_like_image(head: bytes) -> bool:
    """Whether the first bytes of a file are those of an image; see `says_image`."""
    from usseg_monai.imaging.formats.metaimage import is_metaimage  # late: only needed for files whose names do not state their type
    from usseg_monai.imaging.formats.nifti import is_nifti
    from usseg_monai.imaging.formats.video import is_video
    from usseg_monai.imaging.unread import is_unread_image

    return (
        head.startswith(_MAGIC)
        or is_nifti(head)
        or is_metaimage(head[:64])
        or is_video(head)
        or looks_like_dicom(head)
        or is_unread_image(head)
    )
