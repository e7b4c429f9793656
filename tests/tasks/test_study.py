"""Frames of studies: which are of volumes, and what was measured of them."""

from __future__ import annotations

import pytest

from tests.tasks.left_ventricle.slices import frame
from usseg_monai.imaging import Place

ALONG_Z = Place("MR", "1", "2", (0.0, 0.0, 8.0), (0.0, 0.0, 1.0))


@pytest.mark.parametrize(
    ("file", "place", "of_volume"),
    [
        ("a/heart.nii", Place(), True),
        ("a/HEART.NII.GZ", Place(), True),
        ("a/heart.dcm", Place(), False),
        ("a/IM_0001", Place(), False),
        ("a/IM1.img", ALONG_Z, False),
        ("a/IM1.img", Place(modality="MR"), False),
        ("a/IM1.img", Place(instance="1"), False),
    ],
)
def test_files_that_hold_whole_stacks(file: str, place: Place, of_volume: bool) -> None:
    item = frame(file, place, 1.0)
    assert item.of_volume == of_volume and (item.file, item.folder) == (file, "/data/a")


def test_copies_are_measured_alike() -> None:
    first, copy, other = frame("1.dcm", ALONG_Z, 7.0), frame("2.dcm", ALONG_Z, 7.0), frame("1.dcm", ALONG_Z, 7.5)
    assert first.measured() == copy.measured() != other.measured()
