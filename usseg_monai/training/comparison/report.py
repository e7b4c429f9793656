"""Report of a comparison of trainings: ranking, intervals, verdict, table and plots."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from usseg_monai.evaluation.bootstrap import bootstrap_mean_interval
from usseg_monai.files.table import csv_line, text_cell
from usseg_monai.files.write import atomic_path, write_text

__all__ = ["FEWEST_GROUPS", "Comparison", "Variant", "write_comparison"]

FEWEST_GROUPS = 15
"""Minimum number of groups for a verdict: with fewer, the percentile bootstrap's intervals are too narrow."""


@dataclass(frozen=True)
class Variant:
    """One trained combination.

    Attributes:
        settings: varied settings as given, key -> value.
        dice: of each validation image, in the comparison's order, 0 to 1.
        parameters: number of the network's parameters.
        milliseconds: time of the network for one image on one thread.
        curves: one row per epoch: ``epoch``, ``train_loss``, ``val_mean_dice`` ...
    """

    settings: Mapping[str, str]
    dice: Sequence[float]
    parameters: int
    milliseconds: float
    curves: Sequence[Mapping[str, float]]

    @property
    def mean_dice(self) -> float:
        """Mean over the images."""
        return float(np.mean(self.dice))


@dataclass(frozen=True)
class Comparison:
    """Variants that were trained and evaluated under one protocol.

    Attributes:
        task: name of the task.
        epochs: of every training.
        images: the validation images.
        groups: the group (exam, patient ...) of each image.
        variants: two or more, in the order of training.
    """

    task: str
    epochs: int
    images: Sequence[str]
    groups: Sequence[str]
    variants: Sequence[Variant]

    @property
    def ranked(self) -> list[Variant]:
        """The variants, best mean Dice first."""
        return sorted(self.variants, key=lambda variant: -variant.mean_dice)

    @property
    def varied(self) -> list[str]:
        """Keys that differ between variants."""
        settings = [variant.settings for variant in self.variants]
        return [key for key in settings[0] if len({one[key] for one in settings}) > 1]

    @property
    def size(self) -> str:
        """Number of images and groups, in words."""
        return f"{len(self.images)} images of {len(set(self.groups))} groups"

    def label(self, variant: Variant) -> str:
        """Short name: the values that differ, with their keys where the value alone is unclear."""
        return " + ".join(
            variant.settings[key] if key in ("network", "optimizer") else f"{key}={variant.settings[key]}" for key in self.varied
        )

    def lead(self, better: Variant, worse: Variant) -> tuple[float, tuple[float, float] | None]:
        """Mean over images of the difference in Dice, and its 95 % bootstrap interval by group."""
        difference = np.subtract(better.dice, worse.dice)
        return float(difference.mean()), bootstrap_mean_interval(difference, self.groups)

    @property
    def verdict(self) -> str:
        """One sentence: the best variant, its lead, and whether the lead is more than chance."""
        best, second = self.ranked[:2]
        difference, interval = self.lead(best, second)
        names = f"{self.label(best)} {{}} {'the next best, ' if len(self.variants) > 2 else ''}{self.label(second)}"
        if interval is None or len(set(self.groups)) < FEWEST_GROUPS:
            lead = f"{names.format('is ahead of')}, by {difference:.4f} Dice ({self.size})"
            return f"{lead}: no verdict, as at least {FEWEST_GROUPS} groups are needed to tell a difference from chance"
        figures = f"by {difference:.4f} Dice (95 % interval {interval[0]:.4f} to {interval[1]:.4f}, {self.size})"
        if interval[0] > 0:
            return f"{names.format('beats')}, {figures}: more than chance at this size"
        return f"{names.format('is ahead of')}, {figures}: no more than chance can do at this size"


def write_comparison(comparison: Comparison, out: Path) -> None:
    """Write ``compare.csv``, ``compare.json``, ``compare.md``, ``compare.png`` and ``curves.png`` into ``out``.

    Raises:
        OutputError: ``out`` cannot be written.
    """
    rows = [_row(comparison, variant) for variant in comparison.ranked]
    table = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    write_text(out / "compare.csv", "".join(map(csv_line, table)))
    facts = {"verdict": comparison.verdict, "ranked": rows, **dataclasses.asdict(comparison)}
    write_text(out / "compare.json", json.dumps(facts, indent=1) + "\n")
    write_text(out / "compare.md", _page(comparison))
    _draw_figures(comparison, out / "compare.png")
    _draw_curves(comparison, out / "curves.png")


def _row(comparison: Comparison, variant: Variant) -> dict[str, Any]:
    """One line of the table; intervals that cannot be computed are empty."""
    low, high = bootstrap_mean_interval(variant.dice, comparison.groups) or (None, None)
    behind, interval = comparison.lead(comparison.ranked[0], variant)
    behind_low, behind_high = interval or (None, None)
    return {
        **variant.settings,
        "dice_mean": variant.mean_dice,
        "dice_low": low,
        "dice_high": high,
        "dice_median": float(np.median(variant.dice)),
        "behind_best": behind,
        "behind_best_low": behind_low,
        "behind_best_high": behind_high,
        "parameters": variant.parameters,
        "milliseconds_an_image": variant.milliseconds,
        "last_train_loss": variant.curves[-1]["train_loss"],
    }


