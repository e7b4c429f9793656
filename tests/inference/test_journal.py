from __future__ import annotations

from pathlib import Path

import pytest

from usseg_monai.errors import OutputError
from usseg_monai.imaging import Place
from usseg_monai.inference.inputs import Input
from usseg_monai.inference.journal import Done, Stamp, open_journal
from usseg_monai.inference.results import FrameRows

PLACE = Place("MR", position_mm=(0.1, 2.0, 3.0), normal=(0.0, 0.0, 1.0), number=4)


def given(root: Path, name: str) -> Input:
    (root / name).write_text("x")
    return Input(str(root / name), name, spacing_mm=(0.1, 0.3))


def done(item: Input, value: float = 0.1 + 0.2) -> Done:
    row = {"file": item.file, "head_circumference_mm": value, "frame": 0, "message": None}
    part = {"file": item.file, "frame": 0, "lesion": 1}
    return Done.of(item, Stamp.of(item.path), [FrameRows(row, [part], (PLACE, (5, 7))), FrameRows({**row, "frame": 1})])


def write(root: Path, *files: Done, digest: str = "digest", resume: bool = True) -> None:
    with open_journal(root, digest, resume=resume) as journal:
        for file in files:
            journal.add(file)


def known(root: Path, items: list[Input], digest: str = "digest") -> list[Done]:
    with open_journal(root, digest, resume=True) as journal:
        return [found for item in items if (found := journal.find(item))]


def test_it_reads_what_was_noted(tmp_path: Path) -> None:
    items = [given(tmp_path, name) for name in ("a", "b", "c\udcff")]
    files = [done(item) for item in items]
    write(tmp_path, *files[:1])
    write(tmp_path, *files[1:])
    assert known(tmp_path, items) == files
    frames = list(files[0].frames())
    assert frames[0].parts == [{"file": "a", "frame": 0, "lesion": 1}] and frames[0].located == (PLACE, (5, 7))
    assert frames[1].parts == [] and frames[1].located is None
    assert known(tmp_path, [given(tmp_path, "other")]) == []


def test_of_two_lines_of_a_file_the_last_counts(tmp_path: Path) -> None:
    item = given(tmp_path, "a")
    write(tmp_path, done(item, 1.0), done(item, 2.0))
    assert known(tmp_path, [item]) == [done(item, 2.0)]


def test_other_options_and_a_run_that_does_not_resume_begin_anew(tmp_path: Path) -> None:
    item = given(tmp_path, "a")
    for other in ({"digest": "other"}, {"resume": False}):
        write(tmp_path, done(item))
        assert known(tmp_path, [item]) == [done(item)]
        write(tmp_path, **other)
        assert known(tmp_path, [item]) == []


@pytest.mark.parametrize("content", [b"", b"null\n", b"[1, 2]\n", b"\xff\xfe\0", b'{"digest": "digest"}\n{"path": 1}\n'])
def test_what_is_no_journal(content: bytes, tmp_path: Path) -> None:
    (tmp_path / ".journal.jsonl").write_bytes(content)
    item = given(tmp_path, "a")
    assert known(tmp_path, [item]) == []
    write(tmp_path, done(item))
    assert known(tmp_path, [item]) == [done(item)]


@pytest.mark.parametrize("torn", [1, 20, 200])
def test_a_torn_last_line_costs_only_its_file(torn: int, tmp_path: Path) -> None:
    items = [given(tmp_path, name) for name in "abc"]
    files = [done(item) for item in items]
    write(tmp_path, *files[:2])
    path = tmp_path / ".journal.jsonl"
    path.write_bytes(path.read_bytes()[:-torn])
    assert known(tmp_path, items) == files[:1]
    write(tmp_path, files[2])  # and what is added after it is whole
    assert known(tmp_path, items) == [files[0], files[2]]


def test_a_line_that_is_none_of_ours_costs_only_its_file(tmp_path: Path) -> None:
    items = [given(tmp_path, name) for name in "ab"]
    write(tmp_path, *map(done, items))
    path = tmp_path / ".journal.jsonl"
    path.write_text(path.read_text().replace('"rows"', '"row"', 1))
    assert known(tmp_path, items) == [done(items[1])]


def test_a_file_is_another_when_it_changed_or_is_gone(tmp_path: Path) -> None:
    item = given(tmp_path, "a")
    file = done(item)
    assert file.is_of(item, Stamp.of(item.path))
    assert not file.is_of(Input(item.path, "a", spacing_mm=(0.2, 0.2)), Stamp.of(item.path))
    assert not file.is_of(Input(item.path, "x/a", spacing_mm=item.spacing_mm), Stamp.of(item.path))
    (tmp_path / "a").write_text("changed")
    assert not file.is_of(item, Stamp.of(item.path))
    (tmp_path / "a").unlink()
    assert Stamp.of(item.path).size == -1


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / ".journal.jsonl").mkdir()
    with pytest.raises(OutputError), open_journal(tmp_path, "digest", resume=False):
        pass
