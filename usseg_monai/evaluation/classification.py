"""Metrics of class probabilities: ranking, calibration, decisions at a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "area_under_curve",
    "confusion_matrix",
    "expected_calibration_error",
    "macro_area_under_curve",
    "roc_curve",
    "threshold_of_sensitivity",
]

FloatArray = npt.NDArray[np.float64]


def area_under_curve(scores: npt.ArrayLike, positive: npt.ArrayLike, weights: FloatArray | None = None) -> FloatArray:
    """Area under the ROC curve: probability that a positive case has a higher score than a negative one; ties count half.

    Equals `monai.metrics.compute_roc_auc`, which does not take the weights that a bootstrap needs.

    Args:
        scores: ``(cases,)``, higher means positive.
        positive: ``(cases,)``, truth.
        weights: ``(..., cases)``, how often each case counts, such as the draws of a bootstrap; once each if not given.

    Returns:
        ``(...)``: one area per row of weights; nan where no positive or no negative case has weight.

    >>> float(area_under_curve([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]))
    0.75
    """
    values, truth = np.asarray(scores, np.float64), np.asarray(positive, bool)
    counts = np.ones(len(values)) if weights is None else weights
    above, below = values[truth][:, None], values[~truth][None]
    wins = (above > below) + 0.5 * (above == below)
    won = ((counts[..., truth] @ wins) * counts[..., ~truth]).sum(axis=-1)
    pairs = counts[..., truth].sum(axis=-1) * counts[..., ~truth].sum(axis=-1)
    with np.errstate(invalid="ignore"):
        area: FloatArray = won / pairs
    return area


def macro_area_under_curve(probabilities: npt.ArrayLike, classes: npt.ArrayLike, weights: FloatArray | None = None) -> FloatArray:
    """Mean over the classes of the area under the ROC curve of each against all others.

    Args:
        probabilities: ``(cases, classes)``.
        classes: ``(cases,)``, index of the true class.
        weights: see `area_under_curve`.

    >>> float(macro_area_under_curve([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.3, 0.3, 0.4]], [0, 1, 2]))
    1.0
    """
    values, truth = np.asarray(probabilities, np.float64), np.asarray(classes)
    areas = [area_under_curve(values[:, index], truth == index, weights) for index in range(values.shape[1])]
    mean: FloatArray = np.mean(areas, axis=0)
    return mean


def roc_curve(scores: npt.ArrayLike, positive: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """False-positive rates and true-positive rates at every threshold, from (0, 0) to (1, 1).

    >>> false_positives, true_positives = roc_curve([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    >>> false_positives.tolist(), true_positives.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    """
    values, truth = np.asarray(scores, np.float64), np.asarray(positive, bool)
    thresholds = np.unique(values)[::-1]
    above = values[None] >= thresholds[:, None]
    rates = [np.r_[0.0, above[:, kind].mean(axis=1)] for kind in (~truth, truth)]
    return rates[0], rates[1]


def threshold_of_sensitivity(scores: npt.ArrayLike, positive: npt.ArrayLike, sensitivity: float) -> float:
    """The highest threshold that at least this share of the positive cases reach.

    Choose it on validation cases and use it on test cases.

    Raises:
        ValueError: no positive case, or a sensitivity that is not above 0 and at most 1.

    >>> threshold_of_sensitivity([0.9, 0.6, 0.4, 0.2, 0.7], [1, 1, 1, 1, 0], sensitivity=0.75)
    0.4
    """
    found = np.sort(np.asarray(scores, np.float64)[np.asarray(positive, bool)])[::-1]
    if len(found) == 0 or not 0 < sensitivity <= 1:
        raise ValueError(f"sensitivity {sensitivity} of {len(found)} positive cases: it must be above 0 and at most 1, of at least one")
    return float(found[int(np.ceil(sensitivity * len(found) - 1e-9)) - 1])


def confusion_matrix(truth: Sequence[int], predicted: Sequence[int], classes: int) -> npt.NDArray[np.int64]:
    """Number of cases; rows are true classes, columns predicted classes.

    >>> confusion_matrix([0, 1, 1], [0, 1, 0], classes=2).tolist()
    [[1, 0], [1, 1]]
    """
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (np.asarray(truth, int), np.asarray(predicted, int)), 1)
    return matrix


def expected_calibration_error(probabilities: npt.NDArray[Any], classes: npt.ArrayLike, bins: int = 10) -> float:
    """Difference between the predicted class's probability and the share of correct predictions, 0 to 1.

    Cases are binned by probability in bins of equal width; the differences are averaged, weighted by bin size (Guo, Pleiss,
    Sun, Weinberger, "On calibration of modern neural networks", ICML 2017, equation 3).

    Args:
        probabilities: ``(cases, classes)``.
        classes: ``(cases,)``, index of the true class.
        bins: number of bins between 0 and 1.

    >>> round(expected_calibration_error(np.array([[0.9, 0.1]] * 10), [0] * 8 + [1] * 2), 3)  # says 90 %, is right in 80 %
    0.1
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == np.asarray(classes)
    members = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(members, weights=right - confidence)
    return float(np.abs(gaps).sum() / len(confidence))
