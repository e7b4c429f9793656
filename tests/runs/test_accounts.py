from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.runs.interrupts import interrupted
from usseg_monai.errors import OutputError
from usseg_monai.files.table import Row
from usseg_monai.imaging import Place
from usseg_monai.inputs.naming import Input
from usseg_monai.runs import accounts as module
from usseg_monai.runs.accounts import (
    ACCOUNTS,
    Account,
    Accounts,
    count_states,
    open_accounts,
    read_accounts,
    read_head,
    read_outputs,
)
from usseg_monai.runs.table import FrameRows

PLACE = Place("MR", position_mm=(0.1, 2.0, 3.0), normal=(0.0, 0.0, 1.0), number=4)


def given(root: Path, name: str) -> Input:
    (root / name).write_text("x")
    return Input(str(root / name), name, spacing_mm=(0.1, 0.3))


def frames(item: Input, value: float = 0.1 + 0.2) -> tuple[FrameRows, ...]:
    row: Row = {"file": item.file, "head_circumference_mm": value, "frame": 0, "message": None}
    part: Row = {"file": item.file, "frame": 0, "lesion": 1}
    return FrameRows(row, [part], (PLACE, (5, 7))), FrameRows({**row, "frame": 1}, [])


def done(accounts: Accounts, item: Input, value: float = 0.1 + 0.2, number: int = 0) -> Account:
    return replace(accounts.open(number, item), state="done", frames=frames(item, value))


def write(root: Path, *items: Input, digest: str = "digest", resume: bool = True, value: float = 0.1 + 0.2) -> None:
    with open_accounts(root, digest, resume=resume) as accounts:
        for item in items:
            accounts.add(done(accounts, item, value))


def known(root: Path, items: list[Input], digest: str = "digest") -> list[str]:
    """Names of the files that a run which resumes finds as they were written."""
    with open_accounts(root, digest, resume=True) as accounts:
        return [item.file for item in items if accounts.find(accounts.open(0, item)) == done(accounts, item)]


def test_a_run_that_resumes_finds_what_was_written(tmp_path: Path) -> None:
    items = [given(tmp_path, name) for name in ("a", "b", "c\udcff")]
    write(tmp_path, *items[:1])
    write(tmp_path, *items[1:])
    assert known(tmp_path, items) == ["a", "b", "c\udcff"]
    assert known(tmp_path, items) == ["a", "b", "c\udcff"]  # what is not accounted for anew is still known
    assert known(tmp_path, [given(tmp_path, "other")]) == []


def test_inputs_are_read_back_in_their_order(tmp_path: Path) -> None:
    items = [given(tmp_path, name) for name in ("a", "b\udcff")]
    mask = Account(None, "a_mask", state="skipped", reason="a mask of a", path="/in/a_mask")
    with open_accounts(tmp_path, "digest", resume=False) as accounts:
        failed = replace(done(accounts, items[1], number=7), state="failed", reason='no "image"', path="/in/b\udcff")
        written = [mask, done(accounts, items[0], number=2), failed, replace(accounts.open(8, items[0]), state="skipped", output="")]
        for account in written:
            accounts.begin(account)
            accounts.add(account)
    assert written[1].parts == 1
    assert [replace(account, key="", stamp=(-1, 0), spacing_mm=None) for account in read_accounts(tmp_path)] == [
        replace(account, key="", stamp=(-1, 0), spacing_mm=None) for account in written
    ]
    assert list(read_accounts(tmp_path))[:3] == written[:3]
    assert count_states(tmp_path) == {"skipped": 2, "done": 1, "failed": 1}
    with open_accounts(tmp_path, "digest", resume=True) as accounts:  # which has accounted for nothing yet
        assert list(read_accounts(tmp_path)) == [] and count_states(tmp_path) == {}
        assert accounts.find(written[1]) == written[1] and accounts.find(written[2]) == replace(written[2], path="")


def test_what_users_read(tmp_path: Path) -> None:
    write(tmp_path, given(tmp_path, "a.png"))
    _, line = map(json.loads, (tmp_path / ACCOUNTS).read_text().splitlines())
    assert {name: line[name] for name in ("number", "file", "state", "reason", "output", "frames", "parts")} == {
        "number": 0,
        "file": "a.png",
        "state": "done",
        "reason": "",
        "output": "a",
        "frames": 2,
        "parts": 1,
    }


def test_of_two_lines_of_a_file_the_last_counts(tmp_path: Path) -> None:
    item = given(tmp_path, "a")
    write(tmp_path, item, value=1.0)
    write(tmp_path, item)
    assert known(tmp_path, [item]) == ["a"]


