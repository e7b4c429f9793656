"""Walking over elements: what is wanted is found, what is not costs nothing, and depth, number and length are bounded."""

from __future__ import annotations

from time import process_time
from typing import Literal

import numpy as np
import pytest

from usseg_monai.errors import ImageError
from usseg_monai.imaging.formats.dicom_elements import Budget, DataSet, read_elements
from usseg_monai.imaging.formats.dicom_kind import Encoding

EXPLICIT, IMPLICIT, BIG = Encoding(False, True), Encoding(True, True), Encoding(False, False)
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
WANTED = frozenset((0x00280010, 0x00280030, 0x00081115, 0x7FE00010))
OPEN = 0xFFFFFFFF


def byte_order(encoding: Encoding) -> Literal["little", "big"]:
    return "little" if encoding.little else "big"


def tag_bytes(tag: int, encoding: Encoding = IMPLICIT) -> bytes:
    order = byte_order(encoding)
    return (tag >> 16).to_bytes(2, order) + (tag & 0xFFFF).to_bytes(2, order)


def element(tag: int, vr: str, value: bytes, encoding: Encoding = EXPLICIT, length: int | None = None) -> bytes:
    order = byte_order(encoding)
    length = len(value) if length is None else length
    if encoding.implicit or tag >> 16 == 0xFFFE:
        return tag_bytes(tag, encoding) + length.to_bytes(4, order) + value
    if vr in ("SQ", "OB", "OW", "UN", "UT"):
        return tag_bytes(tag, encoding) + vr.encode() + b"\0\0" + length.to_bytes(4, order) + value
    return tag_bytes(tag, encoding) + vr.encode() + length.to_bytes(2, order) + value


def read(data: bytes, encoding: Encoding = EXPLICIT, budget: Budget | None = None) -> DataSet:
    return read_elements(memoryview(data), 0, len(data), encoding, WANTED, budget or Budget())[0]


ROWS = element(0x00280010, "US", b"\x25\0")


@pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT, BIG])
def test_encodings(encoding: Encoding) -> None:
    value = (37).to_bytes(2, "little" if encoding.little else "big")
    data = element(0x00080060, "CS", b"US", encoding) + element(0x00280010, "US", value, encoding)
    assert read(data, encoding).number(0x00280010, "US") == 37


@pytest.mark.parametrize("vr", ["SQ", "UN"])
@pytest.mark.parametrize("closed", [True, False])
def test_sequences_are_jumped_over_whatever_their_length(vr: str, closed: bool) -> None:
    inner = Encoding(True, True) if vr == "UN" else EXPLICIT
    hidden = element(0x00280010, "US", b"\x63\0", inner)
    item = element(ITEM, "", hidden) if closed else element(ITEM, "", hidden + element(ITEM_END, "", b""), length=OPEN)
    sequence = element(0x00081140, vr, item * 3 + element(SEQUENCE_END, "", b""), length=OPEN)
    assert read(sequence + ROWS).number(0x00280010, "US") == 37


def test_a_sequence_within_a_sequence_without_lengths() -> None:
    inner = element(
        0x00081115, "SQ", element(ITEM, "", element(ITEM_END, "", b""), length=OPEN) + element(SEQUENCE_END, "", b""), length=OPEN
    )
    outer = element(ITEM, "", inner + element(ITEM_END, "", b""), length=OPEN) + element(SEQUENCE_END, "", b"")
    assert read(element(0x00081140, "SQ", outer, length=OPEN) + ROWS).number(0x00280010, "US") == 37


def test_depth_is_bounded() -> None:
    start = element(0x00081140, "SQ", b"", length=OPEN) + element(ITEM, "", b"", length=OPEN)
    assert read(start * 32 + ROWS).number(0x00280010, "US") is None  # never closed
    with pytest.raises(ImageError, match="nested more than 64 deep"):
        read(start * 33 + ROWS)


def test_the_number_of_elements_is_bounded() -> None:
    data = element(0x00080060, "CS", b"US") * 9 + ROWS
    assert read(data, budget=Budget(10)).number(0x00280010, "US") == 37
    with pytest.raises(ImageError, match="more than 9 elements"):
        read(data, budget=Budget(9))


def test_sequences_that_nobody_wants_are_quick() -> None:
    items = element(ITEM, "", b"") * 100_000
    start = process_time()
    assert read(element(0x00081140, "SQ", items + element(SEQUENCE_END, "", b""), length=OPEN) + ROWS).number(0x00280010, "US") == 37
    assert process_time() - start < 2


def test_values_are_counted_before_they_are_parsed() -> None:
    many = b"\\".join([b"1"] * 2_000_000)
    data = element(0x00280030, "DS", many, IMPLICIT)
    start = process_time()
    assert read(data, IMPLICIT).numbers(0x00280030, "DS", 2) is None
    assert process_time() - start < 0.1


@pytest.mark.parametrize(("count", "found"), [(2, (1.0, 1.0)), (3, None)])
def test_more_numbers_than_are_wanted(count: int, found: tuple[float, ...] | None) -> None:
    assert read(element(0x00280030, "DS", b"\\".join([b"1"] * count))).numbers(0x00280030, "DS", 2) == found
    assert read(element(0x00280030, "FD", np.ones(count).tobytes())).numbers(0x00280030, "DS", 2) == found


def test_pixels_that_are_cut_are_found_and_other_cut_values_are_not() -> None:
    pixels = element(0x7FE00010, "OW", b"\1\2\3\4", length=1000)
    found = read(ROWS + pixels).elements[0x7FE00010]
    assert found.end - found.begin == 4 and not found.undefined
    assert 0x00280030 not in read(ROWS + element(0x00280030, "DS", b"1", length=100))


def test_items() -> None:
    item = element(ITEM, "", ROWS)
    data = element(0x00081115, "SQ", item * 5)
    dataset = read(data)
    assert [part.number(0x00280010, "US") for part in dataset.items(0x00081115, 3, WANTED)] == [37] * 3
    assert dataset.first(0x00081115, WANTED).number(0x00280010, "US") == 37
    assert dataset.first(0x00280030, WANTED).elements == {}


def test_items_of_implicit_vr_in_a_file_of_explicit_vr() -> None:
    item = element(ITEM, "", element(0x00280010, "US", b"\x25\0", IMPLICIT))
    assert read(element(0x00081115, "SQ", item)).first(0x00081115, WANTED).number(0x00280010, "US") == 37


def test_nothing_behind_the_pixels_is_looked_at() -> None:
    data = element(0x7FE00010, "OW", b"\1\2") + b"\xff" * 50
    assert read(data).raw(0x7FE00010) == b"\1\2"


def test_a_budget_is_half_a_million_elements() -> None:
    budget = Budget()
    for _ in range(500_000):
        budget.spend()
    with pytest.raises(ImageError, match="more than 500000 elements"):
        budget.spend()
