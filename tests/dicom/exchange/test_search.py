"""Queries: pages, bounds, and identifiers that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.dicom.exchange.objects import small, uids, web
from tests.dicom.sources import US, uid
from usseg_monai.dicom.exchange import search
from usseg_monai.dicom.exchange.search import check_query, check_uid, find_objects, find_series, is_uid
from usseg_monai.dicom.exchange.session import connect
from usseg_monai.dicom.exchange.stow import stow
from usseg_monai.errors import ArchiveError, UsageError


@pytest.mark.parametrize("at_most", [1000, 2])
def test_all_pages_are_asked_for_whatever_a_page_holds(at_most: int, tmp_path: Path) -> None:
    files = small(tmp_path, 5)
    with web() as (service, address):
        stow(files, address)
        service.at_most = at_most
        client, _ = connect(address)
        assert find_series(client, {"StudyInstanceUID": uid("study")}) == [(uid("study"), uid("series", US))]
        assert find_objects(client, uid("study"), uid("series", US)) == uids(files)
        assert find_series(client, {"StudyInstanceUID": "1.2"}) == []


def test_a_service_that_knows_no_pages_ends(tmp_path: Path) -> None:
    with web() as (service, address):
        stow(small(tmp_path, 3), address)
        service.wrong = lambda method, path: service.query(path.removeprefix("/web/").split("/"), {})
        client, _ = connect(address)
        assert len(find_objects(client, uid("study"), uid("series", US))) == 3


def test_too_many_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with web() as (_, address):
        stow(small(tmp_path, 3), address)
        client, _ = connect(address)
        monkeypatch.setattr(search, "_MOST_OBJECTS", 3)
        assert len(find_objects(client, uid("study"), uid("series", US))) == 3
        monkeypatch.setattr(search, "_MOST_OBJECTS", 2)
        with pytest.raises(ArchiveError, match="more than 2 objects"):
            find_objects(client, uid("study"), uid("series", US))


@pytest.mark.parametrize("value", ["../../etc/passwd", "1/2", "", "1" * 65, "1.2\n", "C:1", 7, None])
def test_what_is_no_identifier_is_not_used(value: object) -> None:
    with web() as (service, address):
        content = json.dumps([{"00080018": {"vr": "UI", "Value": [value]}}]).encode()
        service.wrong = lambda method, path: (200, "application/dicom+json", content)
        client, _ = connect(address)
        with pytest.raises(ArchiveError, match="as an identifier, which is none"):
            find_objects(client, "1.2", "1.3")


def test_identifiers_of_the_user() -> None:
    assert check_uid("1.2.840.099") == "1.2.840.099" and is_uid("1" * 64) and not is_uid("1.")
    with pytest.raises(UsageError, match="digits and dots"):
        check_uid("1.2/3")


@pytest.mark.parametrize(
    ("text", "words"), [("Modalty=US", "did you mean 'Modality'"), ("Modality", "no value"), ("Modality=", "no value")]
)
def test_queries_of_the_user(text: str, words: str) -> None:
    assert check_query("PatientID=a=b") == ("PatientID", "a=b")
    with pytest.raises(UsageError, match=words):
        check_query(text)
