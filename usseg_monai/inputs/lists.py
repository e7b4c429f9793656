"""Lists of files as input: a datalist (``.json``), a text with one path per line (``.txt``), or such a text on standard input (``-``).

A datalist has MONAI's format, which ``usseg datalist`` writes: an object with lists ``training``, ``validation`` and ``test``, whose items
are image names or objects with the name in ``image``. All sections are read, in this order. An item's ``spacing_mm``, ``[row, col]``,
applies if the image file states none.

Relative paths are relative to the list's folder, those on standard input to the working directory. Addresses (``s3://...``) stay what they
are. The listed files are not examined here: a missing one is reported when its turn comes.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from usseg_monai.errors import UsageError
from usseg_monai.files.bounded_text import lines_of, text_of
from usseg_monai.files.names import common_folder
from usseg_monai.geometry.spacing import check_spacing
from usseg_monai.geometry.types import Spacing
from usseg_monai.remote.address import place_of

__all__ = ["ListedFile", "is_list", "read_list"]

STANDARD_INPUT = "-"

_MOST_LINES = 5_000_000
_LONGEST_DATALIST = 1 << 28  # characters; an item has about 150
_SECTIONS = ("training", "validation", "test")


class ListedFile(NamedTuple):
    """A file that a list names.

    Attributes:
        path: path of the file, or address of an object.
        parts: number of path parts below the deepest common folder of the list's files.
        spacing_mm: ``(row, col)`` from the list, ``None`` if it states none.
    """

    path: str
    parts: int
    spacing_mm: Spacing | None


def is_list(argument: str) -> bool:
    """Whether an argument is a list of files, not an image or folder.

    >>> is_list("-"), is_list("images.png")
    (True, False)
    """
    return argument == STANDARD_INPUT or (argument.lower().endswith((".json", ".txt")) and os.path.isfile(argument))


def read_list(argument: str) -> list[ListedFile]:
    """Read a list of files.

    Raises:
        UsageError: the list cannot be read, is empty, or has an item that is not a file name.

    >>> import tempfile
    >>> text = Path(tempfile.mkdtemp(), "files.txt")
    >>> _ = text.write_text("p1/a.png\\np2/a.png\\n")
    >>> [(Path(file.path).relative_to(text.parent).as_posix(), file.parts) for file in read_list(str(text))]
    [('p1/a.png', 2), ('p2/a.png', 2)]
    """
    base = "" if argument == STANDARD_INPUT else os.path.dirname(argument)
    read = _read_datalist if argument.lower().endswith(".json") else _read_text
    try:
        named = [(_place(base, name), spacing_mm) for name, spacing_mm in read(argument)]
        above = len(common_folder(path for path, _ in named).rstrip(os.sep).split(os.sep))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{argument} cannot be read as a list of files ({error}); give one path per line, or a datalist in JSON"
        ) from error
    if not named:
        raise UsageError(f"{argument}: the list names no file; give one path per line, or a datalist with images")
    return [ListedFile(path, len(os.path.abspath(path).split(os.sep)) - above, spacing_mm) for path, spacing_mm in named]


def _place(base: str, name: str) -> str:
    return place_of(name) if "://" in name else os.path.join(base, name)


def _read_text(argument: str) -> Iterator[tuple[str, None]]:
    if argument == STANDARD_INPUT:
        yield from _lines(argument, sys.stdin)
    else:
        with open(argument, encoding="utf-8-sig", errors="surrogateescape") as stream:  # file names may be invalid UTF-8
            yield from _lines(argument, stream)


def _lines(argument: str, stream: TextIO) -> Iterator[tuple[str, None]]:
    for number, line in enumerate(lines_of(stream, argument, most=_MOST_LINES), 1):
        name = line.rstrip("\r\n")
        if name:
            yield _checked(name, f"{argument}, line {number}"), None


def _read_datalist(argument: str) -> Iterator[tuple[str, Spacing | None]]:
    datalist = json.loads(text_of(Path(argument), most=_LONGEST_DATALIST))
    if not isinstance(datalist, dict) or not set(_SECTIONS) & datalist.keys():
        raise UsageError(f"{argument} is no datalist: it needs at least one of the lists {', '.join(_SECTIONS)}")
    for section in _SECTIONS:
        items = datalist.get(section, [])
        if not isinstance(items, list):
            raise UsageError(f"{argument}: {section} is a {type(items).__name__}: it must be a list")
        for number, item in enumerate(items):
            where = f"{argument}: {section}[{number}]"
            image, spacing_mm = (item.get("image"), item.get("spacing_mm")) if isinstance(item, dict) else (item, None)
            if not isinstance(image, str) or not image:
                raise UsageError(f"{where} must be the name of an image, or an object with its name in 'image'")
            yield _checked(image, where), None if spacing_mm is None else _spacing(spacing_mm, where)


def _checked(name: str, where: str) -> str:
    if "\0" in name:
        raise UsageError(f"{where}: a file name cannot contain a zero byte; give one path per line, or a datalist in JSON")
    return name


def _spacing(value: Any, where: str) -> Spacing:
    try:
        row, col = map(float, value)
        return check_spacing((row, col))
    except (TypeError, ValueError, OverflowError, UsageError):
        raise UsageError(f"{where}: spacing_mm must be two positive numbers, [row, col] in millimetres") from None
