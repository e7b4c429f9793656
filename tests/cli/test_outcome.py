from __future__ import annotations

from typing import Any

from usseg_monai.cli.outcome import outcome_lines, study_line
from usseg_monai.files.table import Row
from usseg_monai.runs.run import Summary


def lines(done: int = 0, failed: int = 0, skipped: int = 0, **more: Any) -> list[str]:
    return list(outcome_lines(Summary(done, failed, skipped, [], done, 1.0, **more)))


def test_what_was_done_stands_last_with_its_statuses_ok_first() -> None:
    assert lines(8, statuses={"unlike_training_data": 7, "ok": 1}, without_spacing=8) == [
        "8 done: 1 ok, 7 unlike_training_data; no pixel size for 8 (give --spacing-mm)"
    ]
    assert lines(2, statuses={"ok": 40}) == ["2 done, 40 frames: 40 ok"]
    assert lines() == ["0 done"]


def test_failures_come_first_with_their_reasons() -> None:
    assert lines(0, 2, failures={"no image": 2}) == ["2 failed: no image", "0 done"]
    many = {"a": 1, "b": 5, "c": 2, "d": 1, "e": 3}
    assert lines(0, 12, failures=many)[0] == "12 failed: 5 x b; 3 x e; 2 x c; 2 for other reasons"


def test_what_was_skipped_and_why() -> None:
    assert lines(1, 0, 1, statuses={"ok": 1}, without_picture={"a report": 3}) == [
        "1 skipped: an earlier run finished it",
        "3 skipped: a report",
        "1 done: 1 ok",
    ]


def test_a_study_in_words() -> None:
    row: Row = {
        "study": "p1",
        "end_diastolic_volume_ml": 120.04,
        "ejection_fraction_percent": 61.0,
        "mass_g": None,
        "slices": 9,
        "message": "a",
    }
    assert study_line(row) == "p1: end diastolic volume 120.0 ml, ejection fraction 61.0 %; a"
    assert study_line({"study": "p2", "mass_g": None, "message": "areas only"}) == "p2: areas only"
