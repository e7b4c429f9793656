"""Plots for the breast classes: confusion matrices and ROC curves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.accuracy.breast import CLASSES, SOURCES

__all__ = ["draw_confusion", "draw_roc"]


def draw_confusion(report: Mapping[str, Any], file: Path) -> None:
    """One confusion matrix per source, shaded by share of the true class."""
    picture = Figure(figsize=(4 * len(SOURCES), 4), layout="constrained")
    for number, source in enumerate(SOURCES):
        axes = picture.add_subplot(1, len(SOURCES), number + 1)
        matrix = report["sources"][source]["confusion_matrix"]
        shares = [[count / max(sum(counts), 1) for count in counts] for counts in matrix]
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, counts in enumerate(matrix):
            for col, count in enumerate(counts):
                axes.text(col, row, str(count), ha="center", va="center", color="white" if shares[row][col] > 0.6 else "black")
        axes.set_xticks(range(len(CLASSES)), CLASSES)
        axes.set_yticks(range(len(CLASSES)), CLASSES)
        axes.set(title=source, xlabel="called", ylabel="true class")
    _save(picture, file)


def draw_roc(report: Mapping[str, Any], file: Path) -> None:
    """ROC curves of each class against the others, one panel per source."""
    picture = Figure(figsize=(4 * len(SOURCES), 4.2), layout="constrained")
    for number, source in enumerate(SOURCES):
        axes: Axes = picture.add_subplot(1, len(SOURCES), number + 1)
        for name, (false_positives, true_positives) in report["sources"][source]["roc"].items():
            axes.plot(false_positives, true_positives, label=f"{name} against the others")
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
        axes.set(title=source, xlabel="false-positive rate", ylabel="true-positive rate", aspect="equal")
        axes.legend(loc="lower right", frameon=False, fontsize="small")
    _save(picture, file)


def _save(picture: Figure, file: Path) -> None:
    picture.savefig(file, dpi=100, metadata={"Software": None})
