"""Figures over many compared cases, ready for JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.evaluation.bootstrap import bootstrap_interval, bootstrap_mean_interval
from usseg_monai.evaluation.cases import CaseResult, classified
from usseg_monai.evaluation.classification import area_under_curve, macro_area_under_curve

__all__ = ["LARGE_DIFFERENCE_MM", "groups_of", "share", "spread", "summarize", "with_interval"]

LARGE_DIFFERENCE_MM = 5.0
"""Differences above this are counted: more than twice the difference between two observers of a fetal head."""

FloatArray = npt.NDArray[np.float64]


def summarize(results: Sequence[CaseResult]) -> dict[str, Any]:
    """Summarise cases; failed ones are counted but left out of the figures.

    Returns:
        Ready for JSON: ``cases``, ``groups``, ``status`` (count of each) and

        - ``dice`` over all images (1 where annotation and mask are both empty), ``dice_of_structures`` over those with a structure;
        - ``false_positives`` over images without a structure: ``cases``, and ``mean``, the share whose mask is not empty;
        - ``pixel_accuracy``: its ``mean``, and the mean ``of_an_empty_mask``;
        - ``classes``: ``cases``, ``area_under_curve`` and, with several classes, ``accuracy``. The area is that of a single output for
          the presence of a structure, or the mean over each class against all others;
        - ``columns``: each compared column.

        Intervals are 95 % bootstrap intervals by group, ``None`` with fewer than two groups. Figures without cases are ``None``.
    """
    known = [result for result in results if result.dice is not None]
    structures = [result for result in known if result.has_structure]
    empty = [result for result in known if not result.has_structure]
    columns = sorted({name for result in results for name in result.compared})
    return {
        "cases": len(results),
        "groups": len({result.group for result in results}),
        "status": dict(sorted(Counter(result.status.value for result in results).items())),
        "dice": spread([result.dice for result in known if result.dice is not None], groups_of(known)),
        "dice_of_structures": spread([result.dice for result in structures if result.dice is not None], groups_of(structures)),
        "false_positives": share([result.found for result in empty], groups_of(empty)),
        "pixel_accuracy": _summarize_pixels(known),
        "classes": _summarize_classes(known),
        "columns": {name: _summarize_column(_with_column(results, name), name) for name in columns},
    }


def spread(values: Sequence[float] | npt.NDArray[np.float64], groups: Sequence[str]) -> dict[str, Any] | None:
    """Number, mean with its interval by group, standard deviation and median of one value per case; ``None`` without cases.

    >>> spread([0.5, 1.0], ["a", "b"])
    {'cases': 2, 'mean': 0.75, 'standard_deviation': 0.25, 'median': 0.75, 'interval_95': (0.5, 1.0)}
    """
    if len(values) == 0:
        return None
    return {
        "cases": len(values),
        "mean": float(np.mean(values)),
        "standard_deviation": float(np.std(values)),
        "median": float(np.median(values)),
        "interval_95": bootstrap_mean_interval(values, groups),
    }


def share(hits: Sequence[bool] | npt.NDArray[np.bool_], groups: Sequence[str]) -> dict[str, Any] | None:
    """Share of hits among the cases, 0 to 1, with its interval by group, and the number of cases; ``None`` without cases.

    >>> share([True, False], ["a", "b"])
    {'cases': 2, 'mean': 0.5, 'interval_95': (0.0, 1.0)}
    """
    if len(hits) == 0:
        return None
    shares = np.asarray(hits, np.float64)
    return {"cases": len(shares), "mean": float(shares.mean()), "interval_95": bootstrap_mean_interval(shares, groups)}


def with_interval(statistic: Callable[[FloatArray], FloatArray], groups: Sequence[str]) -> dict[str, Any] | None:
    """Any figure with its interval by group, ``statistic`` as in `usseg_monai.evaluation.bootstrap.bootstrap_interval`; ``None`` for nan.

    >>> with_interval(lambda weights: weights @ np.array([1.0, 3.0]) / weights.sum(axis=-1), ["a", "b"])
    {'value': 2.0, 'interval_95': (1.0, 3.0)}
    """
    value = float(statistic(np.ones(len(groups))))
    return None if np.isnan(value) else {"value": value, "interval_95": bootstrap_interval(statistic, groups)}


def groups_of(results: Sequence[CaseResult]) -> list[str]:
    """The group of each case."""
    return [result.group for result in results]


def _summarize_pixels(results: Sequence[CaseResult]) -> dict[str, Any] | None:
    pairs = [(result.pixel_accuracy, result.background) for result in results if result.pixel_accuracy is not None]
    if not pairs:
        return None
    mean, of_an_empty_mask = np.mean(np.array(pairs, np.float64), axis=0)
    return {"mean": float(mean), "of_an_empty_mask": float(of_an_empty_mask)}


def _summarize_classes(results: Sequence[CaseResult]) -> dict[str, Any] | None:
    """Figures of the cases with outputs and a known class; a single output is the presence of a structure."""
    known = classified(results)
    if not known:
        return None
    groups = groups_of(known)
    probabilities = np.array([list(result.outputs.values()) for result in known])
    if probabilities.shape[1] == 1:
        present = np.array([result.has_structure for result in known])
        return {"cases": len(known), "area_under_curve": with_interval(partial(area_under_curve, probabilities[:, 0], present), groups)}
    classes = np.array([result.category for result in known])
    return {
        "cases": len(known),
        "area_under_curve": with_interval(partial(macro_area_under_curve, probabilities, classes), groups),
        "accuracy": share(probabilities.argmax(axis=1) == classes, groups),
    }


def _with_column(results: Sequence[CaseResult], name: str) -> list[CaseResult]:
    return [result for result in results if name in result.compared]


def _summarize_column(results: Sequence[CaseResult], name: str) -> dict[str, Any]:
    groups = groups_of(results)
    differences = np.array([result.compared[name].difference for result in results])
    return {
        "cases": len(results),
        "absolute_difference": spread(np.abs(differences), groups),
        "difference": spread(differences, groups),
        f"share_above_{LARGE_DIFFERENCE_MM:g}_mm": float(np.mean(np.abs(differences) > LARGE_DIFFERENCE_MM)),
    }
