"""The last lines of a batch: what was done, what failed, what was skipped, and advice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from usseg_monai.files.table import Row
    from usseg_monai.runs.run import Summary

__all__ = ["outcome_lines", "study_line"]

_MOST_REASONS = 3


def outcome_lines(summary: Summary) -> Iterator[str]:
    """The outcome of a batch, one line per kind; the last line counts the inputs that were done.

    >>> from usseg_monai.runs.run import Summary
    >>> summary = Summary(8, 2, 0, [], 10, 1.0, statuses={"ok": 5, "empty": 3}, without_spacing=8, failures={"no image": 2})
    >>> print(*outcome_lines(summary), sep=chr(10))
    2 failed: no image
    8 done: 5 ok, 3 empty; no pixel size for 8 (give --spacing-mm)
    """
    if summary.failed:
        yield f"{summary.failed} failed: {_reasons(summary.failures)}"
    if summary.skipped:
        yield f"{summary.skipped} skipped: an earlier run finished {'it' if summary.skipped == 1 else 'them'}"
    for reason, count in summary.without_picture.items():
        yield f"{count} skipped: {reason}"
    yield _done(summary)


def study_line(study: Row) -> str:
    """A study as one line: its values that have a unit, and its message."""
    from usseg_monai.tasks import UNITS

    values = []
    for column, value in study.items():
        words, _, unit = column.rpartition("_")
        if unit in UNITS and isinstance(value, (int, float)):
            values.append(f"{words.replace('_', ' ')} {value:.1f} {UNITS[unit]}")
    said = [", ".join(values)] * bool(values) + [str(study["message"])] * bool(study["message"])
    return f"{study['study']}: {'; '.join(said)}"


def _done(summary: Summary) -> str:
    frames = sum(summary.statuses.values())
    line = f"{summary.done} done"
    if frames:
        counts = ", ".join(f"{count} {status}" for status, count in sorted(summary.statuses.items(), key=_ok_first))
        line += f"{'' if frames == summary.done else f', {frames} frames'}: {counts}"
    if summary.without_spacing:
        line += f"; no pixel size for {summary.without_spacing} (give --spacing-mm)"
    return line


def _ok_first(status: tuple[str, int]) -> tuple[bool, int]:
    return status[0] != "ok", -status[1]


def _reasons(failures: Mapping[str, int]) -> str:
    """The most frequent reasons, with counts if there are several."""
    most = sorted(failures.items(), key=lambda failure: -failure[1])[:_MOST_REASONS]
    if len(failures) == 1:
        return most[0][0]
    more = sum(failures.values()) - sum(count for _, count in most)
    return "; ".join([f"{count} x {reason}" for reason, count in most] + [f"{more} for other reasons"] * bool(more))
