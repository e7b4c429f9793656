"""The tables that come with data sets."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from usseg_monai.errors import UsageError, quoted
from usseg_monai.imaging.bounded_text import lines_of

__all__ = ["check_columns", "csv_rows"]

_MOST_LINES = 2_000_000


@contextmanager
def csv_rows(path: Path) -> Iterator[csv.DictReader[str]]:
    """Open a table with a line of column names; whatever makes it unreadable is a `UsageError`, also while its rows are read."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            yield csv.DictReader(lines_of(stream, str(path), most=_MOST_LINES))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read as a table: {error}") from error


def check_columns(reader: csv.DictReader[str], path: Path, wanted: Sequence[str], owner: str) -> None:
    """Raise `UsageError` unless a table has the columns of its owner's."""
    if not set(wanted) <= set(reader.fieldnames or ()):
        raise UsageError(f"{path} has the columns {quoted(reader.fieldnames)}: {owner} table has {list(wanted)}")
