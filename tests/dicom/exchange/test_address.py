"""Addresses of archives."""

from __future__ import annotations

import pytest

from usseg_monai.dicom.exchange.address import Entity, WebAddress, check_aet, parse_entity, parse_target, parse_url
from usseg_monai.errors import UsageError


def test_both_kinds_are_read() -> None:
    assert parse_target("MY PACS@[::1]:11112") == Entity("MY PACS", "::1", 11112)
    assert parse_target("A@host-1.example:1") == Entity("A", "host-1.example", 1)
    assert parse_target("http://h:8042/dicom-web/") == WebAddress("http://h:8042/dicom-web")


@pytest.mark.parametrize(
    "text", ["", "host:104", "A@host", "A@host:", "A@host:0", "A@host:65536", "A@:104", "A@h st:1", "A@host:1x", "A@a/b:1"]
)
def test_what_is_no_entity_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="AET@HOST:PORT"):
        parse_entity(text)


@pytest.mark.parametrize("aet", ["", " A", "A ", "A" * 17, "A\\B", "Ä", "A\n"])
def test_titles_are_those_of_the_standard(aet: str) -> None:
    with pytest.raises(UsageError, match="AE title"):
        check_aet(aet)


def test_a_title_has_sixteen_characters_at_most() -> None:
    assert check_aet("A" * 16) == "A" * 16 and check_aet("a b") == "a b"


@pytest.mark.parametrize(
    "url", ["ftp://h/x", "http://", "http:///x", "https://h/x?a=b", "https://h/x#a", "http://h:0/x", "http://h:x/", "http://h/\n"]
)
def test_what_is_no_service_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="root of a DICOMweb service"):
        parse_url(url)


def test_a_password_on_the_command_line_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="USSEG_DICOMWEB_PASSWORD") as caught:
        parse_target("https://me:secret@host/dicom-web")
    assert "secret" not in str(caught.value) and "me:" not in str(caught.value)
