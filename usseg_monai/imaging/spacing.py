"""Pixel spacing that the user gives: on the command line, or in a table as HC18's."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from usseg_monai.errors import ImageError, UsageError, quoted
from usseg_monai.imaging.bounded_text import lines_of
from usseg_monai.imaging.image import SPACING_RANGE_MM, Spacing, is_spacing

FILENAME_COLUMN = "filename"
SPACING_COLUMN = "pixel size(mm)"

_FILE_COLUMNS = ("filename", "file", "image", "imagefilename", "imagefile", "imagename", "filepath", "imagepath", "path")
_DELIMITERS = ",;\t"
_SEPARATOR = re.compile(r"sep=([,;\t])", re.IGNORECASE)
_PUNCTUATION = re.compile(r"[^a-z0-9]")
_WORDS = re.compile(r"[a-z]+")
_SIZE = re.compile(r"pixel|px|spacing")
_ROW_WORDS, _COL_WORDS = {"row", "rows", "y", "height", "vertical"}, {"col", "cols", "column", "columns", "x", "width", "horizontal"}
_MOST_LINES = 2_000_000
_MOST_KNOWN = 10_000


def check_spacing(row: float, col: float) -> Spacing:
    """The spacing in mm as a pair, if both steps lie in `usseg_monai.imaging.image.SPACING_RANGE_MM`; `UsageError` otherwise.

    >>> check_spacing(0.2, -0.1)
    Traceback (most recent call last):
    usseg_monai.errors.UsageError: spacing 0.2,-0.1 mm: both steps must be positive, from 1e-05 to 1000, such as 0.2,0.2
    """
    if not is_spacing(row, col):
        low, high = SPACING_RANGE_MM
        raise UsageError(f"spacing {row:g},{col:g} mm: both steps must be positive, from {low:g} to {high:g}, such as 0.2,0.2")
    return float(row), float(col)


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
    return check_spacing(row, col)


def read_spacing_csv(path: str | Path) -> Mapping[str, Spacing]:
    """Read a table of pixel sizes, such as HC18's.

    One column names the files: ``filename``, ``file``, ``image`` and the like. The pixel size is in the column whose name has both "mm" and
    "pixel", "px" or "spacing" in it, as ``pixel size(mm)`` (square pixels), or in two, of which one is for rows, the other for columns, as
    ``spacing_mm_row`` and ``spacing_mm_col``. A column whose name states no unit is not taken for millimetres. Further columns are ignored.
    Columns are parted by commas, semicolons or tabs; numbers may have a decimal comma.

    Returns:
        Spacing by file name.

    Raises:
        UsageError: no such file, a column is missing, a value is no positive number, one name has two values, or too many rows.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = lines_of(file, str(path), most=_MOST_LINES)
            header = next(lines, "")
            if stated := _SEPARATOR.fullmatch(header.strip()):  # a spreadsheet's
                header = next(lines, "")
            delimiter, columns = _columns(path, header, stated[1] if stated else _DELIMITERS)
            return _spacings(path, csv.reader(lines, delimiter=delimiter), columns, 3 if stated else 2)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: no readable CSV table ({type(error).__name__}); give one as HC18's, encoded in UTF-8") from error


def look_up_spacing(file: str, table: Mapping[str, Spacing] | None, default: Spacing | None = None) -> Spacing | None:
    """What the user says of an image whose file tells no spacing.

    Args:
        file: the image's name in the results, ``/`` between folders. A row may name it so, or by its last part alone.
        table: of `read_spacing_csv`, ``None`` where none was given. Whoever gives one means it for every image.
        default: for images that the table does not name.

    Returns:
        ``(row, col)`` in mm, ``None`` where nothing was said: neither table nor default.

    Raises:
        ImageError: the table has no row for the image, and there is no default.

    >>> look_up_spacing("a/1.png", {"1.png": (0.2, 0.2)}), look_up_spacing("2.png", {}, (0.3, 0.3)), look_up_spacing("3.png", None)
    ((0.2, 0.2), (0.3, 0.3), None)
    """
    name = file.rpartition("/")[2]
    spacing = (table or {}).get(file) or (table or {}).get(name) or default
    if table is not None and spacing is None:
        raise ImageError(f"{name}: no row in the table of pixel sizes; add it, or give a spacing for the images that have none")
    return spacing


def _columns(path: Path, header: str, delimiters: str) -> tuple[str, tuple[int, int, int]]:
    """The delimiter, and which columns hold the name of a file and the steps of its rows and columns."""
    tables = [(delimiter, [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]) for delimiter in delimiters]
    delimiter, names = max(tables, key=lambda table: len(table[1]))
    plain = [_PUNCTUATION.sub("", name.lower()) for name in names]
    file = next((plain.index(name) for name in _FILE_COLUMNS if name in plain), None)
    if file is None:
        raise UsageError(f"{path}: no column {FILENAME_COLUMN!r}; the table needs the columns {FILENAME_COLUMN!r} and {SPACING_COLUMN!r}")
    if SPACING_COLUMN in names:
        return delimiter, (file, names.index(SPACING_COLUMN), names.index(SPACING_COLUMN))
    sizes = [index for index, name in enumerate(plain) if "mm" in name and "mm2" not in name and _SIZE.search(name)]
    if len(sizes) == 1:
        return delimiter, (file, sizes[0], sizes[0])
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
    return delimiter, (file, rows[0], cols[0])


def _spacings(path: Path, rows: Iterable[list[str]], columns: tuple[int, int, int], first_line: int) -> dict[str, Spacing]:
    spacings: dict[str, Spacing] = {}
    known: dict[tuple[str, str], Spacing] = {}  # many rows share a size: each is made once
    file, down, across = columns
    width = max(columns) + 1
    for number, row in enumerate(rows, first_line):
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
    except ValueError:  # a decimal comma, or no number
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
