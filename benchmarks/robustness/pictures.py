"""The figures as one plot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.robustness.degradations import DEGRADATIONS
from benchmarks.robustness.report import falls

__all__ = ["draw"]

_STYLES = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D"))
"""A colour and a marker for each task, distinguishable by colour-blind people (Okabe and Ito, 2008)."""

_COLUMNS = 4


def draw(reports: Mapping[str, Mapping[str, Any]], file: Path) -> None:
    """One panel per degradation, one line per task: mean Dice over strength. Points that miss the bar have a ring."""
    picture = Figure(figsize=(11, 8), layout="constrained")
    panels = picture.subplots(-(-len(DEGRADATIONS) // _COLUMNS), _COLUMNS, sharey=True).ravel()
    for axes, degradation in zip(panels, DEGRADATIONS, strict=True):
        for (color, sign), (task, report) in zip(_STYLES, reports.items(), strict=False):
            entries = report["degradations"][degradation.name]
            values = [entry["dice"]["mean"] if entry["dice"] else None for entry in (report["undisturbed"], *entries)]
            axes.plot(range(len(values)), values, color=color, marker=sign, markersize=5, linewidth=1.5, label=task)
            if falls(entries[0]):
                axes.plot(1, values[1], color="black", marker="o", markersize=12, fillstyle="none")
        axes.set_title(degradation.name)
        axes.set_xlabel(degradation.unit, fontsize="small")
        axes.set_xticks(range(4), ["none", *(f"{strength:g}" for strength in degradation.strengths)])
        axes.grid(axis="y", color="0.9")
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[::_COLUMNS]:
        axes.set_ylabel("mean Dice")
    handles, labels = panels[0].get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    picture.savefig(file, dpi=100, metadata={"Software": None})
