"""Slices beside each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tasks.left_ventricle.slices import frame
from usseg_monai.imaging import Place
from usseg_monai.tasks.left_ventricle.frames import by_position

ALONG_Z = Place("MR", "1", "2", (0.0, 0.0, 8.0), (0.0, 0.0, 1.0))


def test_slices_by_their_position() -> None:
    oblique = replace(ALONG_Z, normal=(0.6, 0.0, 0.8), position_mm=(10.0, 5.0, 20.0))
    assert [position_mm for position_mm, _ in by_position([frame("1", oblique, 1.0)]) or []] == pytest.approx([22.0])
    frames = [frame(f"{z}", replace(ALONG_Z, position_mm=(x, 0.0, z)), 1.0) for x, z in ((0.0, 16.0), (3.0, 0.0), (0.0, 8.0), (-9.0, 8.2))]
    assert [(position_mm, len(part)) for position_mm, part in by_position(frames) or []] == [(0.0, 1), (8.0, 2), (16.0, 1)]
    assert by_position([*frames, frame("x", replace(ALONG_Z, position_mm=None), 1.0)]) is None
    assert by_position([*frames, frame("x", oblique, 1.0)]) is None


@pytest.mark.parametrize(("apart_mm", "slices"), [(0.49, 1), (0.51, 2)])
def test_frames_within_half_a_millimetre_are_one_slice(apart_mm: float, slices: int) -> None:
    frames = [frame(f"{z}", replace(ALONG_Z, position_mm=(0.0, 0.0, z)), 1.0) for z in (0.0, apart_mm)]
    assert len(by_position(frames) or []) == slices


@pytest.mark.parametrize(("cosine", "parallel"), [(0.9991, True), (-0.9991, True), (0.9989, False)])
def test_normals_within_2_6_degrees_are_parallel(cosine: float, parallel: bool) -> None:
    turned = replace(ALONG_Z, normal=((1 - cosine**2) ** 0.5, 0.0, cosine), position_mm=(0.0, 0.0, 16.0))
    assert (by_position([frame("1", ALONG_Z, 1.0), frame("2", turned, 1.0)]) is not None) == parallel
