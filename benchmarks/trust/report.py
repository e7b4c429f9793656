"""The figures as tables, bars and a plot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.accuracy.tables import bar, figure, percent, table
from benchmarks.made_pictures import KINDS
from benchmarks.trust.measure import BAD_DICE, SENT

__all__ = ["draw_reliability", "markdown", "missed_bars", "overview"]

OWN_AT_MOST = 0.05
MADE_AT_LEAST = 0.95
OTHERS_AT_LEAST = 0.95
VARIED_AT_LEAST = 0.95
SPEARMAN_AT_LEAST = 0.4
CAUGHT_AT_LEAST = 0.4


def overview(reports: Mapping[str, Mapping[str, Any]]) -> str:
    """The three tables of all tasks."""
    return "\n\n".join([_likeness(reports), _limits(reports), _confidence(reports)])


def markdown(report: Mapping[str, Any], task: str, picture: str) -> str:
    """A task's own tables, with the diagram."""
    return f"{overview({task: report})}\n\n![Confidence against the true Dice]({picture})"


def _likeness(reports: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [f"`{task}`", percent(report["own"]), *(_share(report["made"][kind]) for kind in KINDS), *_worst_other(report)]
        for task, report in reports.items()
    ]
    head = (
        "Share of pictures with the status `unlike_training_data`: of the own test images, of pictures made by the benchmark, and of test "
        "images of the other tasks."
    )
    return f"{head}\n\n" + table(
        ["task", "its own", *(f"{kind}s" if kind == "photograph" else kind for kind in KINDS), "other tasks'", "fewest of"], rows
    )


def _limits(reports: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for task, report in reports.items():
        found = report["limits"]
        least = sorted(found["left_out"].items(), key=lambda item: item[1])
        rows.append(
            [
                f"`{task}`",
                f"{100 * found['another_source']:.1f} %",
                f"{100 * found['varied']:.1f} %",
                ", ".join(f"{kind} {100 * share:.0f} %" for kind, share in least),
            ]
        )
    head = (
        "The two limits. Test images are varied as in training, which imitates other machines. For the last column, the limit of kinds was "
        "fitted again without each kind in turn."
    )
    columns = [
        "task",
        "test images from another source",
        "varied test images that pass as of this kind",
        "kinds found though unknown",
    ]
    return f"{head}\n\n{table(columns, rows)}"


def _worst_other(report: Mapping[str, Any]) -> list[str]:
    others = report["others"]
    name = min(others, key=lambda other: others[other]["mean"])
    return [f"{100 * others_share(report):.1f} %", f"`{name}`: {_share(others[name])}"]


def others_share(report: Mapping[str, Any]) -> float:
    """Share of all images of other tasks that is flagged."""
    others = report["others"].values()
    return float(sum(other["mean"] * other["cases"] for other in others) / sum(other["cases"] for other in others))


def made_share(report: Mapping[str, Any]) -> float:
    """Share of all photographs, noise and text that is flagged."""
    kinds = report["made"].values()
    return float(sum(kind["mean"] * kind["cases"] for kind in kinds) / sum(kind["cases"] for kind in kinds))


def _share(part: Mapping[str, Any]) -> str:
    return f"{100 * part['mean']:.1f} % of {part['cases']}"


def _confidence(reports: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for task, report in reports.items():
        found = report["caught"]
        bad = f"{found['caught']} of {found['bad']} (Dice below {found['below']:.2f})"
        rows.append(
            [
                f"`{task}`",
                str(report["cases"]),
                figure(report["spearman"], 2),
                bad,
                f"{report['confidence_error']:.3f}",
                f"{report['low_confidence']:g}",
            ]
        )
    head = (
        f"Confidence against the true Dice of test images. Bad masks are those with a Dice below {BAD_DICE}, or below the 5th percentile "
        "where fewer than 10 are that bad; the calibration error is that of confidence as the expected Dice, in 10 bins."
    )
    columns = [
        "task",
        "images",
        "Spearman",
        f"bad masks among the {100 * SENT:.0f} % least confident",
        "calibration error",
        "`low_confidence` below",
    ]
    return f"{head}\n\n{table(columns, rows)}"


def missed_bars(report: Mapping[str, Any]) -> list[str]:
    """One line per bar that the figures miss."""
    own = report["own"]["mean"]
    return [
        *([f"{100 * own:.1f} % of its own test images are flagged: above {100 * OWN_AT_MOST:g} %"] if own > OWN_AT_MOST else []),
        *bar("share of photographs, noise and text that is flagged", made_share(report), MADE_AT_LEAST),
        *bar("share of other tasks' images that is flagged", others_share(report), OTHERS_AT_LEAST),
        *bar("share of varied test images that pass as of this kind", report["limits"]["varied"], VARIED_AT_LEAST),
        *bar("Spearman of confidence and Dice", report["spearman"]["value"], SPEARMAN_AT_LEAST),
        *bar("share of bad masks that is caught", report["caught"]["mean"], CAUGHT_AT_LEAST),
    ]


def draw_reliability(report: Mapping[str, Any], file: Path) -> None:
    """Each test image as a point, and the mean of each tenth of the scale."""
    picture = Figure(figsize=(4.6, 4.4), layout="constrained")
    axes = picture.add_subplot()
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.8, label="confidence = Dice")
    confidences, overlaps = zip(*report["points"], strict=True)
    axes.scatter(confidences, overlaps, s=8, color="tab:blue", alpha=0.35, linewidths=0, label="a test image")
    means = [(part["confidence"], part["dice"]) for part in report["reliability"] if part["cases"] >= 3]
    if means:
        axes.plot(*zip(*means, strict=True), "o-", color="tab:orange", label="mean of a tenth")
    axes.axvline(report["low_confidence"], color="tab:red", linewidth=0.8, linestyle="--", label="low_confidence")
    axes.set(xlabel="confidence", ylabel="true Dice", xlim=(0, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.legend(loc="upper left", frameon=False, fontsize="small")
    picture.savefig(file, dpi=100, metadata={"Software": None})
