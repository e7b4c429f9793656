"""The end of a benchmark: figures, table, pages, missed bars."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.reports import conclude


@pytest.mark.parametrize(("missed", "code"), [([], 0), (["too slow"], 1)])
def test_writes_prints_and_names_what_is_missed(missed: list[str], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, file = tmp_path / "page.md", tmp_path / "results" / "made.json"
    page.write_text("above\n<!-- made:begin -->\nold\n<!-- made:end -->\nbelow\n")
    assert conclude("made", {"seconds": 2}, file, "| table |", missed, {page: "new"}) == code
    assert json.loads(file.read_text()) == {"seconds": 2}
    assert page.read_text() == "above\n<!-- made:begin -->\nnew\n<!-- made:end -->\nbelow\n"
    said = capsys.readouterr()
    assert said.out == "| table |\n"
    assert said.err == "".join(f"made: missed: {message}\n" for message in missed)


def test_pages_are_left_alone_unless_named(tmp_path: Path) -> None:
    assert conclude("made", {}, tmp_path / "made.json", "", []) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["made.json"]
