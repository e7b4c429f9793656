"""Reads the rows of a table input by input."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from usseg_monai.errors import OutputError, quoted
from usseg_monai.files.table import read_text_cell, text_cell

__all__ = ["TableRows"]


class TableRows:
    """The rows of a shard's table as lists of cells, read in the order of the inputs.

    Args:
        path: path of the table.

    Attributes:
        header: names of the columns.

    Raises:
        OutputError: the table cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = io.TextIOWrapper(path.open("rb"), encoding="utf-8", newline="")
        except OSError as error:
            raise OutputError(f"{path}: cannot be read ({error.strerror}); run the shard again") from error
        self._rows = csv.reader(self._file, strict=True)
        self.header = self._read() or []
        self._next = self._read()

    def __enter__(self) -> TableRows:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def of(self, file: str) -> Iterator[list[str]]:
        """The rows of an input, if they are next."""
        name = text_cell(file)
        while self._next is not None and self._next[0] == name:
            yield self._next
            self._next = self._read()

    def rest(self) -> Iterator[list[str]]:
        """All remaining rows."""
        while self._next is not None:
            yield self._next
            self._next = self._read()

    def check_ended(self) -> None:
        """Raise `OutputError` if a row was not read."""
        if self._next is not None:
            file = quoted(read_text_cell(self._next[0]))
            raise OutputError(
                f"{self._path}: the row of {file} belongs to no input in accounts.jsonl, or is out of order; run the shard again"
            )

    def _read(self) -> list[str] | None:
        try:
            row = next(self._rows, None)
            if row is not None and self._rows.line_num > 1 and len(row) != len(self.header):
                raise ValueError(f"{len(row)} cells in a row of {len(self.header)} columns")
        except (OSError, ValueError, csv.Error) as error:
            raise OutputError(f"{self._path} cannot be read as a table ({error}); run the shard again") from error
        return row
