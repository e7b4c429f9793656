"""Asks a DICOMweb service for series and their objects (QIDO-RS). Identifiers are checked before anything is done with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from dicomweb_client.api import DICOMwebClient
from pydicom.datadict import dictionary_has_tag, tag_for_keyword

from usseg_monai.errors import ArchiveError, UsageError, did_you_mean, quoted

__all__ = ["check_query", "check_uid", "find_objects", "find_series"]

_UID = re.compile(r"[0-9]{1,64}(\.[0-9]{1,64}){0,63}")
_LONGEST_UID = 64
_PAGE = 500
_MOST_SERIES, _MOST_OBJECTS = 10_000, 100_000
_STUDY, _SERIES, _OBJECT = "0020000D", "0020000E", "00080018"
_KEYS = (
    "PatientID",
    "AccessionNumber",
    "StudyDate",
    "StudyTime",
    "StudyDescription",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SeriesDescription",
    "SeriesNumber",
    "Modality",
)


def is_uid(text: str) -> bool:
    """Whether a text is an identifier: digits and dots, at most 64; leading zeroes, which the standard forbids, occur.

    >>> is_uid("1.2.840"), is_uid("1..2"), is_uid("../1"), is_uid("1" * 65)
    (True, False, False, False)
    """
    return len(text) <= _LONGEST_UID and _UID.fullmatch(text) is not None


def check_uid(text: str) -> str:
    """An identifier that the user gave.

    Raises:
        UsageError: it is none.
    """
    if not is_uid(text):
        raise UsageError(f"identifier {quoted(text)}: give digits and dots, at most {_LONGEST_UID}, such as 1.2.840.113619.2")
    return text


def check_query(text: str) -> tuple[str, str]:
    """Keyword and value of ``KEYWORD=VALUE``.

    Raises:
        UsageError: it is not of this form, or the keyword is none of DICOM's.

    >>> check_query("StudyDate=20260101-20260131")
    ('StudyDate', '20260101-20260131')
    """
    keyword, equals, value = text.partition("=")
    tag = tag_for_keyword(keyword)
    if tag is None or not dictionary_has_tag(tag):
        raise UsageError(f"query {quoted(text)}: give KEYWORD=VALUE, such as StudyDate=20260101-20260131{did_you_mean(keyword, _KEYS)}")
    if not equals or not value or not value.isprintable():
        raise UsageError(f"query {quoted(text)}: no value; give {keyword}=VALUE")
    return keyword, value


def find_series(client: DICOMwebClient, query: Mapping[str, str]) -> list[tuple[str, str]]:
    """Identifiers (study, series) of the series that match.

    Args:
        client: of the service.
        query: values by keyword; a range of dates is ``FROM-TO``, ``*`` stands for any characters.

    Raises:
        ArchiveError: the service lists what is no identifier, or more than 10,000 series.
    """
    pages = _pages(lambda offset: client.search_for_series(search_filters=dict(query), limit=_PAGE, offset=offset), (_STUDY, _SERIES))
    return [(study, series) for study, series in _bounded(pages, _MOST_SERIES, "series")]


def find_objects(client: DICOMwebClient, study: str, series: str) -> list[str]:
    """Identifiers of the objects of a series.

    Raises:
        ArchiveError: the service lists what is no identifier, or more than 100,000 objects.
    """
    pages = _pages(lambda offset: client.search_for_instances(study, series, limit=_PAGE, offset=offset), (_OBJECT,))
    return [uid for (uid,) in _bounded(pages, _MOST_OBJECTS, "objects of a series")]


def _pages(ask: Callable[[int], Any], tags: Collection[str]) -> Iterator[tuple[str, ...]]:
    """Identifiers of each item, each once; pages are asked for until one brings nothing new."""
    seen: dict[tuple[str, ...], None] = {}
    offset = 0
    while True:
        page = ask(offset)
        offset += len(page)
        found = dict.fromkeys(tuple(_uid_of(item, tag) for tag in tags) for item in page)
        new = [key for key in found if key not in seen]
        if not new:
            return
        seen.update(dict.fromkeys(new))
        yield from new


def _bounded(found: Iterator[tuple[str, ...]], most: int, what: str) -> list[tuple[str, ...]]:
    result: list[tuple[str, ...]] = []
    for key in found:
        if len(result) == most:
            raise ArchiveError(f"the archive lists more than {most} {what}: narrow the query")
        result.append(key)
    return result


def _uid_of(item: Mapping[str, Any], tag: str) -> str:
    value = item[tag]["Value"][0]
    if not isinstance(value, str) or not is_uid(value):
        raise ArchiveError(f"the archive lists {quoted(value)} as an identifier, which is none: nothing of it is copied")
    return value
