from __future__ import annotations

from dataclasses import replace

import pytest

from tests.inference.slices import frame
from usseg_monai.imaging import Place
from usseg_monai.inference.study_frames import by_position

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


def test_slices_by_their_position() -> None:
    oblique = replace(ALONG_Z, normal=(0.6, 0.0, 0.8), position_mm=(10.0, 5.0, 20.0))
    assert [position_mm for position_mm, _ in by_position([frame("1", oblique, 1.0)]) or []] == pytest.approx([22.0])
    frames = [frame(f"{z}", replace(ALONG_Z, position_mm=(x, 0.0, z)), 1.0) for x, z in ((0.0, 16.0), (3.0, 0.0), (0.0, 8.0), (-9.0, 8.2))]
    assert [(position_mm, len(part)) for position_mm, part in by_position(frames) or []] == [(0.0, 1), (8.0, 2), (16.0, 1)]
    assert by_position([*frames, frame("x", replace(ALONG_Z, position_mm=None), 1.0)]) is None
    assert by_position([*frames, frame("x", oblique, 1.0)]) is None
