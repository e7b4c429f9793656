"""Which files of a folder could be images: by their names first, by their first bytes where names cannot tell.

DICOM files have any name: ``IM_0001``, ``MR.1.2.840.113``, ``i0001.MRDC.1``, ``CINE.MR.0003.0001.IMA``. So every name that is not that of
another kind of file stands for what may be an image, and its first bytes decide.
"""

from __future__ import annotations

import os
import re
import stat

from usseg_monai.imaging.dicom_kind import looks_like_dicom

__all__ = ["NO_IMAGES", "may_be_image", "says_image"]

_OTHERS = {
    "text, documents, tables": "txt text log md rst tex csv tsv json jsonl geojson yaml yml toml ini cfg conf xml xsd xsl html htm css pdf "
    "ps eps rtf odt ods odp doc docx xls xlsx xlsm ppt pptx bib sql url desktop webloc lnk nfo",
    "programs": "py pyc pyi pyx ipynb rdata rds sh bash bat cmd ps1 js ts cc cpp hpp cu java jar class go rs so dll dylib exe lib whl",
    "archives, disk images": "zip rar 7z tar tgz gz bz2 xz zst lz4 iso dmg",
    "weights, arrays, tables in binary form": "pt pth ckpt onnx safetensors pb tflite pkl pickle npy npz mat h5 hdf5 parquet feather arrow "
    "db sqlite sqlite3",
    "sound, film, drawings, surfaces": "wav mp3 m4a flac mp4 m4v avi mov mkv wmv webm svg ai psd stl obj ply vtk vtp vti off",
    "what programs leave behind": "bak old orig tmp temp part partial crdownload download swp lock md5 sha1 sha256 sha512 sum sig asc dvc",
}

NO_IMAGES: frozenset[str] = frozenset(end for ends in _OTHERS.values() for end in ends.split())
"""Ends of names, in lower case and without their dot, of files that are no images; they are not opened."""

_LAST = re.compile(r"\.([^.]*[a-z][^.]*?)(?:\.gz|\.bz2|\.xz)?$", re.IGNORECASE)
_HEAD = 1024
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"NRRD000")


def may_be_image(path: str) -> bool:
    """Whether a file with this name may be an image, as far as names tell.

    >>> [may_be_image(name) for name in ("IM_0001", "MR.1.2.840", "i0001.MRDC.1", "heart.IMA", "notes.TXT", "1.dcm.bak", "1.png~")]
    [True, True, True, True, False, False, False]
    """
    name = os.path.basename(path)
    match = _LAST.search(name)
    return not name.endswith("~") and (match is None or match[1].lower() not in NO_IMAGES)


def says_image(path: str) -> bool:
    """Whether the first bytes of a file are those of an image: of DICOM, PNG, JPEG, TIFF, NIfTI, NRRD or MetaImage.

    A kind that scanners and their archives write and that is not read (a NIfTI pair, JPEG 2000) is one, too: its row says so. A pipe or a
    device is not opened.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            head = os.read(descriptor, _HEAD)
        finally:
            os.close(descriptor)
    except OSError:
        return False
    from usseg_monai.imaging.metaimage import is_metaimage  # late: only files whose names do not say what they are need them
    from usseg_monai.imaging.nifti import is_nifti
    from usseg_monai.imaging.unread import is_unread_image

    return head.startswith(_MAGIC) or is_nifti(head) or is_metaimage(head[:64]) or looks_like_dicom(head) or is_unread_image(head)
