"""STOW: lots, the outcome of each object, and servers that fail."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from tests.dicom.exchange.objects import SEG, multipart, small, uids, unused, web
from usseg_monai.dicom.exchange import session
from usseg_monai.dicom.exchange import stow as module
from usseg_monai.dicom.exchange.address import WebAddress
from usseg_monai.dicom.exchange.stow import stow
from usseg_monai.errors import ArchiveError


def test_lots_arrive_whole_and_twice_is_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = small(tmp_path, 9)
    monkeypatch.setattr(module, "_MOST_OBJECTS", 8)
    with web() as (service, address):
        for _ in range(2):
            delivery = stow(files, address)
            assert delivery.accepted == uids(files) and not delivery.refused
        assert len(service.requests) == 4 and len(service.held) == 9
    for file, content in zip(files, service.held.values(), strict=True):
        assert pydicom.dcmread(file).PixelData in content


def test_a_lot_has_a_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = small(tmp_path, 5)
    monkeypatch.setattr(module, "_MOST_BYTES", 2 * files[0].stat().st_size)
    with web() as (service, address):
        stow(files, address)
        assert len(service.requests) == 3
        monkeypatch.setattr(module, "_MOST_BYTES", 1)
        stow(files, address)
        assert len(service.requests) == 8


def test_nothing_is_sent_of_nothing() -> None:
    with web() as (service, address):
        assert not stow([], address).accepted and not service.requests


def test_each_refusal_has_its_reason(tmp_path: Path) -> None:
    files = small(tmp_path, 4, SEG)
    names = uids(files)
    with web() as (service, address):
        service.reasons = {names[1]: 0xA700, names[2]: 0x0111}
        delivery = stow(files, address)
        assert delivery.accepted == [names[0], names[2], names[3]]  # a duplicate is there
        assert delivery.refused == {names[1]: "out of resources (A700)"}
        service.reasons = dict.fromkeys(names, 0x0122)
        assert stow(files, address).refused == dict.fromkeys(names, "this kind of object is not supported (0122)")


def test_answers_without_sequences_and_those_that_forget_an_object(tmp_path: Path) -> None:
    files = small(tmp_path, 2)
    with web() as (service, address):
        service.wrong = lambda method, path: (200, "text/plain", b"")
        assert stow(files, address).accepted == uids(files)
        service.wrong = lambda method, path: service.stow(*multipart([files[0].read_bytes()]))
        assert stow(files, address).refused == {uids(files)[1]: "the archive's answer does not mention it"}


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, "text/plain", "asks for a login: set USSEG_DICOMWEB_TOKEN"),
        (403, "text/plain", "may not do that"),
        (404, "text/html", "give the root of the DICOMweb service"),
        (409, "text/html", "answers 409"),
        (413, "text/plain", "so much at once"),
        (500, "text/plain", "answers 500: .*run the same command again"),
        (200, "application/dicom+json", "does not answer as a DICOMweb service"),
        (0, "", "cannot be reached, or has gone; run the same command again"),
    ],
)
def test_a_server_that_fails_is_one_line_that_counts_what_arrived(
    status: int, kind: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_OBJECTS", 4)
    files = small(tmp_path, 5)
    with web() as (service, address):
        service.wrong = lambda method, path: (status, kind, b"<html>") if len(service.requests) > 1 else None
        with pytest.raises(ArchiveError, match=f"{words}.*4 of 5 objects had arrived") as caught:
            stow(files, address)
        assert "\n" not in str(caught.value)
        service.wrong = lambda method, path: None
        assert len(stow(files, address).accepted) == 5 == len(service.held)


def test_no_server_and_no_certificate(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"cannot be reached.*\(0 of 1"):
        stow(small(tmp_path, 1), WebAddress(f"http://127.0.0.1:{unused()}/web"))
    with web() as (_, address), pytest.raises(ArchiveError, match="certificate"):
        stow(small(tmp_path, 1), WebAddress(address.url.replace("http:", "https:")))


def test_a_silent_server_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(session, "_TIMEOUT_S", (1, 0.2))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(ArchiveError, match="does not answer in time"):
            stow(small(tmp_path, 1), WebAddress(f"http://127.0.0.1:{silent.getsockname()[1]}"))


def test_an_endless_answer_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_LARGEST_ANSWER", 1000)
    with web() as (service, address):
        service.wrong = lambda method, path: (200, "application/dicom+json", bytes(1001))
        with pytest.raises(ArchiveError, match="an answer of more than"):
            stow(small(tmp_path, 1), address)


def test_credentials_come_from_the_environment_or_netrc_and_are_in_no_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = small(tmp_path, 1)
    with web() as (service, address):
        stow(file, address)
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        stow(file, address)
        monkeypatch.setenv("USSEG_DICOMWEB_USER", "mé")
        monkeypatch.setenv("USSEG_DICOMWEB_PASSWORD", "secret")
        stow(file, address)
        monkeypatch.setenv("USSEG_DICOMWEB_TOKEN", "secret")
        service.wrong = lambda method, path: (401, "text/plain", b"")
        with pytest.raises(ArchiveError) as caught:
            stow(file, address)
        assert "secret" not in str(caught.value)
        logins = [login for *_, login in service.requests]
    assert logins == ["", "Basic bWU6c2VjcmV0", "Basic bcOpOnNlY3JldA==", "Bearer secret"]
