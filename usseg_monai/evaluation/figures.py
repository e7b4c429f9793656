"""Plots of an evaluation: agreement of measurements, ROC curves, and the cases with the smallest Dice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.evaluation.benchmark import patient_numbers
from usseg_monai.evaluation.cases import CaseResult, Predicts, classified, predict_item
from usseg_monai.evaluation.classification import area_under_curve, roc_curve
from usseg_monai.files.png import encode_png, write_png
from usseg_monai.files.write import atomic_path
from usseg_monai.geometry.boundary import boundaries
from usseg_monai.report.words import headed, label, quantity
from usseg_monai.tasks import Task
from usseg_monai.tasks.showcase import Figure

__all__ = ["WORST_CASES", "limits_of_agreement", "plots", "worst_first", "write_plots", "write_worst_cases"]

WORST_CASES = 10
"""Number of cases that `write_worst_cases` draws."""


def limits_of_agreement(differences: npt.ArrayLike) -> tuple[float, float, float]:
    """Mean difference and 95 % limits of agreement, mean -/+ 1.96 standard deviations.

    Bland and Altman, "Statistical methods for assessing agreement between two methods of clinical measurement", Lancet, 1986.

    Args:
        differences: two or more.

    >>> [round(figure, 2) for figure in limits_of_agreement([-1.0, 0.0, 1.0])]
    [0.0, -1.96, 1.96]
    """
    values = np.asarray(differences, np.float64)
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    return mean, mean - 1.96 * deviation, mean + 1.96 * deviation


def plots(task: Task, results: Sequence[CaseResult]) -> dict[str, Figure]:
    """Drawings of an evaluation with their numbers, by the name of their file.

    Args:
        task: of the results.
        results: of all cases; a plot without enough data (two pairs; positive and negative cases) is left out.

    Returns:
        ``bland_altman_COLUMN`` for each compared length and each number of whole patients, ``roc`` for networks that predict probabilities.
    """
    figures = {}
    for name in (column.name for column in task.columns):
        pairs = [(pair.predicted, pair.reference) for result in results if (pair := result.compared.get(name))]
        if len(pairs) > 1:
            figures[f"bland_altman_{name}"] = _agreement(name, pairs, "images")
    for name, patients in patient_numbers(task, results).items():
        pairs = [(found, drawn) for found, drawn in patients.values() if found is not None]
        if len(pairs) > 1:
            figures[f"bland_altman_{name}"] = _agreement(name, pairs, "patients")
    if curves := _roc_curves(task, results):
        figures["roc"] = _roc(curves)
    return figures


def write_plots(folder: Path, task: Task, results: Sequence[CaseResult]) -> list[Path]:
    """Write the drawings of `plots` as PNG.

    Args:
        folder: to write to.
        task: of the results.
        results: of all cases.

    Returns:
        The files written.

    Raises:
        OutputError: the folder cannot be written to.
    """
    files = []
    for name, figure in plots(task, results).items():
        files.append(folder / f"{name}.png")
        with atomic_path(files[-1]) as temporary:
            temporary.write_bytes(figure.png)
    return files


def worst_first(results: Sequence[CaseResult]) -> list[int]:
    """Indices of the cases, failed ones first, then by their Dice; equal ones as they come."""
    return sorted(range(len(results)), key=lambda index: -1.0 if (overlap := results[index].dice) is None else overlap)


def write_worst_cases(folder: Path, predictor: Predicts, items: Sequence[Mapping[str, Any]], results: Sequence[CaseResult]) -> list[Path]:
    """Predict the cases with the smallest Dice again, and write overlays with the annotation's outline below ``worst/``.

    Args:
        folder: to write to.
        predictor: that made the results.
        items: of the datalist.
        results: of the items, in the same order; cases without a Dice and perfect ones are left out.

    Returns:
        The files, the worst first: ``worst/01_dice_0.123_NAME.png``.

    Raises:
        OutputError: the folder cannot be written to.
    """
    from usseg_monai.imaging.drawing.overlay import draw_overlay
    from usseg_monai.report.caption import caption, marks

    ranked = [(overlap, index) for index in worst_first(results) if (overlap := results[index].dice) is not None and overlap < 1]
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


def _agreement(name: str, pairs: Sequence[tuple[float, float]], what: str) -> Figure:
    """Bland-Altman plot of a column, with bias and limits in words."""
    from usseg_monai.imaging.drawing.agreement import draw_agreement

    mean, low, high = limits_of_agreement([measured - true for measured, true in pairs])
    words, unit = label(name)
    drawn = draw_agreement(
        pairs,
        mean,
        (low, high),
        title=f"{words}: {len(pairs)} {what}",
        subtitle="",
        x_label=headed(name, "mean of measured and true value"),
        y_label=headed(name, "measured minus true value"),
    )
    suffix = name.rpartition("_")[2] if unit else ""
    values = {f"{number}_{suffix}": value for number, value in (("bias", mean), ("lower_limit", low), ("upper_limit", high))}
    direction = "larger" if mean >= 0 else "smaller"
    message = (
        f"On average, measured values are {quantity(abs(mean), name)} {direction} than true ones. If the differences are normally "
        f"distributed, 95 % of them lie between {quantity(low, name)} and {quantity(high, name)}, the limits of agreement."
    )
    return Figure(f"{words}: {len(pairs)} {what}", values, {}, encode_png(drawn), message)


def _roc_curves(task: Task, results: Sequence[CaseResult]) -> dict[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]]:
    """Scores and truth by name: presence of a structure, or each class against all others."""
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


def _roc(curves: Mapping[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]]) -> Figure:
    from usseg_monai.imaging.drawing.roc import draw_roc

    areas, drawn = {}, {}
    for name, (scores, truth) in curves.items():
        areas[name] = float(area_under_curve(scores, truth))
        false_positives, true_positives = (rates.tolist() for rates in roc_curve(scores, truth))
        drawn[f"{name}: area {areas[name]:.3f} ({truth.sum()} of {len(truth)})"] = false_positives, true_positives
    return Figure("Area under the ROC curve", areas, {}, encode_png(draw_roc(drawn, title="ROC")))
