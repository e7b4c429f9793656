"""Zips: their files in natural order, and nothing that costs more than it may."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pytest

from usseg_monai.errors import ImageError
from usseg_monai.files.png import encode_png
from usseg_monai.web import archives
from usseg_monai.web.archives import MOST_RATIO, members

PNG = encode_png(np.arange(100, dtype=np.uint8).reshape(10, 10))


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    file.seek(0)
    return file


def test_files_come_in_natural_order_without_folders_that_lead_out() -> None:
    found = list(members(zipped({"a/10.png": PNG, "a/2.png": PNG, "../../1.png": PNG, "C:\\x\\b.png": PNG, "__MACOSX/a/._2.png": b"x"})))
    assert [member.name for member in found] == ["1.png", "C:/x/b.png", "a/2.png", "a/10.png"]
    assert all(member.content == PNG and not member.refusal for member in found)


def test_what_is_no_picture_is_left_out_with_a_reason() -> None:
    found = {member.name: member.refusal for member in members(zipped({"a.txt": b"hello", "b.zip": zipped({"c.png": PNG}).getvalue()}))}
    assert "not an image" in found["a.txt"] and "a zip in a zip" in found["b.zip"]


def test_a_bomb_is_refused_before_it_unpacks(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped({"bomb.bmp": b"BM" + bytes(30 << 20)})
    assert len(bomb.getvalue()) < 1 << 20
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    (member,) = members(bomb)
    assert not member.content and str(MOST_RATIO) in member.refusal


@pytest.mark.parametrize("beyond", [0, 1])
def test_number_of_files(monkeypatch: pytest.MonkeyPatch, beyond: int) -> None:
    monkeypatch.setattr(archives, "MOST_FILES", 3)
    zip_ = zipped({f"{number}.png": PNG for number in range(3 + beyond)})
    if beyond:
        with pytest.raises(ImageError, match="4 files"):
            list(members(zip_))
    else:
        assert len(list(members(zip_))) == 3


@pytest.mark.parametrize("beyond", [0, 1])
def test_bytes_of_all_files(monkeypatch: pytest.MonkeyPatch, beyond: int) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 2 * len(PNG) - beyond)
    zip_ = zipped({"1.png": PNG, "2.png": PNG})
    if beyond:
        with pytest.raises(ImageError, match="unpacks to more than"):
            list(members(zip_))
    else:
        assert len(list(members(zip_))) == 2


@pytest.mark.parametrize("beyond", [0, 1])
def test_ratio(monkeypatch: pytest.MonkeyPatch, beyond: int) -> None:
    """Of a stored file it is 1."""
    monkeypatch.setattr(archives, "_RATIO_FROM", 10)
    monkeypatch.setattr(archives, "MOST_RATIO", 1 - beyond)
    (member,) = members(zipped({"1.png": PNG}, zipfile.ZIP_STORED))
    assert bool(member.refusal) == bool(beyond)


def test_a_file_that_unpacks_to_more_than_it_declares() -> None:
    zip_ = zipped({"1.png": PNG + bytes(1000)}).getvalue()
    lie = zip_.replace(struct.pack("<I", len(PNG) + 1000), struct.pack("<I", len(PNG)))
    assert lie != zip_
    with pytest.raises(ImageError, match="damaged"):
        list(members(io.BytesIO(lie)))


def test_encrypted_and_damaged() -> None:
    zip_ = bytearray(zipped({"1.png": PNG}).getvalue())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        zip_[zip_.index(magic) + offset] |= 1
    (member,) = members(io.BytesIO(bytes(zip_)))
    assert "password" in member.refusal
    with pytest.raises(ImageError, match="damaged"):
        list(members(io.BytesIO(bytes(zip_)[: len(zip_) // 2])))
