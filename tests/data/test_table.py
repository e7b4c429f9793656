"""Tests of usseg_monai.data.table."""

from __future__ import annotations

from pathlib import Path

import pytest

from usseg_monai.data.table import check_columns, csv_rows
from usseg_monai.errors import UsageError


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
