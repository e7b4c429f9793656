"""Figures as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = [
    "OVERVIEW",
    "SHIPPED",
    "advantage_bar",
    "area_of",
    "bar",
    "brackets",
    "difference_line",
    "figure",
    "overlap_cells",
    "overview_rows",
    "percent",
    "pixels",
    "table",
]

OVERVIEW = ("task", "network", "test images", "Dice of structures", "further", "shipped minus reference")
"""Columns of the shared table."""

SHIPPED = "**shipped**"
"""Entry of the column ``network`` in a shipped network's row."""

_REFERENCE = "no reference network to compare with: train one (docs/teaching.md)"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table.

    >>> print(table(["", "Dice"], [["shipped", "0.9"]]))
    | | Dice |
    |---|---|
    | shipped | 0.9 |
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(_line(cells) for cells in lines)


def _line(cells: Sequence[str]) -> str:
    if set(cells) == {"---"}:
        return f"|{'|'.join(cells)}|"
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def overview_rows(
    task: str, report: Mapping[str, Any], groups: str, further: Callable[[Mapping[str, Any]], str], of: str = "Dice"
) -> list[list[str]]:
    """The rows of the shipped and the reference network in the shared table.

    Args:
        task: its name.
        report: with ``test``, and with a reference also ``reference`` and ``advantage``.
        groups: kind of groups: exams, patients ...
        further: maps a summary to the figures beside Dice.
        of: the quantity whose difference is ``advantage``.
    """
    test = report["test"]
    rows = [[f"`{task}`", SHIPPED, f"{test['cases']} of {test['groups']} {groups}", figure(test["dice_of_structures"], 4), further(test)]]
    rows[0].append(f"{of} {figure(report.get('advantage'), 4, sign=True)}")
    if "reference" in report:
        other = report["reference"]
        overlap = (
            figure(other["dice_of_structures"], 4)
            if other["pixel_accuracy"]["mean"] != other["pixel_accuracy"]["of_an_empty_mask"]
            else "-"
        )
        rows.append(["", "teaching reference", "the same", overlap, further(other), ""])
    return rows


def pixels(summary: Mapping[str, Any]) -> str:
    """Pixel accuracy, and that of an empty mask as a baseline.

    >>> pixels({"pixel_accuracy": {"mean": 0.984, "of_an_empty_mask": 0.973}})
    '98.40 % of the pixels right, with empty masks 97.30 %'
    """
    accuracy = summary["pixel_accuracy"]
    return f"{100 * accuracy['mean']:.2f} % of the pixels right, with empty masks {100 * accuracy['of_an_empty_mask']:.2f} %"


def difference_line(report: Mapping[str, Any], of: str = "Dice") -> list[str]:
    """A sentence on shipped minus reference, if there is a reference."""
    if "reference" not in report:
        return []
    return ["", f"Shipped minus reference, image by image, {of}: {figure(report['advantage'], 4, sign=True)}."]


def figure(value: Mapping[str, Any] | None, digits: int, unit: str = "", sign: bool = False) -> str:
    """A mean or another value with its interval in brackets; a dash for no value.

    >>> figure({"mean": 0.51234, "interval_95": (0.4, 0.6)}, 2, " mm")
    '0.51 mm (0.40 to 0.60)'
    """
    if value is None:
        return "-"
    form = f"{'+' if sign else ''}.{digits}f"
    number = value["mean"] if "mean" in value else value["value"]
    return f"{number:{form}}{unit}{brackets(value['interval_95'], form)}"


def percent(share: Mapping[str, Any] | None) -> str:
    """A share in percent, with its interval.

    >>> percent({"mean": 0.125, "interval_95": None})
    '12.5 %'
    """
    if share is None:
        return "-"
    interval = share["interval_95"]
    return figure({"mean": 100 * share["mean"], "interval_95": [100 * end for end in interval] if interval else None}, 1, " %")


def overlap_cells(summary: Mapping[str, Any]) -> list[str]:
    """Dice of structures with its median, Dice of all images, and the share of images without a structure in which one is found."""
    structures = summary["dice_of_structures"]
    median = f"{structures['median']:.4f}" if structures else "-"
    return [figure(structures, 4), median, figure(summary["dice"], 4), percent(summary["false_positives"])]


def area_of(summary: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The area under the curve of a summary; ``None`` if no class or only one is known."""
    area: Mapping[str, Any] | None = summary["classes"] and summary["classes"]["area_under_curve"]
    return area


def brackets(interval: Sequence[float] | None, form: str) -> str:
    """An interval in brackets; empty for no interval."""
    return f" ({interval[0]:{form}} to {interval[1]:{form}})" if interval else ""


def bar(name: str, value: float, least: float, digits: int = 4) -> list[str]:
    """A line if a figure is below its bar, else nothing.

    >>> bar("Dice", 0.5, 0.75)
    ['Dice 0.5000 is below 0.75']
    """
    return [] if value >= least else [f"{name} {value:.{digits}f} is below {least:g}"]


def advantage_bar(report: Mapping[str, Any]) -> list[str]:
    """A line if the shipped network does not significantly beat its reference, or if there is no reference."""
    advantage = report.get("advantage")
    if not advantage:
        return [_REFERENCE]
    interval = advantage["interval_95"]
    if interval and interval[0] > 0:
        return []
    return [f"shipped minus reference is {figure(advantage, 4, sign=True)}: the interval must lie above 0"]
