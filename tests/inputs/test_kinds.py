"""Names and first bytes of files that lie in folders of images."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.imaging.samples import dicom_bytes, picture, pillow_bytes, sample
from usseg_monai.imaging import SUFFIXES
from usseg_monai.inputs.kinds import NO_IMAGES, may_be_image, says_image

DICOM_NAMES = (
    "IM_0001",
    "IM-0001-0001",
    "00000001",
    "1.2.840.113619.2.1",
    "MR.1.2.840.113619.2.1",
    "CT.1.2.840.113619",
    "i0001.MRDC.1",
    "i1402.MRDCM.12",
    "HEART.MR.CARDIAC.0003.0001.2019.03.01.10.11.12.0.IMA",
    "slice.ima",
    "E1154S7I.1",
    "XX_0001",
    "DICOMDIR",
    "scan.PNG.1",
    "heart (copy)",
    "a.b.c",
    "export.dcm.part2",
)


@pytest.mark.parametrize("name", DICOM_NAMES)
def test_names_that_may_be_dicom(name: str) -> None:
    assert may_be_image(f"some/folder.txt/{name}")


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "TABLE.CSV",
        "run.json",
        "a.tar.gz",
        "a.csv.gz",
        "1.dcm.bak",
        "1.png~",
        "page.html",
        "weights.pt",
        "Thumbs.db",
        "x.py",
        "x.zip",
    ],
)
def test_names_of_other_files(name: str) -> None:
    assert not may_be_image(name)


def test_no_suffix_is_both() -> None:
    assert not {f".{end}" for end in NO_IMAGES} & (SUFFIXES - {".gz"})
    assert all(end == end.lower() and "." not in end for end in NO_IMAGES)


def says(path: Path, data: bytes) -> bool:
    path.write_bytes(data)
    return says_image(str(path))


def test_content_tells(tmp_path: Path) -> None:
    file = tmp_path / "file"
    whole = dicom_bytes(picture())
    assert says(file, whole)
    assert says(file, whole[132:])  # without preamble
    assert says(file, b"II*\0" + whole[4:])  # the preamble is free
    for kind in ("PNG", "JPEG", "TIFF"):
        assert says(file, pillow_bytes(picture(), kind))
    assert says(file, b"NRRD0004\ntype: uint8\n")
    assert says(file, sample("nifti")) and says(file, sample("mha"))
    assert says(file, b"ObjectType = Image\nNDims = 3\nElementDataFile = x.raw\n")  # of a pair: its row says that it is not read
    assert says(file, sample("nifti")[:344] + b"ni1\0") and says(file, sample("nifti")[:344] + bytes(4))
    assert says(file, pillow_bytes(picture(), "JPEG2000"))
    assert not says(file, pillow_bytes(picture(), "GIF"))
    for junk in (
        b"",
        b"BM is how this text begins",
        b"all: build\n",
        bytes(4096),
        np.arange(4096, dtype="<u2").tobytes(),
        b"\x7fELF" * 400,
    ):
        assert not says(file, junk)


def test_what_cannot_be_opened_is_no_image(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert not says_image(str(tmp_path / "pipe"))  # and nobody waits for a writer
    assert not says_image(str(tmp_path / "none")) and not says_image(str(tmp_path))
