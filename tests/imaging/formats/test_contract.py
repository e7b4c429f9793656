"""Every format keeps what all of them promise."""

from __future__ import annotations

from tests.contracts.format import FormatContract
from tests.imaging.samples import FORMATS, WITH_SPACING


class TestPNG(FormatContract):
    name, kind = "png", "png"


class TestJPEG(FormatContract):
    name, kind, tolerance = "jpeg", "jpeg", 16


class TestTIFF(FormatContract):
    name, kind = "tiff", "tiff"


class TestDeflatedTIFF(FormatContract):
    name, kind = "tiff_deflate", "tiff"


class TestBMP(FormatContract):
    name, kind, tail = "bmp", "bmp", 3  # rows are filled up to four bytes


class TestNIfTI(FormatContract):
    name, kind, spacing = "nifti", "nifti", True


class TestPackedNIfTI(FormatContract):
    name, kind, spacing = "nifti_gz", "nifti", True


class TestNRRD(FormatContract):
    name, kind, spacing = "nrrd", "nrrd", True


class TestPackedNRRD(FormatContract):
    name, kind, spacing = "nrrd_gz", "nrrd", True


class TestMetaImage(FormatContract):
    name, kind, spacing = "mha", "metaimage", True


class TestPackedMetaImage(FormatContract):
    name, kind, spacing = "mha_zlib", "metaimage", True


class TestDICOM(FormatContract):
    name, kind, spacing, tail = "dicom", "dicom", True, 1  # an even number of bytes


class TestMP4(FormatContract):
    name, kind = "mp4", "video"


class TestMOV(FormatContract):
    name, kind = "mov", "video"


class TestAVI(FormatContract):
    name, kind = "avi", "video"


def test_every_format_is_held_to_the_contract() -> None:
    tests = (test for test in globals().values() if isinstance(test, type) and issubclass(test, FormatContract))
    held = {test.name: test for test in tests if test is not FormatContract}
    assert held.keys() == set(FORMATS)
    assert {name for name, test in held.items() if test.spacing} == set(WITH_SPACING)
