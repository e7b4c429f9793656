"""Pictures of an evaluation: agreement of lengths, ROC curves, and the cases that overlap worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.data.evaluation import CaseResult, Predicts, classified, predict_item
from usseg_monai.imaging import atomic_path, write_png
from usseg_monai.imaging.boundary import boundaries
from usseg_monai.metrics.classification import area_under_curve, roc_curve
from usseg_monai.tasks import Task

__all__ = ["WORST_CASES", "limits_of_agreement", "write_plots", "write_worst_cases"]

WORST_CASES = 10
"""Number of cases that `write_worst_cases` draws."""


def limits_of_agreement(differences: npt.ArrayLike) -> tuple[float, float, float]:
    """Mean difference, and the limits between which 95 % of normally distributed differences lie: mean -/+ 1.96 standard deviations.

    Bland and Altman, "Statistical methods for assessing agreement between two methods of clinical measurement", Lancet, 1986.

    Args:
        differences: two or more.

    >>> [round(figure, 2) for figure in limits_of_agreement([-1.0, 0.0, 1.0])]
    [0.0, -1.96, 1.96]
    """
    values = np.asarray(differences, np.float64)
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    return mean, mean - 1.96 * deviation, mean + 1.96 * deviation


def write_plots(folder: Path, task: Task, results: Sequence[CaseResult]) -> list[Path]:
    """Write ``bland_altman_COLUMN.png`` for each compared column, and ``roc.png`` for tasks whose networks give probabilities.

    Args:
        folder: to write to.
        task: of the results.
        results: of all cases; a plot without enough of them (two pairs; both kinds of cases) is left out.

    Returns:
        The files written.

    Raises:
        OutputError: the folder cannot be written to.
    """
    files = []
    for name in sorted({name for result in results for name in result.compared}):
        pairs = np.array([(pair.predicted, pair.reference) for result in results if (pair := result.compared.get(name))])
        if len(pairs) > 1:
            files.append(_draw_bland_altman(folder / f"bland_altman_{name}.png", name, pairs))
    curves = _roc_curves(task, results)
    if curves:
        files.append(_draw_roc(folder / "roc.png", curves))
    return files


def write_worst_cases(folder: Path, predictor: Predicts, items: Sequence[Mapping[str, Any]], results: Sequence[CaseResult]) -> list[Path]:
    """Predict the cases of the smallest Dice again and write an overlay of each, with the annotation's outline, below ``worst/``.

    Args:
        folder: to write to.
        predictor: that made the results.
        items: of the datalist.
        results: of the items, in their order; those without a Dice are left out, and so are perfect ones.

    Returns:
        The files, the worst first: ``worst/01_dice_0.123_NAME.png``.

    Raises:
        OutputError: the folder cannot be written to.
    """
    from usseg_monai.imaging.overlay import draw_overlay
    from usseg_monai.inference.caption import caption, marks

    ranked = sorted((result.dice, index) for index, result in enumerate(results) if result.dice is not None and result.dice < 1)
    files = []
    for rank, (overlap, index) in enumerate(ranked[:WORST_CASES], 1):
        prediction, truth = predict_item(predictor, items[index])
        text = caption(predictor.task, prediction.measurement)
        text = replace(text, note=f"Dice {overlap:.3f}, {text.note}".removesuffix(", "))
        file = folder / "worst" / f"{rank:02d}_dice_{overlap:.3f}_{results[index].image.stem}.png"
        annotated = [np.vstack([outline, outline[:1]]) for outline in boundaries(truth)]
        lines = replace(marks(prediction.measurement), truth=annotated)
        write_png(file, draw_overlay(prediction.image, prediction.mask, lines, caption=text))
        files.append(file)
    return files


def _draw_bland_altman(file: Path, name: str, pairs: npt.NDArray[np.float64]) -> Path:
    from matplotlib.figure import Figure

    differences = pairs[:, 0] - pairs[:, 1]
    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    axis = figure.subplots()
    axis.scatter(pairs.mean(axis=1), differences, s=14, alpha=0.6, color="tab:blue", edgecolors="none")
    mean, low, high = limits_of_agreement(differences)
    for value, style, what in ((high, "--", "+1.96 SD"), (mean, "-", "mean"), (low, "--", "-1.96 SD")):
        axis.axhline(value, linestyle=style, color="black", linewidth=1)
        axis.annotate(
            f"{what} {value:+.2f}", (1, value), xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points", va="center"
        )
    words, _, unit = name.rpartition("_")
    axis.set(
        title=f"{words.replace('_', ' ')}: {len(pairs)} images",
        xlabel=f"mean of predicted and reference, {unit}",
        ylabel=f"predicted minus reference, {unit}",
    )
    axis.grid(alpha=0.3)
    with atomic_path(file) as temporary:
        figure.savefig(temporary, dpi=110, format="png")
    return file


def _roc_curves(task: Task, results: Sequence[CaseResult]) -> dict[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]]:
    """Scores and truth by the name of what they are for: the presence of a structure, or each class against all others."""
    known = classified(results)
    if not known:
        return {}
    names = list(known[0].outputs)
    scores = np.array([[result.outputs[name] for name in names] for result in known])
    if len(names) == 1:
        truths = {names[0].removesuffix("_probability"): np.array([result.has_structure for result in known])}
    else:
        truths = {name: np.array([result.category == index for result in known]) for index, name in enumerate(task.classes)}
    return {name: (scores[:, column], truth) for column, (name, truth) in enumerate(truths.items()) if truth.any() and not truth.all()}


def _draw_roc(file: Path, curves: Mapping[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]]) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 5.2), layout="constrained")
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for name, (scores, truth) in curves.items():
        label = f"{name}: area {float(area_under_curve(scores, truth)):.3f} ({truth.sum()} of {len(truth)})"
        axis.plot(*roc_curve(scores, truth), label=label)
    axis.set(title="ROC", xlabel="false positive rate", ylabel="true positive rate", aspect="equal")
    axis.grid(alpha=0.3)
    axis.legend(loc="lower right")
    with atomic_path(file) as temporary:
        figure.savefig(temporary, dpi=110, format="png")
    return file
