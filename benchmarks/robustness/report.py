"""The figures as Markdown, and those that miss the bar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.accuracy.tables import figure, table
from benchmarks.robustness.degradations import DEGRADATIONS

__all__ = ["FALL_AT_MOST", "falls", "markdown", "missed_bars"]

FALL_AT_MOST = 0.05
"""Maximum fall of Dice at a degradation's mildest strength."""

Report = Mapping[str, Any]


def falls(entry: Mapping[str, Any]) -> bool:
    """Whether Dice falls by more than `FALL_AT_MOST` at a strength; false if no structure is left.

    >>> falls({"difference": {"value": -0.06}}), falls({"difference": {"value": 0.06}}), falls({"difference": None})
    (True, False, False)
    """
    return entry["difference"] is not None and entry["difference"]["value"] < -FALL_AT_MOST


def missed_bars(report: Report) -> list[str]:
    """One line per degradation whose mildest strength lowers Dice too far."""
    return [
        f"{name} {entries[0]['strength']:g}: Dice {entries[0]['dice']['mean']:.4f} is {-entries[0]['difference']['value']:.4f} below the "
        f"undisturbed, allowed are {FALL_AT_MOST:g}"
        for name, entries in report["degradations"].items()
        if falls(entries[0])
    ]


def markdown(reports: Mapping[str, Report]) -> str:
    """The degradations, the missed bars, and one table per task."""
    missed = [f"- `{task}`: {message}" for task, report in reports.items() for message in missed_bars(report)]
    verdict = f"Dice that falls by more than {FALL_AT_MOST:g} at a mildest strength, **missed** below: {len(missed) or 'nowhere'}."
    sections = [_section(task, report) for task, report in reports.items()]
    return "\n\n".join([_definitions(), "\n".join([verdict, *missed]), *sections])


def _definitions() -> str:
    rows = [[each.name, *(f"{strength:g}" for strength in each.strengths), each.unit, each.mild] for each in DEGRADATIONS]
    return table(("degradation", "mild", "medium", "strong", "unit", "mild is"), rows)


def _section(task: str, report: Report) -> str:
    rows = [["none", "", figure(report["undisturbed"]["dice"], 4), "", _statuses(report["undisturbed"])]]
    for name, entries in report["degradations"].items():
        for number, entry in enumerate(entries):
            mark = " **missed**" if number == 0 and falls(entry) else ""
            overlap, difference = figure(entry["dice"], 4), figure(entry["difference"], 4, sign=True) + mark
            rows.append(["" if number else name, f"{entry['strength']:g}", overlap, difference, _statuses(entry)])
    head = f"### {task}\n\n{report['cases']} test images of {report['groups']} groups."
    return f"{head}\n\n{table(('degradation', 'strength', 'Dice', 'difference', 'statuses'), rows)}"


def _statuses(entry: Mapping[str, Any]) -> str:
    cases = sum(entry["status"].values())
    ordered = sorted(entry["status"].items(), key=lambda pair: -pair[1])
    return ", ".join(f"{100 * count / cases:.0f} % `{status}`" for status, count in ordered)
