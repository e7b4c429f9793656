"""User-supplied pixel sizes: on the command line, or in a table such as HC18's."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from usseg_monai.errors import UsageError, quoted
from usseg_monai.files.table import UNREADABLE, read_sheet
from usseg_monai.geometry.spacing import check_spacing, is_spacing
from usseg_monai.geometry.types import Spacing

__all__ = ["FILENAME_COLUMN", "SPACING_COLUMN", "parse_spacing", "read_spacing_csv"]

FILENAME_COLUMN = "filename"
SPACING_COLUMN = "pixel size(mm)"

_FILE_COLUMNS = ("filename", "file", "image", "imagefilename", "imagefile", "imagename", "filepath", "imagepath", "path")
_PUNCTUATION = re.compile(r"[^a-z0-9]")
_WORDS = re.compile(r"[a-z]+")
_SIZE = re.compile(r"pixel|px|spacing")
_ROW_WORDS, _COL_WORDS = {"row", "rows", "y", "height", "vertical"}, {"col", "cols", "column", "columns", "x", "width", "horizontal"}
_MOST_KNOWN = 10_000


def parse_spacing(text: str) -> Spacing:
    """Spacing written as ``ROW,COL`` in mm, or as one number for square pixels.

    >>> parse_spacing("0.2, 0.15"), parse_spacing("0.2")
    ((0.2, 0.15), (0.2, 0.2))
    """
    try:
        steps = [float(step) for step in text.split(",")]
        row, col = steps * 2 if len(steps) == 1 else steps
    except ValueError:
        raise UsageError(f"spacing {quoted(text)}: give ROW,COL in millimetres, such as 0.2,0.2, or one number") from None
    return check_spacing((row, col))


def read_spacing_csv(path: str | Path) -> Mapping[str, Spacing]:
    """Read a table of pixel sizes, such as HC18's.

    One column names the files: ``filename``, ``file``, ``image`` and the like. The pixel size is in one column whose name contains "mm"
    and "pixel", "px" or "spacing", such as ``pixel size(mm)`` (square pixels), or in two, one for rows and one for columns, such as
    ``spacing_mm_row`` and ``spacing_mm_col``. A column whose name states no unit is not assumed to be millimetres. Other columns are
    ignored. Columns are separated by commas, semicolons or tabs; numbers may have a decimal comma.

    Returns:
        Spacing by file name.

    Raises:
        UsageError: no such file, a column is missing, a value is not a positive number, one name has two values, or too many rows.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            sheet = read_sheet(file, str(path))
            return _spacings(path, sheet.rows, _columns(path, sheet.names))
    except UNREADABLE as error:
        raise UsageError(f"{path}: not a readable CSV table ({type(error).__name__}); give one such as HC18's, encoded in UTF-8") from error


def _columns(path: Path, names: Sequence[str]) -> tuple[int, int, int]:
    """Indices of the columns that hold the file name, the row spacing and the column spacing."""
    plain = [_PUNCTUATION.sub("", name.lower()) for name in names]
    file = next((plain.index(name) for name in _FILE_COLUMNS if name in plain), None)
    if file is None:
        raise UsageError(f"{path}: no column {FILENAME_COLUMN!r}; the table needs the columns {FILENAME_COLUMN!r} and {SPACING_COLUMN!r}")
    if SPACING_COLUMN in names:
        return file, names.index(SPACING_COLUMN), names.index(SPACING_COLUMN)
    sizes = [index for index, name in enumerate(plain) if "mm" in name and "mm2" not in name and _SIZE.search(name)]
    if len(sizes) == 1:
        return file, sizes[0], sizes[0]
    if not sizes:
        unitless = [name for name, short in zip(names, plain, strict=True) if _SIZE.search(short)]
        hint = f"; {quoted(unitless[0])} states no unit: name it {SPACING_COLUMN!r} if it holds millimetres" if unitless else ""
        raise UsageError(
            f"{path}: no column {SPACING_COLUMN!r}; the table needs the columns {FILENAME_COLUMN!r} and {SPACING_COLUMN!r}{hint}"
        )
    words = [set(_WORDS.findall(names[index].lower())) for index in sizes]
    rows, cols = ([index for index, found in zip(sizes, words, strict=True) if found & wanted] for wanted in (_ROW_WORDS, _COL_WORDS))
    if not len(rows) == len(cols) == 1 or rows == cols:
        found = ", ".join(quoted(names[index]) for index in sizes[:4])
        raise UsageError(f"{path}: several columns of pixel sizes, {found}: keep one, or one for rows and one for columns")
    return file, rows[0], cols[0]


def _spacings(path: Path, rows: Iterable[tuple[int, list[str]]], columns: tuple[int, int, int]) -> dict[str, Spacing]:
    spacings: dict[str, Spacing] = {}
    known: dict[tuple[str, str], Spacing] = {}  # many rows share a size: each is parsed once
    file, down, across = columns
    width = max(columns) + 1
    for number, row in rows:
        if len(row) < width:
            if not any(row):
                continue
            row = [*row, *[""] * (width - len(row))]
        name, key = row[file].strip(), (row[down], row[across])
        spacing = known.get(key)
        if spacing is None:
            spacing = _checked(key, f"{path}, line {number}")
            if len(known) < _MOST_KNOWN:
                known[key] = spacing
        if spacings.setdefault(name, spacing) != spacing:
            raise UsageError(
                f"{path}, line {number}: {quoted(name)} has two pixel sizes, {spacings[name][0]:g} and {spacing[0]:g}; keep one"
            )
    return spacings


def _checked(texts: tuple[str, str], where: str) -> Spacing:
    try:
        row = float(texts[0])
        col = row if texts[1] == texts[0] else float(texts[1])
    except ValueError:  # a decimal comma, or not a number
        row, col = map(_with_comma, texts)
    if is_spacing(row, col):
        return row, col
    wrong = texts[0] if not is_spacing(row, row) else texts[1]
    raise UsageError(f"{where}: pixel size {quoted(wrong.strip())} must be a positive number of millimetres")


def _with_comma(text: str) -> float:
    try:
        return float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    except ValueError:
        return math.nan
