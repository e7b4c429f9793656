"""Copying series: whole, resumed, and from services that answer wrongly."""

from __future__ import annotations

import json
from collections import namedtuple
from pathlib import Path

import pytest

from tests.dicom.exchange.objects import Web, multipart, small, uids, unused, web
from tests.dicom.sources import MR, US, uid
from usseg_monai.dicom.exchange import pull as module
from usseg_monai.dicom.exchange.address import WebAddress
from usseg_monai.dicom.exchange.pull import Copied, pull
from usseg_monai.dicom.exchange.stow import stow
from usseg_monai.errors import ArchiveError, OutputError

STUDY = {"StudyInstanceUID": uid("study")}
PLACE = Path(uid("study"), uid("series", US))


def files(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file() and file.name != ".lock"}


def retrievals(service: Web) -> list[str]:
    return [
        path.rpartition("/")[2] for method, path, *_ in service.requests if method == "GET" and "series/" in path and path[-1].isdigit()
    ]


def test_series_are_copied_as_they_are_stored_and_only_once(tmp_path: Path) -> None:
    pictures = [*small(tmp_path / "us", 3), *small(tmp_path / "mr", 2, MR)]
    with web() as (service, address):
        stow(pictures, address)
        assert pull(address, tmp_path / "out", [STUDY, STUDY]) == Copied(tmp_path / "out", 2, 5, 0, {})
        found = files(tmp_path / "out")
        assert {Path(name).stem: content for name, content in found.items()} == service.held
        assert {Path(name).parent for name in found} == {PLACE, Path(uid("study"), uid("series", MR))}
        assert len(retrievals(service)) == 2  # whole series
        assert pull(address, tmp_path / "out", [STUDY]) == Copied(tmp_path / "out", 2, 0, 5, {})
        assert len(retrievals(service)) == 2
        assert pull(address, tmp_path / "one", [{"SeriesInstanceUID": uid("series", MR)}]).copied == 2
        assert pull(address, tmp_path / "none", [{"Modality": "CT"}]) == Copied(tmp_path / "none")


def test_an_interrupted_copy_goes_on(tmp_path: Path) -> None:
    pictures = small(tmp_path / "us", 4)
    with web() as (service, address):
        stow(pictures, address)
        kind, body = multipart(list(service.held.values()))
        cut = body[: len(body) - len(list(service.held.values())[-1]) // 2]
        service.wrong = lambda method, path: (200, kind, cut) if path.endswith(uid("series", US)) else None
        with pytest.raises(ArchiveError, match="is cut; run the same command again"):
            pull(address, tmp_path / "out", [STUDY])
        assert list(files(tmp_path / "out").values()) and len(files(tmp_path / "out")) == 3
        (tmp_path / "out" / PLACE / ".0123456789abcdef.dcm").write_bytes(b"of a killed process")
        assert pull(address, tmp_path / "out", [STUDY]) == Copied(tmp_path / "out", 1, 1, 3, {})
        assert sorted(files(tmp_path / "out").values()) == sorted(service.held.values())


def test_what_a_series_lacks_is_asked_for_and_then_failed(tmp_path: Path) -> None:
    pictures = small(tmp_path / "us", 3)
    names = uids(pictures)
    with web() as (service, address):
        stow(pictures, address)
        first = multipart([service.held[names[0]]])
        service.wrong = lambda method, path: (
            (200, *first) if path.endswith(uid("series", US)) else (404, "text/plain", b"") if path.endswith(names[2]) else None
        )
        done = pull(address, tmp_path / "out", [STUDY])
        assert done == Copied(tmp_path / "out", 1, 2, 0, {names[2]: "the archive lists it, and does not give it"})


def test_a_service_without_parts(tmp_path: Path) -> None:
    (picture,) = small(tmp_path / "us", 1)
    with web() as (service, address):
        stow([picture], address)
        content = next(iter(service.held.values()))
        service.wrong = lambda method, path: (200, "application/dicom", content) if "/instances/" in path else None
        assert pull(address, tmp_path / "out", [STUDY]).copied == 1
        assert list(files(tmp_path / "out").values()) == [content]


def test_what_was_not_asked_for_is_not_kept(tmp_path: Path) -> None:
    wanted, others = small(tmp_path / "us", 1), small(tmp_path / "mr", 1, MR)
    with web() as (service, address):
        stow(wanted, address)
        answer = multipart([others[0].read_bytes(), b"no DICOM", wanted[0].read_bytes()[:40]])
        service.wrong = lambda method, path: (200, *answer) if "/instances/" in path else None
        assert list(pull(address, tmp_path / "out", [STUDY]).failed) == uids(wanted)
        assert not files(tmp_path / "out")


def test_nothing_leaves_the_folder(tmp_path: Path) -> None:
    with web() as (service, address):
        stow(small(tmp_path / "us", 1), address)
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / uid("study")).symlink_to(tmp_path / "elsewhere")
        with pytest.raises(OutputError, match="is a link"):
            pull(address, tmp_path / "out", [STUDY])
        value = {"vr": "UI", "Value": ["../elsewhere"]}
        content = json.dumps([{"0020000D": value, "0020000E": value}]).encode()
        service.wrong = lambda method, path: (200, "application/dicom+json", content)
        with pytest.raises(ArchiveError, match="which is none"):
            pull(address, tmp_path / "out", [STUDY])
        assert not list((tmp_path / "elsewhere").iterdir())