def _cell(value: Any) -> str:
    """Format a value; numbers keep all digits, as differences between networks are small."""
    if isinstance(value, (int, float)):
        return str(value)
    return "" if value is None else text_cell(str(value))


def _page(comparison: Comparison) -> str:
    """The comparison in Markdown."""
    first = comparison.variants[0].settings
    shared = "".join(f", {key}={first[key]}" for key in first if key not in comparison.varied)
    lines = [
        f"# {comparison.task}: {', '.join(comparison.varied)} compared",
        "",
        f"**{comparison.verdict}.**",
        "",
        "| variant | Dice | 95 % interval | median | behind the best | 95 % interval | parameters | ms an image |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for variant in comparison.ranked:
        row = _row(comparison, variant)
        best = variant is comparison.ranked[0]
        cells = [
            comparison.label(variant),
            f"{row['dice_mean']:.4f}",
            _interval(row["dice_low"], row["dice_high"]),
            f"{row['dice_median']:.4f}",
            "" if best else f"{row['behind_best']:.4f}",
            "" if best else _interval(row["behind_best_low"], row["behind_best_high"]),
            f"{row['parameters']:,}",
            f"{row['milliseconds_an_image']:.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "![Dice, parameters and time](compare.png)",
        "",
        "![Curves](curves.png)",
        "",
        f"{comparison.epochs} epochs each{shared}; same data, split, seeds and augmentation, no early stopping. Judged on the validation "
        f"part ({comparison.size}): Dice by case on each image's own grid, with the averaged weights after the last epoch. Intervals are "
        "bootstrap intervals of the mean that draw whole groups; differences are paired by image. Time is the median for the network "
        "alone, in float32 on one thread of the CPU. The Dice curves are those of the validation during training, on the network's grid; "
        "the loss of a network with auxiliary outputs includes these.",
        "",
        "Each variant was trained once: the intervals tell what other images would change, not what another seed would. "
        + ("The best of several on the same images is a little flattered. " if len(comparison.variants) > 2 else "")
        + "The test part was not touched.",
        "",
    ]
    return "\n".join(lines)


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.4f} to {high:.4f}"


def _width(comparison: Comparison) -> float:
    """Inches for the panels and the longest label beside them."""
    return 8.5 + 0.085 * max(len(comparison.label(variant)) for variant in comparison.variants)


def _draw_figures(comparison: Comparison, file: Path) -> None:
    """Dice with its interval, parameters and time, one line per variant, the best on top."""
    from matplotlib.figure import Figure  # its font cache takes a second: only when a picture is drawn

    rows = [_row(comparison, variant) for variant in comparison.ranked]
    lines = range(len(rows))
    figure = Figure(figsize=(_width(comparison), 1.3 + 0.42 * len(rows)), layout="constrained")
    dice, parameters, time = figure.subplots(1, 3, sharey=True, width_ratios=(2, 1, 1))
    for line, row in enumerate(rows):
        if row["dice_low"] is not None:
            dice.plot([row["dice_low"], row["dice_high"]], [line, line], color="tab:blue", linewidth=2, solid_capstyle="butt")
        dice.plot(row["dice_mean"], line, "o", color="tab:blue")
    dice.set(title="Dice, mean with 95 % interval", yticks=lines, yticklabels=[comparison.label(one) for one in comparison.ranked])
    dice.invert_yaxis()
    parameters.barh(lines, [row["parameters"] / 1e6 for row in rows], height=0.6, color="tab:gray")
    parameters.set(title="million parameters")
    time.barh(lines, [row["milliseconds_an_image"] for row in rows], height=0.6, color="tab:gray")
    time.set(title="ms an image, one thread")
    for axis in (dice, parameters, time):
        axis.grid(axis="x", alpha=0.3)
        axis.set_axisbelow(True)
    with atomic_path(file) as temporary:
        figure.savefig(temporary, dpi=110, format="png")


def _draw_curves(comparison: Comparison, file: Path) -> None:
    """Training loss and validation Dice over the epochs, one line per variant, in the order of the ranking."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(_width(comparison), max(4.0, 1.2 + 0.24 * len(comparison.variants))), layout="constrained")
    loss, dice = figure.subplots(1, 2)
    styles = ("-", "--", ":")
    for number, variant in enumerate(comparison.ranked):
        style = {"color": colormaps["tab10"](number % 10), "linestyle": styles[number // 10 % len(styles)]}
        for axis, column in ((loss, "train_loss"), (dice, "val_mean_dice")):
            rows = [row for row in variant.curves if column in row]
            marker = "o" if len(rows) == 1 else None  # a line through a single point is invisible
            axis.plot(
                [row["epoch"] for row in rows], [row[column] for row in rows], marker=marker, label=comparison.label(variant), **style
            )
    loss.set(title="training loss", xlabel="epoch")
    dice.set(title="validation Dice on the network's grid", xlabel="epoch")
    for axis in (loss, dice):
        axis.grid(alpha=0.3)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    figure.legend(*loss.get_legend_handles_labels(), loc="outside right center", frameon=False)
    with atomic_path(file) as temporary:
        figure.savefig(temporary, dpi=110, format="png")