def test_a_file_that_is_resumed_again_and_again_does_not_grow(tmp_path: Path) -> None:
    items = [given(tmp_path, name) for name in "abc"]
    sizes = []
    for _ in range(4):
        write(tmp_path, *items)
        sizes.append((tmp_path / ACCOUNTS).stat().st_size)
    assert sizes[1] == sizes[2] == sizes[3]


def test_other_options_and_a_run_that_does_not_resume_begin_anew(tmp_path: Path) -> None:
    item = given(tmp_path, "a")
    others: list[dict[str, Any]] = [{"digest": "other"}, {"resume": False}]
    for other in others:
        write(tmp_path, item)
        assert known(tmp_path, [item]) == ["a"]
        write(tmp_path, **other)
        assert known(tmp_path, [item]) == []


HEAD = b'{"accounts": 1, "digest": "digest", "salt": "0a"}\n'


@pytest.mark.parametrize("content", [b"", b"null\n", b"[1, 2]\n", b"\xff\xfe\0", HEAD + b'{"number": 1}\n', HEAD + b'{"begun": [1]}\n'])
def test_what_is_no_account_file(content: bytes, tmp_path: Path) -> None:
    (tmp_path / ACCOUNTS).write_bytes(content)
    item = given(tmp_path, "a")
    assert known(tmp_path, [item]) == []
    write(tmp_path, item)
    assert known(tmp_path, [item]) == ["a"]


OUTCOME = b'{"number": 1, "file": "a", "state": "done", "reason": ""'
ROWS = b', "output": "a", "frames": 1, "parts": 0, "key": "00", "stamp": [1, 2], "spacing_mm": null, "rows": %s, "part_rows": %s, '
PLACES = b'"places": [null], "clock": ""}\n'


@pytest.mark.parametrize(
    "line",
    [
        b'{"number": 1}\n',
        b"\xff\n",
        b'{"number": ' + b"[" * 99_999 + b"\n",
        OUTCOME.replace(b"1", b'"1"') + b"}\n",
        OUTCOME.replace(b'"a"', b"7") + b"}\n",
        OUTCOME.replace(b"done", b"odd") + b"}\n",
        OUTCOME + ROWS % (b"[]", b"[]") + PLACES,
        OUTCOME + ROWS % (b"[7]", b"[[]]") + PLACES,
        OUTCOME + ROWS % (b"[{}]", b"[7]") + PLACES,
        OUTCOME + ROWS % (b"[{}]", b"[[7]]") + PLACES,
    ],
)
def test_a_damaged_line_is_named(line: bytes, tmp_path: Path) -> None:
    (tmp_path / ACCOUNTS).write_bytes(HEAD + line)
    with pytest.raises(OutputError, match=r"accounts\.jsonl: line 2 is damaged"):
        list(read_accounts(tmp_path))
    assert list(read_outputs(tmp_path)) == []
    (tmp_path / ACCOUNTS).write_bytes(HEAD + OUTCOME + ROWS % (b"[{}]", b"[[{}]]") + PLACES)
    assert len(list(read_accounts(tmp_path))) == 1


@pytest.mark.parametrize("content", [None, b"", HEAD[:-1], HEAD.replace(b"1", b"2")])
def test_an_account_file_that_is_missing_or_of_another_version(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / ACCOUNTS).write_bytes(content)
    with pytest.raises(OutputError, match="is missing, damaged or of another version: run the command that made"):
        list(read_accounts(tmp_path))


@pytest.mark.parametrize("torn", [1, 20, 200])
def test_a_torn_last_line_costs_only_its_file(torn: int, tmp_path: Path) -> None:
    items = [given(tmp_path, name) for name in "abc"]
    write(tmp_path, *items[:2])
    path = tmp_path / ACCOUNTS
    path.write_bytes(path.read_bytes()[:-torn])
    assert [account.file for account in read_accounts(tmp_path)] == ["a"] and count_states(tmp_path) == {"done": 1}
    assert known(tmp_path, items) == ["a"]
    write(tmp_path, items[2])  # and what is added after it is whole
    assert known(tmp_path, items) == ["a", "c"]


def test_a_line_of_another_form_costs_only_its_file(tmp_path: Path) -> None:
    items = [given(tmp_path, name) for name in "ab"]
    write(tmp_path, *items)
    path = tmp_path / ACCOUNTS
    path.write_text(path.read_text().replace('"rows"', '"row"', 1))
    assert known(tmp_path, items) == ["b"]


