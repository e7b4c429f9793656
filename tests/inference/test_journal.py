from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from usseg_monai.errors import OutputError
from usseg_monai.imaging import Place
from usseg_monai.inference.inputs import Input
from usseg_monai.inference.journal import Done, Stamp, open_journal, read_head, read_outputs
from usseg_monai.inference.results import FrameRows

PLACE = Place("MR", position_mm=(0.1, 2.0, 3.0), normal=(0.0, 0.0, 1.0), number=4)


def given(root: Path, name: str) -> Input:
    (root / name).write_text("x")
    return Input(str(root / name), name, spacing_mm=(0.1, 0.3))


def frames(item: Input, value: float = 0.1 + 0.2) -> list[FrameRows]:
    row = {"file": item.file, "head_circumference_mm": value, "frame": 0, "message": None}
    part = {"file": item.file, "frame": 0, "lesion": 1}
    return [FrameRows(row, [part], (PLACE, (5, 7))), FrameRows({**row, "frame": 1}, [])]


def done(item: Input, value: float = 0.1 + 0.2) -> Done:
    rows = frames(item, value)
    places = [frame.located for frame in rows]
    stamp = Stamp.of(item.path)
    return Done(*stamp, item.file, item.output, item.spacing_mm, [frame.row for frame in rows], rows[0].parts, places)


def write(root: Path, *items: Input, digest: str = "digest", resume: bool = True, value: float = 0.1 + 0.2) -> None:
    with open_journal(root, digest, resume=resume) as journal:
        for item in items:
            journal.add(item, Stamp.of(item.path), frames(item, value))


def known(root: Path, items: list[Input], digest: str = "digest") -> list[Done]:
    with open_journal(root, digest, resume=True) as journal:
        return [found for item in items if (found := journal.find(item))]


def test_it_reads_what_was_noted(tmp_path: Path) -> None:
    items = [given(tmp_path, name) for name in ("a", "b", "c\udcff")]
    files = [done(item) for item in items]
    write(tmp_path, *items[:1])
    write(tmp_path, *items[1:])
    assert known(tmp_path, items) == files
    assert list(files[0].frames()) == frames(items[0])
    assert known(tmp_path, [given(tmp_path, "other")]) == []


def test_of_two_lines_of_a_file_the_last_counts(tmp_path: Path) -> None:
    item = given(tmp_path, "a")
    write(tmp_path, item, value=1.0)
    write(tmp_path, item, value=2.0)
    assert known(tmp_path, [item]) == [done(item, 2.0)]


def test_other_options_and_a_run_that_does_not_resume_begin_anew(tmp_path: Path) -> None:
    item = given(tmp_path, "a")
    for other in ({"digest": "other"}, {"resume": False}):
        write(tmp_path, item)
        assert known(tmp_path, [item]) == [done(item)]
        write(tmp_path, **other)
        assert known(tmp_path, [item]) == []


@pytest.mark.parametrize("content", [b"", b"null\n", b"[1, 2]\n", b"\xff\xfe\0", b'{"digest": "digest", "salt": "0a"}\n{"key": 1}\n'])
def test_what_is_no_journal(content: bytes, tmp_path: Path) -> None:
    (tmp_path / ".journal.jsonl").write_bytes(content)
    item = given(tmp_path, "a")
    assert known(tmp_path, [item]) == []
    write(tmp_path, item)
    assert known(tmp_path, [item]) == [done(item)]


@pytest.mark.parametrize("torn", [1, 20, 200])
def test_a_torn_last_line_costs_only_its_file(torn: int, tmp_path: Path) -> None:
    items = [given(tmp_path, name) for name in "abc"]
    files = [done(item) for item in items]
    write(tmp_path, *items[:2])
    path = tmp_path / ".journal.jsonl"
    path.write_bytes(path.read_bytes()[:-torn])
    assert known(tmp_path, items) == files[:1]
    write(tmp_path, items[2])  # and what is added after it is whole
    assert known(tmp_path, items) == [files[0], files[2]]


