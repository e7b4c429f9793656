"""Copies whole series from a DICOMweb service to ``FOLDER/STUDY/SERIES/OBJECT.dcm``: the implementation of ``usseg dicom pull``.

A file is there whole or not at all, so that a copy that was interrupted goes on where it was.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pydicom
import requests

from usseg_monai.dicom.exchange.address import WebAddress
from usseg_monai.dicom.exchange.multipart import boundary_of, split_parts
from usseg_monai.dicom.exchange.search import find_objects, find_series
from usseg_monai.dicom.exchange.session import connect, one_line_errors, sound_answers
from usseg_monai.errors import ArchiveError, OutputError
from usseg_monai.files.write import is_temporary
from usseg_monai.runs.lock import lock_folder

__all__ = ["Copied", "pull"]

_LARGEST_OBJECT = 2 << 30
_FREE = 200 << 20  # bytes that stay free on the disk
_LOOK_EVERY = 16 << 20  # bytes, for room on the disk
_CHUNK = 1 << 16
_AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_AGAIN = "run the same command again: it goes on where it was"
_TIMEOUT_S = 10, 120


@dataclass
class Copied:
    """What was copied.

    Attributes:
        folder: that holds the series.
        series: number of series that matched.
        copied: number of objects that were copied.
        kept: number of objects that were there before.
        failed: reason by identifier of the object.
    """

    folder: Path
    series: int = 0
    copied: int = 0
    kept: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def pull(address: WebAddress, folder: Path, queries: Sequence[Mapping[str, str]]) -> Copied:
    """Copy the series that match one of the queries, as they are stored.

    Args:
        address: of the service.
        folder: is made as needed; other files in it stay.
        queries: values by keyword of DICOM; at least one each.

    Returns:
        The numbers. An object that the service lists and does not give is in `Copied.failed`.

    Raises:
        ArchiveError: the service cannot be reached, has gone, or answers wrongly; what was copied stays.
        OutputError: the folder cannot be written to, has no room, or is in use by another command.
    """
    done = Copied(folder)
    client, session = connect(address)
    with session, lock_folder(folder):
        with one_line_errors(address, _AGAIN), sound_answers(address):
            found = dict.fromkeys(key for query in queries for key in find_series(client, query))
        done.series = len(found)
        for study, series in found:
            with one_line_errors(address, _AGAIN), sound_answers(address):
                wanted = find_objects(client, study, series)
            with one_line_errors(address, _AGAIN):
                place = _place(folder, study, series)
                there = {uid for uid in wanted if _file(place, uid).is_file()}
                done.kept += len(there)
                missing = [uid for uid in wanted if uid not in there]
                url = f"{address.url}/studies/{study}/series/{series}"
                if len(missing) == len(wanted) > 1:
                    done.copied += _copy(session, url, place, (study, series), missing)
                    missing = [uid for uid in missing if not _file(place, uid).is_file()]
                for uid in missing:
                    arrived = _copy(session, f"{url}/instances/{uid}", place, (study, series), [uid])
                    done.copied += arrived
                    if not arrived:
                        done.failed[uid] = "the archive lists it, and does not give it"
    return done


def _place(folder: Path, study: str, series: str) -> Path:
    """The folder of a series, without what an interrupted copy left; nothing outside of the folder is touched."""
    place = folder / study / series
    if place.is_symlink() or place.parent.is_symlink():
        raise OutputError(f"{place} is a link, or lies in one, which is not followed: remove it, or give another folder")
    try:
        place.mkdir(parents=True, exist_ok=True)
        for file in place.iterdir():
            if is_temporary(file.name):
                file.unlink()
    except OSError as error:
        raise OutputError(f"{place}: cannot be written ({error.strerror}); give another folder") from error
    return place


def _file(place: Path, uid: str) -> Path:
    return place / f"{uid}.dcm"


def _copy(session: requests.Session, url: str, place: Path, names: tuple[str, str], wanted: Collection[str]) -> int:
    """Copy the objects of an answer that are wanted; their number. An answer "not found" holds none."""
    open_ = set(wanted)
    with session.get(url, headers={"Accept": _AS_STORED}, stream=True, timeout=_TIMEOUT_S) as answer:
        if answer.status_code == requests.codes.not_found:
            return 0
        answer.raise_for_status()
        boundary = boundary_of(answer.headers.get("Content-Type", ""))
        chunks = answer.iter_content(_CHUNK)
        pieces = split_parts(chunks, boundary) if boundary else _single(chunks)
        for temporary in _files(pieces, place):
            uid = _identity(temporary, names)
            if uid is not None and uid in open_:
                try:
                    os.replace(temporary, _file(place, uid))
                except OSError as error:
                    raise OutputError(f"{_file(place, uid)}: cannot be written ({error.strerror}); remove what is there") from error
                open_.discard(uid)
    return len(set(wanted)) - len(open_)


def _single(chunks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """An answer that is one object without parts, as some services give it."""
    for chunk in chunks:
        yield chunk, False
    yield b"", True


def _files(pieces: Iterator[tuple[bytes, bool]], place: Path) -> Iterator[Path]:
    """Write each part to a file, which is removed unless it is renamed meanwhile."""
    for piece, last in pieces:
        temporary = place / f".{secrets.token_hex(8)}.dcm"
        size = looked = 0
        try:
            with temporary.open("xb") as file:
                while True:
                    size += len(piece)
                    if size > _LARGEST_OBJECT:
                        raise ArchiveError(f"an object of more than {_LARGEST_OBJECT >> 20} MB: it is not copied")
                    if size >= looked:
                        _check_room(place)
                        looked = size + _LOOK_EVERY
                    file.write(piece)
                    if last:
                        break
                    piece, last = next(pieces)
            yield temporary
        except OSError as error:
            if isinstance(error, requests.RequestException):  # is an OSError, too
                raise
            raise OutputError(f"{place}: cannot be written ({error.strerror}); make room, or give another folder") from error
        finally:
            with suppress(OSError):
                temporary.unlink()


def _check_room(place: Path) -> None:
    if shutil.disk_usage(place).free < _FREE:
        raise OutputError(f"{place}: less than {_FREE >> 20} MB are free; make room, then run the same command again")


def _identity(file: Path, names: tuple[str, str]) -> str | None:
    """Identifier of the object in a file; ``None`` if it is of another series, or no DICOM."""
    keywords = ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]
    try:
        header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=keywords)
        study, series, uid = (str(header.get(keyword, "")) for keyword in keywords)
    except Exception:  # on damaged bytes pydicom raises anything
        return None
    return uid if (study, series) == names else None