def test_bounds_of_an_object_and_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with web() as (_, address):
        stow(small(tmp_path / "us", 2), address)
        monkeypatch.setattr(module, "_LARGEST_OBJECT", 100)
        with pytest.raises(ArchiveError, match="an object of more than"):
            pull(address, tmp_path / "out", [STUDY])
        monkeypatch.setattr(module, "_LARGEST_OBJECT", 1 << 30)
        usage = namedtuple("usage", "free")
        monkeypatch.setattr("shutil.disk_usage", lambda place: usage(module._FREE - 1))
        with pytest.raises(OutputError, match="less than 200 MB are free"):
            pull(address, tmp_path / "out", [STUDY])
        assert not files(tmp_path / "out")
        monkeypatch.setattr("shutil.disk_usage", lambda place: usage(module._FREE))
        assert pull(address, tmp_path / "out", [STUDY]).copied == 2


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    names = uids(small(tmp_path / "us", 1))
    with web() as (_, address):
        stow([tmp_path / "us" / "0.dcm"], address)
        (tmp_path / "out" / PLACE / f"{names[0]}.dcm").mkdir(parents=True)
        with pytest.raises(OutputError, match="remove what is there"):
            pull(address, tmp_path / "out", [STUDY])
        (tmp_path / "file").mkdir()
        (tmp_path / "file" / uid("study")).write_text("in the way")
        with pytest.raises(OutputError, match="cannot be written"):
            pull(address, tmp_path / "file", [STUDY])


@pytest.mark.parametrize(
    ("status", "words"), [(0, "has gone; run the same command again"), (500, "answers 500"), (401, "asks for a login")]
)
@pytest.mark.parametrize("where", ["/series", "/instances", uid("series", US)])
def test_a_service_that_fails_is_one_line(status: int, words: str, where: str, tmp_path: Path) -> None:
    with web() as (service, address):
        stow(small(tmp_path / "us", 2), address)
        service.wrong = lambda method, path: (status, "text/plain", b"") if path.endswith(where) else None
        with pytest.raises(ArchiveError, match=words):
            pull(address, tmp_path / "out", [STUDY])
        service.wrong = lambda method, path: None
        assert pull(address, tmp_path / "out", [STUDY]).copied == 2


def test_nobody_there_and_no_service(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="cannot be reached"):
        pull(WebAddress(f"http://127.0.0.1:{unused()}"), tmp_path / "out", [STUDY])
    for content in (b"<html>", b"3", b'["a"]', b'{"a": 1}', b"null"):
        with web() as (service, address):
            service.wrong = lambda method, path, content=content: (200, "text/html", content)  # type: ignore[misc]
            with pytest.raises(ArchiveError, match="does not answer as a DICOMweb service"):
                pull(address, tmp_path / "out", [STUDY])
