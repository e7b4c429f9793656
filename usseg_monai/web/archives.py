"""The files of a zip: counted and bounded before and while they are unpacked, never written, their names never used as paths."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from usseg_monai.errors import ImageError, printable
from usseg_monai.imaging.formats.dicom_kind import HEAD
from usseg_monai.imaging.kind import kind_of

__all__ = ["MOST_BYTES", "MOST_FILES", "MOST_RATIO", "is_zip", "members"]

MOST_FILES = 3000
"""Files of one zip."""

MOST_BYTES = 256 << 20
"""Bytes of all its files together once they are unpacked."""

MOST_RATIO = 200
"""Largest ratio of unpacked to packed bytes of a file; pictures stay far below, runs of zeros reach 1000."""

_RATIO_FROM = 1 << 20  # smaller files may have any ratio: they cost nothing
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_NUMBERS = re.compile(r"(\d+)")
_ENCRYPTED = 1


@dataclass(frozen=True)
class Member:
    """A file of a zip.

    Attributes:
        name: printable, without folders that lead out of the zip; for display only.
        content: of the file; empty if it is refused.
        refusal: why it is left out; empty if it is not.
    """

    name: str
    content: bytes
    refusal: str = ""


def is_zip(head: bytes) -> bool:
    """Whether a file that begins like this is a zip.

    >>> is_zip(b"PK\\x03\\x04 and so on"), is_zip(b"BM")
    (True, False)
    """
    return head.startswith(_ZIP)


def members(file: IO[bytes]) -> Iterator[Member]:
    """The files of a zip in the natural order of their names; those that are no images are left out with a reason.

    Raises:
        ImageError: not a zip, more files or bytes than are allowed, or it unpacks to more than it declares.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_litter(entry.filename)]
            if len(entries) > MOST_FILES:
                raise ImageError(f"{len(entries)} files in a zip: at most {MOST_FILES} are taken; split it")
            if sum(entry.file_size for entry in entries) > MOST_BYTES:
                raise ImageError(f"the zip unpacks to more than {MOST_BYTES >> 20} MB; split it")
            for entry in sorted(entries, key=lambda entry: _natural(entry.filename)):
                yield _member(archive, entry)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise ImageError("the zip is damaged, or packed in a way that is not read; pack it again") from error


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Member:
    name = printable("/".join(part for part in re.split(r"[/\\]", entry.filename) if part not in ("", ".", "..")))[-200:]
    if entry.flag_bits & _ENCRYPTED:
        return Member(name, b"", "encrypted; pack it without a password")
    if entry.file_size > _RATIO_FROM and entry.file_size > MOST_RATIO * max(entry.compress_size, 1):
        return Member(name, b"", f"unpacks to more than {MOST_RATIO} times its size: that is no picture")
    with archive.open(entry) as stream:
        head = stream.read(HEAD)
        if is_zip(head):
            return Member(name, b"", "a zip in a zip; unpack it first")
        try:
            kind_of(head)
        except ImageError as error:
            return Member(name, b"", error.reason)
        return Member(name, head + stream.read(entry.file_size))  # zipfile stops at the declared size


def _is_litter(name: str) -> bool:
    """Whether a file comes from the system that packed the zip."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts numbers by their value: 2 before 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _NUMBERS.split(name)]
