"""DICOM told by its first bytes: with and without preamble, in every encoding, and nothing else."""

from __future__ import annotations

from io import BytesIO

import pytest

from tests.imaging.samples import FORMATS, dicom_bytes, dicom_dataset, picture, sample
from usseg_monai.imaging.formats.dicom_kind import Encoding, data_set_start, guess_encoding, looks_like_dicom

ENCODINGS = [Encoding(implicit, little) for implicit, little in ((True, True), (False, True), (False, False))]


def bare(encoding: Encoding) -> bytes:
    """A data set without preamble and file meta information."""
    dataset = dicom_dataset(picture(), StudyDate="20200101", ImageType=["ORIGINAL", "PRIMARY"])
    file = BytesIO()
    del dataset.file_meta
    dataset.save_as(file, implicit_vr=encoding.implicit, little_endian=encoding.little)
    return file.getvalue()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_bare_data_set(encoding: Encoding) -> None:
    head = bare(encoding)[:512]
    assert looks_like_dicom(head) and data_set_start(head) == 0 and guess_encoding(head) == encoding


@pytest.mark.parametrize("free", [b"\x89PNG\r\n\x1a\n", b"II*\0\x08\0\0\0", b"BM", b"\xff\xd8\xff", b"NRRD0004\n", b"\x1f\x8b\x08\0"])
def test_the_free_bytes_may_look_like_anything(free: bytes) -> None:
    whole = dicom_bytes(picture())
    assert data_set_start(free.ljust(128, b"\0") + whole[128:640]) == 132


@pytest.mark.parametrize(("cut", "start"), [(128, 4), (28, 104), (127, 5)])
def test_a_cut_preamble(cut: int, start: int) -> None:
    assert data_set_start(dicom_bytes(picture())[cut : cut + 512]) == start


def test_without_prefix() -> None:
    whole = dicom_bytes(picture())
    assert data_set_start(whole[132:644]) == 0
    assert data_set_start(whole[:128] + whole[132:644]) == 128


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "dicom"])
def test_other_formats(name: str) -> None:
    assert not looks_like_dicom(sample(name)[:512])


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"DICM",
        b"\x08\0\x05\0",
        bytes(512),
        b"\x08\0" * 256,
        b"\xff" * 512,
        bare(ENCODINGS[0])[:20],  # one element is not enough
        bytes.fromhex("0800050000000000 0800050000000000 0800050000000000"),  # tags that do not rise
        bytes.fromhex("0800050001000000 00 0800060000000000 0800080000000000"),  # an odd length
        b"\x08\0\x05\0CS\0\0\x08\0\x08\0XX\0\0\x08\0\x16\0UI\0\0",  # a VR that does not exist
    ],
)
def test_not_dicom(head: bytes) -> None:
    assert not looks_like_dicom(head)
