"""Tests of usseg_monai.files.table."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from usseg_monai.errors import UsageError
from usseg_monai.files.table import check_columns, csv_rows, read_sheet


def test_rows_by_column(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("\ufeffname,size\r\na,1\r\n".encode())
    with csv_rows(path) as reader:
        check_columns(reader, path, ("name", "size"), "its")
        assert list(reader) == [{"name": "a", "size": "1"}]


@pytest.mark.parametrize("content", [None, b"name\n\xff\xfe\n"])
def test_what_is_no_table_is_a_usage_error(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"a\.csv cannot be read as a table"), csv_rows(path) as reader:
        list(reader)


def test_what_was_found_is_quoted_in_short(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name\x1b[2J," + "1" * 9000)
    with csv_rows(path) as reader, pytest.raises(UsageError, match=r"has the columns \['name.x1b\[2J', '1+\.\.\.: HC18's") as caught:
        check_columns(reader, path, ("name", "size"), "HC18's")
    assert len(str(caught.value)) < 300 and str(caught.value).isprintable()


def test_missing_columns_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name\n")
    with csv_rows(path) as reader, pytest.raises(UsageError, match=r"has the columns \['name'\]: HC18's table has \['name', 'size'\]"):
        check_columns(reader, path, ("name", "size"), "HC18's")


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("file,size\na.png,1\n", ["file", "size"], [(2, ["a.png", "1"])]),
        ('file;"size; mm"\r\na.png;0,2\r\n', ["file", "size; mm"], [(2, ["a.png", "0,2"])]),
        ("sep=;\nfile,x;size\na.png;1;2;3\n", ["file,x", "size"], [(3, ["a.png", "1", "2", "3"])]),
        ("SEP=\t\n file \tsize\n\na.png", ["file", "size"], [(3, []), (4, ["a.png"])]),
        ("", [], []),
    ],
)
def test_sheets_of_other_programs(text: str, names: list[str], rows: list[tuple[int, list[str]]]) -> None:
    sheet = read_sheet(io.StringIO(text, newline=""), "a.csv")
    assert (list(sheet.names), list(sheet.rows)) == (names, rows)
