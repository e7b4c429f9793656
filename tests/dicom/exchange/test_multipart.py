"""Splitting answers of several parts, wherever the chunks are cut."""

from __future__ import annotations

import pytest

from usseg_monai.dicom.exchange import multipart
from usseg_monai.dicom.exchange.multipart import boundary_of, split_parts
from usseg_monai.errors import ArchiveError

CONTENTS = [b"first\r\n--almost", b"", b"\r\n\r\nthird\r\n", b"x" * 300]
BODY = b"preamble\r\n" + b"".join(b"--edge\r\nContent-Type: a\r\n\r\n" + content + b"\r\n" for content in CONTENTS) + b"--edge--epilogue"


def contents(body: bytes, size: int) -> list[bytes]:
    found, here = [], b""
    for piece, last in split_parts((body[at : at + size] for at in range(0, len(body), size)), b"edge"):
        here += piece
        if last:
            found.append(here)
            here = b""
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_parts_are_whole_wherever_chunks_are_cut(size: int) -> None:
    assert contents(BODY, size) == CONTENTS
    assert contents(b"--edge\r\n\r\n" + b"a\r\n--edge--", size) == [b"a"]
    assert contents(b"--edge--", size) == []


@pytest.mark.parametrize("cut", [0, 5, 20, 60, len(BODY) - 11, len(BODY) - 9])
def test_a_cut_answer_is_an_error(cut: int) -> None:
    with pytest.raises(ArchiveError, match="is cut"):
        contents(BODY[:cut], 16)


def test_a_head_without_an_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "_LONGEST_HEAD", 20)
    with pytest.raises(ArchiveError, match="does not end"):
        contents(b"--edge\r\n" + b"a" * 30, 8)
    with pytest.raises(ArchiveError, match="does not end"):
        contents(b"--edge\r\n" + b"a" * 30 + b"\r\n\r\nb\r\n--edge--", 100)


@pytest.mark.parametrize(
    ("kind", "boundary"),
    [
        ("multipart/related; boundary=abc", b"abc"),
        ('Multipart/Related; type="application/dicom; x"; boundary="a;b"', b"a;b"),
        ("multipart/related", None),
        ("application/dicom; boundary=abc", None),
        ("", None),
    ],
)
def test_boundaries(kind: str, boundary: bytes | None) -> None:
    assert boundary_of(kind) == boundary
