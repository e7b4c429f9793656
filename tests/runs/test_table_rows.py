from __future__ import annotations

from pathlib import Path

import pytest

from usseg_monai.errors import OutputError
from usseg_monai.runs.table_rows import TableRows


def test_rows_are_taken_input_by_input(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("file,frame\n'=a,0\n'=a,1\nb\\udcff,0\nc,0\n")
    with TableRows(tmp_path / "t.csv") as table:
        assert table.header == ["file", "frame"]
        assert list(table.of("b\udcff")) == []  # it is not its turn
        assert list(table.of("=a")) == [["'=a", "0"], ["'=a", "1"]] and list(table.of("b\udcff")) == [["b\\udcff", "0"]]
        with pytest.raises(OutputError, match=r"the row of 'c' belongs to no input in accounts\.jsonl, or is out of order"):
            table.check_ended()
        assert list(table.rest()) == [["c", "0"]]
        table.check_ended()


@pytest.mark.parametrize("torn", ["a", "a,0,1", '"a,0'])
def test_torn_rows(torn: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"file,frame\na,0\n{torn}\n")
    with pytest.raises(OutputError, match="cannot be read as a table") as caught, TableRows(tmp_path / "t.csv") as table:
        list(table.rest())
    assert "\n" not in str(caught.value)


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"t\.csv: cannot be read \(No such file or directory\)"):
        TableRows(tmp_path / "t.csv")
