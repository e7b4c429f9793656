"""Pixel spacing that the user gives: on the command line, or in a table as HC18's."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from usseg_monai.errors import ImageError, UsageError, quoted
from usseg_monai.imaging.image import SPACING_RANGE_MM, Spacing, is_spacing

FILENAME_COLUMN = "filename"
SPACING_COLUMN = "pixel size(mm)"


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
    """Spacing written as ``ROW,COL`` in mm.

    >>> parse_spacing("0.2, 0.15")
    (0.2, 0.15)
    """
    try:
        row, col = map(float, text.split(","))
    except ValueError:
        raise UsageError(f"spacing {quoted(text)}: give ROW,COL in millimetres, such as 0.2,0.2") from None
    return check_spacing(row, col)


def read_spacing_csv(path: str | Path) -> Mapping[str, Spacing]:
    """Read a table with the columns ``filename`` and ``pixel size(mm)`` (square pixels), as HC18's; further columns are ignored.

    Returns:
        Spacing by file name.

    Raises:
        UsageError: no such file, a column is missing, a value is no positive number, one name has two values.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            columns = [name.strip() for name in rows.fieldnames or []]
            rows.fieldnames = columns
            missing = {FILENAME_COLUMN, SPACING_COLUMN} - set(columns)
            if missing:
                raise UsageError(
                    f"{path}: no column {min(missing)!r}; the table needs the columns {FILENAME_COLUMN!r} and {SPACING_COLUMN!r}"
                )
            return _spacings(path, rows)
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


def _spacings(path: Path, rows: csv.DictReader[str]) -> dict[str, Spacing]:
    spacings: dict[str, Spacing] = {}
    for row in rows:
        name, text = (row[FILENAME_COLUMN] or "").strip(), (row[SPACING_COLUMN] or "").strip()
        where = f"{path}, line {rows.line_num}"
        try:
            step = float(text)
            spacing = check_spacing(step, step)
        except (ValueError, UsageError):
            raise UsageError(f"{where}: pixel size {quoted(text)} must be a positive number of millimetres") from None
        if spacings.setdefault(name, spacing) != spacing:
            raise UsageError(f"{where}: {quoted(name)} has two pixel sizes, {spacings[name][0]:g} and {step:g}; keep one")
    return spacings
