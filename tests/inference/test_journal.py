from __future__ import annotations

from pathlib import Path

import pytest

from usseg_monai.errors import OutputError
from usseg_monai.inference.inputs import Input
from usseg_monai.inference.journal import Done, open_journal, read_journal


def done(root: Path, name: str) -> Done:
    (root / name).write_text("x")
    return Done.of(
        Input(root / name, name, name),
        [{"file": name, "head_circumference_mm": 0.1 + 0.2, "frame": 0, "message": None}],
        [{"file": name, "lesion": 1}],
    )


def test_it_reads_what_was_noted(tmp_path: Path) -> None:
    files = [done(tmp_path, "a"), done(tmp_path, "b"), done(tmp_path, "c\udcff")]
    with open_journal(tmp_path, "digest", files[:1]) as journal:
        for file in files[1:]:
            journal.add(file)
    assert read_journal(tmp_path, "digest") == {file.path: file for file in files}


def test_other_options_and_no_journal_at_all(tmp_path: Path) -> None:
    assert read_journal(tmp_path, "digest") == {}
    with open_journal(tmp_path, "digest", [done(tmp_path, "a")]):
        pass
    assert read_journal(tmp_path, "other") == {}
    with open_journal(tmp_path, "other", []):
        pass
    assert read_journal(tmp_path, "digest") == {} == read_journal(tmp_path, "other")


@pytest.mark.parametrize("content", [b"", b"null\n", b"[1, 2]\n", b"\xff\xfe\0", b'{"digest": "digest"}\n{"path": 1}\n'])
def test_what_is_no_journal(content: bytes, tmp_path: Path) -> None:
    (tmp_path / ".journal.jsonl").write_bytes(content)
    assert read_journal(tmp_path, "digest") == {}


def test_a_torn_last_line_costs_only_its_file(tmp_path: Path) -> None:
    files = [done(tmp_path, "a"), done(tmp_path, "b")]
    with open_journal(tmp_path, "digest", files):
        pass
    path = tmp_path / ".journal.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    assert list(read_journal(tmp_path, "digest").values()) == files[:1]


def test_a_file_is_another_when_it_changed_or_is_gone(tmp_path: Path) -> None:
    file = done(tmp_path, "a")
    item = Input(tmp_path / "a", "a", "a")
    assert Done.of(item, file.rows, file.parts) == file
    (tmp_path / "a").write_text("changed")
    assert Done.of(item, file.rows, file.parts) != file
    (tmp_path / "a").unlink()
    assert Done.of(item, file.rows, file.parts).size == -1


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / ".journal.jsonl").mkdir()
    with pytest.raises(OutputError), open_journal(tmp_path, "digest", []):
        pass
