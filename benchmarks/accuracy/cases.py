"""Evaluate many images, and compare two networks on the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from usseg_monai.datasets.datalist import SECTIONS, read_dataset, to_datalist
from usseg_monai.errors import UsageError
from usseg_monai.evaluation.cases import CaseResult, Predicts, evaluate_case
from usseg_monai.evaluation.classification import macro_area_under_curve
from usseg_monai.evaluation.summary import FloatArray, groups_of, spread, with_interval

__all__ = ["THREADS", "dice_advantage", "evaluate", "macro_area_advantage", "probabilities", "read_sections", "worst"]

THREADS = 2

Items = Sequence[Mapping[str, Any]]


def read_sections(name: str, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The items of each section of a data set.

    Raises:
        UsageError: the data set cannot be read, or its test part is empty.
    """
    datalist = to_datalist(read_dataset(name, folder))
    if not datalist["test"]:
        raise UsageError(f"{folder} holds no group of the test part: {name} is needed with more groups (docs/data.md)")
    return {section: datalist[section] for section in SECTIONS.values()}


def evaluate(predictor: Predicts, items: Items) -> list[CaseResult]:
    """Evaluate all items, several concurrently."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(partial(evaluate_case, predictor), items))


def probabilities(results: Sequence[CaseResult]) -> FloatArray:
    """The network's outputs for each case: ``(cases, outputs)``."""
    return np.array([list(result.outputs.values()) for result in results])


def dice_advantage(shipped: Sequence[CaseResult], reference: Sequence[CaseResult]) -> dict[str, Any] | None:
    """Difference of the shipped network's and the reference's Dice, image by image, over images with a structure."""
    pairs = [(ours, theirs) for ours, theirs in zip(shipped, reference, strict=True) if ours.has_structure]
    differences = [(ours.dice or 0.0) - (theirs.dice or 0.0) for ours, theirs in pairs]
    figure = spread(differences, [ours.group for ours, _ in pairs])
    return None if figure is None else {"value": figure["mean"], "interval_95": figure["interval_95"]}


def macro_area_advantage(shipped: Sequence[CaseResult], reference: Sequence[CaseResult]) -> dict[str, Any] | None:
    """Difference of the shipped network's and the reference's mean area under the ROC curves, on the same images."""
    pairs = [pair for pair in zip(shipped, reference, strict=True) if all(each.outputs for each in pair)]
    classes = np.array([each.category for each, _ in pairs], int)
    ours, theirs = (probabilities([pair[which] for pair in pairs]) for which in (0, 1))

    def difference(weights: FloatArray) -> FloatArray:
        return np.subtract(macro_area_under_curve(ours, classes, weights), macro_area_under_curve(theirs, classes, weights))

    return with_interval(difference, groups_of([each for each, _ in pairs])) if pairs else None


def worst(results: Sequence[CaseResult], count: int = 10) -> list[dict[str, Any]]:
    """The cases with the lowest Dice, failed ones first."""
    chosen = sorted(results, key=lambda result: -1.0 if result.dice is None else result.dice)[:count]
    return [{"image": result.image.name, "status": result.status.value, "dice": result.dice} for result in chosen]
