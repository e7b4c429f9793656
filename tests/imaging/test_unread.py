"""Files that are not read are named, and the user is told what to do."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.imaging.samples import FORMATS, picture, pillow_bytes, sample
from usseg_monai.errors import ImageError
from usseg_monai.imaging import read_image
from usseg_monai.imaging.unread import HEAD, describe_unread


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.png", sample("png"))
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("a.png")
        member.size = len(sample("png"))
        archive.addfile(member, io.BytesIO(sample("png")))
    return file.getvalue()


def numpy_array() -> bytes:
    file = io.BytesIO()
    np.save(file, picture())
    return file.getvalue()


def pair(magic: bytes = b"", order: str = "<") -> bytes:
    """The header of an Analyze or NIfTI pair."""
    header = bytearray(348)
    header[:4] = np.array(348, f"{order}i4").tobytes()
    header[40:48] = np.array([3, 50, 40, 10], f"{order}i2").tobytes()
    header[344 : 344 + len(magic)] = magic
    return bytes(header)


def boxes(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0" + brand + bytes(2000)


@pytest.mark.parametrize(
    ("data", "name", "remedy"),
    [
        (zipped(), "a ZIP archive", "unpack it"),
        (tarred(), "a TAR archive", "unpack it"),
        (gzip.compress(tarred(), mtime=0), "a gzip file that holds a TAR archive", "unpack it"),
        (gzip.compress(sample("dicom"), mtime=0), "a gzip file that holds a DICOM file", "unpack it"),
        (gzip.compress(b"nothing of ours", mtime=0), "a gzip file that holds no NIfTI", "unpack it"),
        (bz2.compress(sample("nifti")), "a bzip2 file", "unpack it"),
        (lzma.compress(sample("nifti")), "an XZ file", "unpack it"),
        (pillow_bytes(picture(), "GIF"), "a GIF", "as PNG"),
        (pillow_bytes(picture(), "WEBP"), "a WebP picture", "as PNG"),
        (pillow_bytes(picture(), "JPEG2000"), "a JPEG 2000 file", "as PNG"),
        (pillow_bytes(picture(), "JPEG2000", no_jp2=True), "a JPEG 2000 codestream", "as PNG"),
        (pillow_bytes(Image.fromarray(picture()), "PDF"), "a PDF", "as PNG"),
        (boxes(b"heic"), "a HEIC photograph", "as PNG"),
        (gzip.compress(boxes(b"isom"), mtime=0), "a gzip file that holds a video (MP4, QuickTime)", "unpack it"),
        (gzip.compress(b"RIFF\0\0\0\0AVI LIST" + bytes(1000), mtime=0), "a gzip file that holds a video (AVI)", "unpack it"),
        (b"\x1a\x45\xdf\xa3" + bytes(500), "a video (Matroska, WebM)", "convert it to MP4"),
        (numpy_array(), "a NumPy array", "save the array"),
        (b"MATLAB 5.0 MAT-file, Platform: GLNXA64".ljust(400), "a MATLAB file", "save the array"),
        (b"\x89HDF\r\n\x1a\n" + bytes(500), "an HDF5 file", "save the array"),
        (pair(), "the header of an Analyze pair", "one NIfTI file"),
        (pair(order=">"), "the header of an Analyze pair", "one NIfTI file"),
        (pair(b"ni1\0"), "the header of a NIfTI pair", "one NIfTI file"),
        (b"\n\n<!DOCTYPE html><html><body>Sign in</body></html>", "an HTML page", "download the file again"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "a Git LFS pointer", "git lfs pull"),
        (b"/annex/objects/SHA256E-s5--00.nii.gz\n", "a git-annex pointer", "git annex get"),
        (b'{"training": []}', "a JSON text", "image files that belong to it"),
        (b"KRETZFILE 1.0   " + bytes(500), "a GE Kretz volume", "export it as DICOM"),
    ],
)
def test_kinds_that_are_not_read_are_named(data: bytes, name: str, remedy: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"  # the content counts, never the name
    path.write_bytes(data)
    with pytest.raises(ImageError) as caught:
        read_image(path)
    said = str(caught.value)
    assert name in said and remedy in said and "\n" not in said and len(said) < 250


@pytest.mark.parametrize("name", [name for name in FORMATS if not name.startswith(("nifti", "dicom", "mp4", "mov", "avi"))])
def test_what_is_read_is_not_named_as_unread(name: str) -> None:
    assert describe_unread(sample(name)[:HEAD]) is None


@pytest.mark.parametrize(
    "data", [b"some text", bytes(400), b"\x1f\x8b", b"\x1f\x8b\x08" + bytes(30), pair()[:347], b"RIFF\0\0\0\0XYZ ", b"ftyp"]
)
def test_what_is_not_known_is_not_guessed(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.png"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=r"not an image: the content is not PNG|holds no NIfTI"):
        read_image(path)


def test_voxels_without_their_header(tmp_path: Path) -> None:
    path = tmp_path / "voxels.img"
    path.write_bytes(b"\1\0" * 500)
    with pytest.raises(ImageError, match=r"whose header is another file \(\.hdr, \.mhd\), save both as one file"):
        read_image(path)
