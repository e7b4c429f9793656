from __future__ import annotations

from usseg_monai.runs.ledger import OTHER_REASONS, Tally


def test_frames_and_failures_are_counted() -> None:
    tally = Tally()
    for status, spacing in (("ok", 0.1), ("ok", None), ("empty", None), ("failed", None)):
        tally.add_frame({"status": status, "spacing_mm_row": spacing})
    assert (dict(tally.statuses), tally.without_spacing) == ({"ok": 2, "empty": 1}, 2)
    for file in ("a/1.png", "2.png"):
        tally.add_failure(file, f"{file.rpartition('/')[2]}: no image")
    assert dict(tally.failures) == {"no image": 2}


def test_reasons_without_end_do_not_fill_the_memory() -> None:
    tally = Tally()
    for number in range(1000):
        tally.add_failure("a.png", f"reason {number}")
    tally.add_failure("a.png", "reason 7")
    assert len(tally.failures) == 101 and tally.failures["reason 7"] == 2 and tally.failures[OTHER_REASONS] == 900
