"""The chain of directories, by itself; what is made of pages is in `test_tiff`."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

from tests.imaging.formats.test_tiff import page, tiff
from tests.imaging.samples import picture
from usseg_monai.errors import ImageError
from usseg_monai.imaging.formats.tiff_directory import read_directories, stacked_pictures


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_values_wherever_they_stand(order: str, big: bool) -> None:
    pages = read_directories(
        tiff(page(picture(), order=order, t270=b"words\0"), page(picture()[:20], order=order), order=order, big=big), 9
    )
    assert [(found.number, found.value(257, 0), found.value(256, 0)) for found in pages] == [(0, 37, 53), (1, 20, 53)]
    assert len(pages[0].values(273)) == 4 and pages[0].value(999, -5) == -5 and pages[0].values(999) == ()
    assert (pages[0].text(), pages[1].text()) == ("words\0", "")


def test_no_more_than_one_directory_beyond_the_most() -> None:
    data = tiff(*[page(picture()) for _ in range(5)])
    assert [len(read_directories(data, most)) for most in (1, 3, 4, 5, 9)] == [2, 4, 5, 5, 5]


def test_a_chain_that_leads_back() -> None:
    data = bytearray(tiff(page(picture()), page(picture())))
    (first,) = struct.unpack_from("<I", data, 4)
    data[-4:] = struct.pack("<I", first)
    assert len(read_directories(bytes(data), 9)) == 2


def test_a_directory_behind_the_end() -> None:
    with pytest.raises(struct.error):
        read_directories(b"II*\0" + struct.pack("<I", 800) + bytes(30), 9)


def test_tags_whose_values_are_not_there_are_as_if_they_were_not() -> None:
    data = tiff(page(picture()))[:-4] + bytes(4)
    at = data.index(struct.pack("<HHI", 273, 4, 4))
    (found,) = read_directories(data[: at + 8] + struct.pack("<I", len(data) - 15) + data[at + 12 :], 9)
    assert 273 not in found.tags and found.value(256, 0) == 53


def test_the_number_of_values_and_their_type() -> None:
    (found,) = read_directories(tiff(page(picture(), t40000=tuple(range(65_536)), t40001=tuple(range(65_537)), t40002=b"text")), 9)
    assert found.values(40_000)[-1] == 65_535
    for tag in (40_001, 40_002):
        with pytest.raises(ImageError, match=f"tag {tag} of a TIFF has"):
            found.values(tag)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (b"ImageJ=1.53t\nimages=7\nslices=7\n\0", 7),
        (b"ImageJ=1.53t\r\nimages=7\r\n\0", 7),
        (b"ImageJ=1.53t\nunit=mm\n\0", 1),
        (b"ImageJ=1.53t\nimages=0\n\0", 1),
        (b"made by hand\nimages=7\n\0", 1),
        (b'{"shape": [2, 3, 37, 53], "truncated": true}\0', 6),
        (b'{"shape": [2, 3, 37, 53]}\0', 1),
        (b'{"shape": [37, 53], "truncated": true}\0', 1),
    ],
)
def test_pictures_that_one_directory_stands_for(text: bytes, count: int) -> None:
    pages = read_directories(tiff(page(picture(), t270=text)), 9)
    assert stacked_pictures(pages) == count
    assert stacked_pictures(pages * 2) == 1  # every picture has its own


def test_samples_beside_a_pixel_are_no_pictures() -> None:
    colours = np.dstack([picture()] * 3)
    pages = read_directories(tiff(page(colours, t270=b'{"shape": [5, 37, 53, 3], "truncated": true}\0')), 9)
    assert stacked_pictures(pages) == 5


def test_a_directory_has_at_most_a_thousand_tags() -> None:
    def with_more(tags: int) -> bytes:
        more: dict[str, Any] = {f"t{40_000 + number}": (1,) for number in range(tags)}
        return tiff(page(picture(), **more))

    (plain,) = read_directories(with_more(0), 9)
    (full,) = read_directories(with_more(1000 - len(plain.tags)), 9)
    assert len(full.tags) == 1000
    with pytest.raises(ImageError, match="a directory of 1001 tags; at most 1000 are read"):
        read_directories(with_more(1001 - len(plain.tags)), 9)


@pytest.mark.parametrize(("length", "said"), [(1 << 16, 1 << 16), ((1 << 16) + 1, 1 << 16)])
def test_texts_are_read_up_to_64_kilobytes(length: int, said: int) -> None:
    (found,) = read_directories(tiff(page(picture(), t270=b"x" * length)), 9)
    assert len(found.text()) == said
