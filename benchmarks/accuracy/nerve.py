"""The nerve on test subjects of Kaggle's set: overlap, presence in windows with and without a nerve, and pixel accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.accuracy.cases import dice_advantage, evaluate, read_sections, worst
from benchmarks.accuracy.tables import advantage_bar, area_of, bar, difference_line, figure, overview_rows, percent, pixels, table
from usseg_monai.datasets.windows import with_windows
from usseg_monai.evaluation.cases import Predicts
from usseg_monai.evaluation.summary import groups_of, share, summarize

DICE_AT_LEAST = 0.78
WINDOW_SIDE = 0.5
"""Side of the windows, as a share of the frame's sides. At 0.6 few frames have room for one beside the nerve; one subject has none."""


def measure(data: Path, shipped: Predicts, reference: Predicts | None) -> dict[str, Any]:
    """All figures; ``data`` is Kaggle's set, as `usseg_monai.datasets.kaggle_nerve` reads it.

    The test part has frames with a nerve only. Presence is therefore measured in windows of half their sides, one with the whole nerve
    and one without any of it, both at random places that are the same in every run, so that magnification and crop give nothing away. The
    frames that the experts left empty are from one subject; they are measured separately.
    """
    sections = read_sections("kaggle_nerve", data)
    items = sections["test"]
    results = evaluate(shipped, items)
    windows = evaluate(shipped, with_windows(items, side=WINDOW_SIDE)[len(items) :])
    report: dict[str, Any] = {
        "test": summarize(results),
        "found": share([result.found for result in results if result.has_structure], groups_of([r for r in results if r.has_structure])),
        "windows": summarize(windows),
        "original_frames": {
            section: summarize(evaluate(shipped, frames))
            for section, members in sections.items()
            if (frames := [item for item in members if item.get("source") == "original"])
        },
        "worst": worst(results),
    }
    if reference:
        others = evaluate(reference, items)
        report |= {"reference": summarize(others), "advantage": dice_advantage(results, others)}
    return report


def missed_bars(report: Mapping[str, Any]) -> list[str]:
    """One line per bar that the figures miss."""
    area = area_of(report["windows"])
    return [
        *bar("Dice of frames with a nerve", report["test"]["dice_of_structures"]["mean"], DICE_AT_LEAST),
        *([] if area and area["interval_95"] else ["there is no interval of the presence's area under the curve: test more subjects"]),
        *advantage_bar(report),
    ]


def overview(report: Mapping[str, Any]) -> list[list[str]]:
    """The task's rows of the shared table."""
    rows = overview_rows("nerve", report, "subjects", pixels)
    rows[0][4] = f"presence, area under the curve {figure(area_of(report['windows']), 3)}; {rows[0][4]}"
    return rows


def eval_metrics(report: Mapping[str, Any]) -> dict[str, float]:
    """The figures of the bundle's metadata."""
    area = area_of(report["windows"])
    presence = {"presence_area_under_curve_windows": round(area["value"], 4)} if area else {}
    return {"mean_dice_positives": round(report["test"]["dice_of_structures"]["mean"], 4), **presence}


def markdown(report: Mapping[str, Any]) -> str:
    """The task's own tables."""
    test, windows = report["test"], report["windows"]
    rows = [_row("**shipped network**", test)]
    if "reference" in report:
        rows.append(_row("reference: classic U-Net, 128x128", report["reference"]))
    return "\n".join(
        [
            f"Kaggle's nerve set, {test['cases']} frames of {test['groups']} subjects that were in no training or validation part; in "
            "brackets the 95 % bootstrap interval by subject.",
            "",
            table(("", "frames", "Dice of frames with a nerve", "median", "competition's mean Dice", "pixels right", "empty mask"), rows),
            "",
            f"{_no_negatives(test)} In {percent(report['found'])} of the frames with a nerve something was found.",
            *difference_line(report),
            "",
            "Presence, in windows of half the sides of the test frames, with the nerve whole or nothing of it:",
            "",
            table(
                (
                    "windows with",
                    "and without a nerve",
                    "area under the curve",
                    "a nerve found where none is",
                    "mean Dice, empty and empty: 1",
                ),
                [_window_row(windows)],
            ),
            "",
            *(_originals(section, summary) for section, summary in report["original_frames"].items()),
        ]
    )


def _row(name: str, summary: Mapping[str, Any]) -> list[str]:
    positives, accuracy = summary["dice_of_structures"], summary["pixel_accuracy"]
    return [
        name,
        str(summary["cases"]),
        figure(positives, 4),
        f"{positives['median']:.4f}",
        figure(summary["dice"], 4),
        f"{100 * accuracy['mean']:.2f} %",
        f"{100 * accuracy['of_an_empty_mask']:.2f} %",
    ]


def _window_row(windows: Mapping[str, Any]) -> list[str]:
    return [
        str(windows["dice_of_structures"]["cases"]),
        str(windows["false_positives"]["cases"]),
        figure(area_of(windows), 4),
        percent(windows["false_positives"]),
        figure(windows["dice"], 4),
    ]


def _no_negatives(test: Mapping[str, Any]) -> str:
    if test["false_positives"]:
        return f"{test['false_positives']['cases']} of the frames are without a nerve."
    return "No test frame is without a nerve, so that the competition's mean Dice (empty and empty: 1) is the Dice of the others."


def _originals(section: str, summary: Mapping[str, Any]) -> str:
    """Figures of the frames in their official size, the only ones that experts left empty."""
    seen = "seen in training" if section == "training" else "used to choose the weights" if section == "validation" else "never seen"
    empty = summary["false_positives"]
    if empty is None:
        return f"Official frames of the {section} part ({seen}): {summary['cases']}, all with a nerve."
    return (
        f"Frames that the experts left empty, {empty['cases']} in the {section} part ({seen}): a nerve was found in {percent(empty)}; area "
        f"under the curve of presence against the {summary['cases'] - empty['cases']} with a nerve beside them "
        f"{figure(area_of(summary), 3)}."
    )
