"""Functional groups: what a frame says of itself goes before what all frames share."""

from __future__ import annotations

import pytest

from tests.imaging.formats.test_dicom_elements import EXPLICIT, ITEM, ITEM_END, OPEN, SEQUENCE_END, element
from usseg_monai.errors import ImageError
from usseg_monai.imaging.formats.dicom_elements import Budget, read_elements
from usseg_monai.imaging.formats.dicom_groups import MEASURES, PER_FRAME, POSITION, SHARED, TAGS, Groups

SPACING = 0x00280030


def sequence(tag: int, *items: bytes, undefined: bool) -> bytes:
    if not undefined:
        return element(tag, "SQ", b"".join(element(ITEM, "", item) for item in items))
    body = b"".join(element(ITEM, "", item + element(ITEM_END, "", b""), length=OPEN) for item in items)
    return element(tag, "SQ", body + element(SEQUENCE_END, "", b""), length=OPEN)


def groups(frames: int, *elements: bytes) -> Groups:
    data = b"".join(elements)
    dataset, _ = read_elements(memoryview(data), 0, len(data), EXPLICIT, TAGS, Budget())
    return Groups(dataset, frames)


def steps(found: Groups, index: int) -> tuple[float, ...] | None:
    return found.find(index, MEASURES, frozenset((SPACING,))).numbers(SPACING, "DS", 2)


@pytest.mark.parametrize("undefined", [True, False])
def test_own_and_shared_groups(undefined: bool) -> None:
    def measures(value: bytes) -> bytes:
        return sequence(MEASURES, element(SPACING, "DS", value), undefined=undefined)

    other = sequence(POSITION, b"", undefined=undefined)
    shared = sequence(SHARED, measures(b"9\\9 "), undefined=undefined)
    own = sequence(PER_FRAME, measures(b"1\\2 "), other, measures(b"3\\4 "), undefined=undefined)
    found = groups(3, shared, own)
    assert [steps(found, index) for index in (0, 1, 2, 0, 7)] == [(1, 2), (9, 9), (3, 4), (1, 2), (9, 9)]
    assert found and found.per_frame == 3


def test_no_more_groups_than_frames_are_looked_at() -> None:
    own = sequence(PER_FRAME, *[b""] * 100, undefined=False)
    assert groups(7, own).per_frame == 7


def test_a_file_without_groups() -> None:
    found = groups(1, element(0x00080060, "CS", b"US"))
    assert not found and steps(found, 0) is None


def test_the_groups_of_one_frame_are_bounded() -> None:
    crowd = element(0x00080060, "CS", b"MR")
    shared = sequence(SHARED, sequence(MEASURES, element(SPACING, "DS", b"9\\9 "), undefined=False), undefined=False)
    assert steps(groups(1, shared, sequence(PER_FRAME, crowd * 9_999, undefined=False)), 0) == (9, 9)
    with pytest.raises(ImageError, match="more than 10000 elements"):
        steps(groups(1, shared, sequence(PER_FRAME, crowd * 10_001, undefined=False)), 0)
