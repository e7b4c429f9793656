"""Frames among the fragments of compressed pixels, with every kind of offset table and none."""

from __future__ import annotations

from time import process_time

import pytest
from pydicom.encaps import encapsulate, encapsulate_extended

from usseg_monai.errors import ImageError
from usseg_monai.imaging.formats.dicom_fragments import Fragments

FRAMES = [b"\xff\xd8\xff" + bytes([number]) * (6 + 2 * number) for number in range(1, 5)]
PADDED = [frame + b"\0" * (len(frame) % 2) for frame in FRAMES]


def fragments(value: bytes, extended: bytes = b"") -> Fragments:
    data = b"before" + value
    return Fragments.of(memoryview(data), 6, len(data), extended)


def frames(found: Fragments, declared: int | None) -> list[bytes]:
    return [bytes(found.view(part, 1000)) for part in found.frames(declared)]


@pytest.mark.parametrize("has_bot", [True, False])
@pytest.mark.parametrize("parts", [1, 2, 3])
@pytest.mark.parametrize("declared", [4, None])
def test_basic_offset_table_and_none(has_bot: bool, parts: int, declared: int | None) -> None:
    assert frames(fragments(encapsulate(FRAMES, fragments_per_frame=parts, has_bot=has_bot)), declared) == PADDED


def test_extended_offset_table() -> None:
    value, offsets, _ = encapsulate_extended(PADDED)
    assert frames(fragments(value, offsets), 4) == PADDED


def test_one_frame_in_several_fragments() -> None:
    assert frames(fragments(encapsulate(FRAMES[:1], fragments_per_frame=4, has_bot=False)), 1) == PADDED[:1]


def test_run_length_frames_are_a_fragment_each() -> None:
    coded = [bytes([number]) * 64 for number in range(3)]
    assert frames(fragments(encapsulate(coded, has_bot=False)), None) == coded


def test_more_frames_than_declared_are_left_out() -> None:
    assert frames(fragments(encapsulate(FRAMES)), 2) == PADDED[:2]


@pytest.mark.parametrize("table", [(0, 9, 9, 9), (0, 1, 2, 3), (8, 28, 50, 76), (0, 0, 0, 0), (0, 9999, 99999, 999999)])
def test_a_table_that_does_not_fit_is_not_believed(table: tuple[int, ...]) -> None:
    value = encapsulate(FRAMES, has_bot=False)
    body = b"".join(offset.to_bytes(4, "little") for offset in table)
    assert frames(fragments(b"\xfe\xff\x00\xe0" + len(body).to_bytes(4, "little") + body + value[8:]), 4) == PADDED


def test_fewer_frames_than_declared() -> None:
    with pytest.raises(ImageError, match="4 compressed frames, 5 were declared"):
        fragments(encapsulate(FRAMES)).frames(5)


@pytest.mark.parametrize("value", [b"", b"\xfe\xff\x00\xe0", b"\xff\xd8\xff\xe0" * 5, b"\xfe\xff\x00\xe0\xff\xff\xff\x7f" + bytes(50)])
def test_no_items(value: bytes) -> None:
    with pytest.raises(ImageError, match="cut or damaged"):
        fragments(value)


@pytest.mark.parametrize("declared", [None, 1, 2])
def test_a_table_and_nothing_behind_it(declared: int | None) -> None:
    with pytest.raises(ImageError, match="cut or damaged"):
        frames(fragments(b"\xfe\xff\x00\xe0\0\0\0\0" + bytes(99)), declared)


def test_a_frame_larger_than_its_pixels() -> None:
    found = fragments(encapsulate([bytes(100)]))
    assert len(found.view(range(1), 100)) == 100
    with pytest.raises(ImageError, match="a compressed frame of 100 bytes"):
        found.view(range(1), 99)


def test_an_empty_frame() -> None:
    with pytest.raises(ImageError, match="cut or damaged"):
        fragments(b"\xfe\xff\x00\xe0" + bytes(4) + b"\xfe\xff\x00\xe0" + bytes(4)).view(range(1), 99)


def test_a_whole_fragment_is_not_copied() -> None:
    found = fragments(encapsulate(FRAMES))
    assert found.view(range(1), 100).obj is found.data.obj


def test_the_number_of_fragments_is_bounded() -> None:
    with pytest.raises(ImageError, match="more than 200000 fragments"):
        fragments(b"\xfe\xff\x00\xe0\0\0\0\0" * 200_002)


def test_many_frames_without_a_table_take_time_by_their_number() -> None:
    value = encapsulate([FRAMES[0]] * 5000, has_bot=False)
    start = process_time()
    found = fragments(value)
    assert sum(len(found.view(part, 1000)) for part in found.frames(5000)) == 5000 * len(PADDED[0])
    assert process_time() - start < 0.5