def test_a_file_is_another_when_it_changed_or_is_gone(tmp_path: Path) -> None:
    item = given(tmp_path, "a")
    with open_accounts(tmp_path, "digest", resume=False) as accounts:
        file = done(accounts, item)
        assert file.is_of_same_file(accounts.open(3, item))
        assert not file.is_of_same_file(accounts.open(0, Input(item.path, "a", spacing_mm=(0.2, 0.2))))
        assert not file.is_of_same_file(accounts.open(0, Input(item.path, "x/a", spacing_mm=item.spacing_mm)))
        (tmp_path / "a").write_text("changed")
        assert not file.is_of_same_file(accounts.open(0, item))
    (tmp_path / "a").unlink()
    assert item.stamp() == (-1, 0)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / ACCOUNTS).mkdir()
    with pytest.raises(OutputError), open_accounts(tmp_path, "digest", resume=False):
        pass


def test_an_account_that_runs_out_of_room_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bytes = os.write

    def full(descriptor: int, data: bytes) -> int:
        if b"b.png" in data:
            write_bytes(descriptor, data[:10])
            monkeypatch.undo()
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_bytes(descriptor, data)

    with open_accounts(tmp_path, "digest", resume=False) as accounts:
        accounts.add(Account(0, "a.png", state="done"))
        before = (tmp_path / ACCOUNTS).read_bytes()
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(OutputError, match="No space left on device"):
            accounts.add(Account(1, "b.png", state="failed", reason="x" * 10_000))
        assert (tmp_path / ACCOUNTS).read_bytes() == before


def test_no_room_to_take_over_leaves_the_file_of_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [given(tmp_path, name) for name in "ab"]
    write(tmp_path, *items)
    before = (tmp_path / ACCOUNTS).read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_take_over", full)
    with pytest.raises(OutputError, match="No space left on device"), open_accounts(tmp_path, "digest", resume=True):
        pass
    assert (tmp_path / ACCOUNTS).read_bytes() == before
    monkeypatch.undo()
    assert known(tmp_path, items) == ["a", "b"]


def test_an_interrupt_at_any_line_leaves_whole_lines(tmp_path: Path) -> None:
    def interrupted_at(line: int, folder: Path) -> bool:
        """Add an input to one that is there, with an interrupt before the given line of the module; whether it came."""
        folder.mkdir()
        item = given(folder, "b.png")
        with open_accounts(folder, "digest", resume=False) as accounts:
            accounts.add(Account(0, "a.png", state="done"))
            account = done(accounts, item, number=1)
            return interrupted(module, line, lambda: accounts.add(account))

    lines = 0
    while interrupted_at(lines + 1, tmp_path / str(lines)):
        files = [account.file for account in read_accounts(tmp_path / str(lines))]
        assert files in (["a.png"], ["a.png", "b.png"])
        assert count_states(tmp_path / str(lines)) == {"done": len(files)}
        lines += 1
    assert lines > 10


def test_names_of_results_that_may_be_there(tmp_path: Path) -> None:
    items = [given(tmp_path, name) for name in ("a.png", "b.png", "c\udcff.png", 'd", "frames": 9.png')]
    assert list(read_outputs(tmp_path)) == [] and read_head(tmp_path) is None
    with open_accounts(tmp_path, "digest", resume=False, salt="0a") as accounts:
        opened = [accounts.open(number, item) for number, item in enumerate(items)]
        for account in opened:
            accounts.begin(account)
        accounts.add(done(accounts, items[0]))
        accounts.add(done(accounts, items[3]))
    names = [("a", 2), ("b", None), ("c\udcff", None), ('d", "frames": 9', 2)]
    assert sorted(read_outputs(tmp_path), key=str) == sorted(names, key=str)
    assert read_head(tmp_path) == ("digest", "0a")
    for _ in range(2):
        with open_accounts(tmp_path, "digest", resume=True) as accounts:
            assert [accounts.knows(accounts.open(0, item)) for item in (*items, given(tmp_path, "e"))] == [True] * 4 + [False]
    assert sorted(read_outputs(tmp_path), key=str) == sorted(names, key=str)


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    item = given(tmp_path, "a")
    write(tmp_path, item)
    (tmp_path / ACCOUNTS).rename(tmp_path / "elsewhere")
    (tmp_path / ACCOUNTS).symlink_to(tmp_path / "elsewhere")
    before = (tmp_path / "elsewhere").read_bytes()
    assert read_head(tmp_path) is None and known(tmp_path, [item]) == []
    assert (tmp_path / "elsewhere").read_bytes() == before and not (tmp_path / ACCOUNTS).is_symlink()