def test_a_line_that_is_none_of_ours_costs_only_its_file(tmp_path: Path) -> None:
    items = [given(tmp_path, name) for name in "ab"]
    write(tmp_path, *items)
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


TIMED = Place("MR", study="s", series="t", instance="i", acquired_s=43201.25, content_s=43202.123456, series_s=43200.5)


def test_it_holds_neither_paths_nor_identifiers_nor_times_of_the_day(tmp_path: Path) -> None:
    item = given(tmp_path, "a")
    with open_journal(tmp_path, "digest", resume=False) as journal:
        place = journal.conceal(TIMED)
        assert place.study != journal.conceal(replace(TIMED, study="other")).study and (place.study, place.series) != ("s", "t")
        journal.add(item, Stamp.of(item.path), [FrameRows({"frame": 0}, (), (place, (5, 7)))])
    text = (tmp_path / ".journal.jsonl").read_text()
    assert str(tmp_path) not in text and "4320" not in text and '"s"' not in text and "0.873456" in text
    with open_journal(tmp_path / "..", "digest", resume=False) as other:
        assert other.conceal(TIMED).study != place.study
    (tmp_path / "../.journal.jsonl").unlink()


def test_times_of_several_runs_are_comparable_again(tmp_path: Path) -> None:
    items = [given(tmp_path, name) for name in "abcd"]
    places = [replace(TIMED, acquired_s=43200 + 0.1 * number, content_s=None) for number in range(4)]
    for run in (slice(0, 2), slice(2, 4)):
        with open_journal(tmp_path, "digest", resume=True) as journal:
            for item, place in zip(items[run], places[run], strict=True):
                journal.add(item, Stamp.of(item.path), [FrameRows({"frame": 0}, (), (journal.conceal(place), (5, 7)))])
    asked: list[int] = []
    with open_journal(tmp_path, "digest", resume=True) as journal:
        restored = []
        for number, item in enumerate(items):
            found = journal.find(item)
            assert found is not None and found.places[0] is not None and found.places[0][0].acquired_s in (0.0, 0.1)
            restored.append(journal.restore(found, lambda frame, number=number: asked.append(number) or places[number]))
        expected = [journal.conceal(place) for place in places]
    assert [done and done.places[0] and done.places[0][0] for done in restored] == expected
    assert asked == [0, 2]  # one file of each run is read again
    with open_journal(tmp_path, "digest", resume=True) as journal:
        found = journal.find(items[0])
        assert found is not None and journal.restore(found, lambda frame: None) is None


def test_names_of_results_that_may_be_there(tmp_path: Path) -> None:
    items = [given(tmp_path, name) for name in ("a.png", "b.png", "c\udcff.png")]
    assert list(read_outputs(tmp_path)) == [] and read_head(tmp_path) is None
    with open_journal(tmp_path, "digest", resume=False, salt="0a") as journal:
        for item in items:
            journal.begin(item)
        journal.add(items[0], Stamp.of(items[0].path), frames(items[0]))
    assert sorted(read_outputs(tmp_path), key=str) == [("a", 2), ("b", None), ("c\udcff", None)]
    assert read_head(tmp_path) == ("digest", "0a")
    with open_journal(tmp_path, "digest", resume=True) as journal:
        assert [journal.knows(item) for item in (*items, given(tmp_path, "d"))] == [True, True, True, False]


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    item = given(tmp_path, "a")
    write(tmp_path, item)
    (tmp_path / ".journal.jsonl").rename(tmp_path / "elsewhere")
    (tmp_path / ".journal.jsonl").symlink_to(tmp_path / "elsewhere")
    before = (tmp_path / "elsewhere").read_bytes()
    assert read_head(tmp_path) is None and known(tmp_path, [item]) == []
    assert (tmp_path / "elsewhere").read_bytes() == before and not (tmp_path / ".journal.jsonl").is_symlink()
