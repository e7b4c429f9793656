"""Identifiers and times of places in the account file."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from usseg_monai.imaging import Place
from usseg_monai.inputs.naming import Input
from usseg_monai.runs.accounts import ACCOUNTS, Account, open_accounts, read_accounts
from usseg_monai.runs.table import FrameRows

TIMED = Place("MR", study="s", series="t", instance="i", acquired_s=43201.25, content_s=43202.123456, series_s=43200.5)


def given(root: Path, name: str) -> Input:
    (root / name).write_text("x")
    return Input(str(root / name), name)


def located(account: Account, place: Place) -> Account:
    return replace(account, state="done", frames=(FrameRows({"frame": 0}, (), (place, (5, 7))),))


def place_of(account: Account | None) -> Place:
    assert account is not None and account.frames[0].located is not None
    return account.frames[0].located[0]


def test_neither_paths_nor_identifiers_nor_times_of_the_day_are_written(tmp_path: Path) -> None:
    item = given(tmp_path, "a")
    with open_accounts(tmp_path, "digest", resume=False) as accounts:
        place = accounts.conceal(TIMED)
        assert place.study != accounts.conceal(replace(TIMED, study="other")).study and (place.study, place.series) != ("s", "t")
        accounts.add(located(accounts.open(0, item), place))
    text = (tmp_path / ACCOUNTS).read_text()
    assert str(tmp_path) not in text and "4320" not in text and '"s"' not in text and "0.873456" in text
    (tmp_path / "other").mkdir()
    with open_accounts(tmp_path / "other", "digest", resume=False) as other:
        assert other.conceal(TIMED).study != place.study


def test_times_of_several_runs_are_comparable_again(tmp_path: Path) -> None:
    items = [given(tmp_path, name) for name in "abcd"]
    places = [replace(TIMED, acquired_s=43200 + 0.1 * number, content_s=None) for number in range(4)]
    for run in (slice(0, 2), slice(2, 4)):
        with open_accounts(tmp_path, "digest", resume=True) as accounts:
            for item, place in zip(items[run], places[run], strict=True):
                accounts.add(located(accounts.open(0, item), accounts.conceal(place)))
    asked: list[int] = []

    def read_place(number: int, frame: int) -> Place:
        asked.append(number)
        return places[number]

    with open_accounts(tmp_path, "digest", resume=True) as accounts:
        restored = []
        for number, item in enumerate(items):
            found = accounts.find(accounts.open(0, item))
            assert found is not None and place_of(found).acquired_s in (0.0, 0.1)
            restored.append(accounts.restore(found, partial(read_place, number)))
        expected = [accounts.conceal(place) for place in places]
        assert [place_of(account) for account in restored] == expected
        assert asked == [0, 2]  # one file of each run is read again
        for account in filter(None, restored):
            accounts.add(account)
    assert {account.clock for account in read_accounts(tmp_path)} != {""}
    with open_accounts(tmp_path, "digest", resume=True) as accounts:
        found = accounts.find(accounts.open(0, items[0]))
        assert found is not None and accounts.restore(found, lambda frame: None) is None
        again = [accounts.find(accounts.open(0, item)) for item in items]
        assert len({account.clock for account in again if account}) == 1  # all are in the times of the last run
        assert [account and accounts.restore(account, lambda frame: places[0]) for account in again] != again


def test_accounts_of_another_run_are_written_as_they_were_read(tmp_path: Path) -> None:
    with open_accounts(tmp_path, "digest", resume=False) as accounts:
        accounts.add(located(accounts.open(0, given(tmp_path, "a")), accounts.conceal(TIMED)))
    (account,) = read_accounts(tmp_path)
    (tmp_path / "merged").mkdir()
    with open_accounts(tmp_path / "merged", "digest", resume=False) as accounts:
        accounts.add(account)
    assert list(read_accounts(tmp_path / "merged")) == [account] and account.clock
