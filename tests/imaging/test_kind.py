from __future__ import annotations

import gzip

import pytest

from tests.imaging.samples import FORMATS, dicom_bytes, picture, pillow_bytes, sample
from usseg_monai.errors import ImageError
from usseg_monai.imaging import kind as module
from usseg_monai.imaging.kind import kind_of


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_by_its_beginning(name: str) -> None:
    expected = {"mha": "metaimage", **dict.fromkeys(("mp4", "mov", "avi"), "video")}.get(name.partition("_")[0], name.partition("_")[0])
    assert kind_of(sample(name)) == kind_of(memoryview(sample(name))[:4096]) == expected


def test_big_tiff_and_either_byte_order() -> None:
    assert kind_of(pillow_bytes(picture(), "TIFF", big_tiff=True)) == "tiff"
    assert [kind_of(magic + bytes(100)) for magic in (b"MM\0*", b"MM\0+")] == ["tiff", "tiff"]


def test_a_dicom_preamble_that_looks_like_another_format() -> None:
    assert kind_of(pillow_bytes(picture(), "TIFF")[:128] + dicom_bytes(picture())[128:]) == "dicom"


def test_what_gzip_holds_decides_however_late_it_begins() -> None:
    empty, nifti = gzip.compress(b""), sample("nifti")
    members = (module._GZIP_HEAD - 4096) // len(empty)
    assert kind_of(members * empty + gzip.compress(nifti)) == "nifti"
    for data in (gzip.compress(b"a text"), 2 * members * empty + gzip.compress(nifti)):
        with pytest.raises(ImageError, match="a gzip file that holds no NIfTI, which is not read; unpack it"):
            kind_of(data)


def test_what_is_no_image_is_named_if_it_is_known() -> None:
    with pytest.raises(ImageError, match=r"^a GIF, which is not read; save its pictures as PNG"):
        kind_of(b"GIF89a" + bytes(100))
    with pytest.raises(ImageError, match=r"the content is not PNG, .* \(the extension is ignored\)$"):
        kind_of(b"a text")
    with pytest.raises(ImageError, match=r"if it holds voxels whose header is another file \(\.hdr, \.mhd\), save both as one file$"):
        kind_of(b"\0voxels")
