"""Figures on likeness and confidence, ready for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from benchmarks.accuracy.cases import Items, evaluate
from benchmarks.kinds import Sight, found_without, known_pictures
from benchmarks.made_pictures import KINDS, made_pictures
from benchmarks.tasks import BENCHMARKED
from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.evaluation.cases import CaseResult
from usseg_monai.evaluation.summary import groups_of, share, with_interval
from usseg_monai.files.sample import evenly
from usseg_monai.predict.predictor import Predictor
from usseg_monai.tasks import TASKS
from usseg_monai.weights.released import released_weights
from usseg_monai.weights.trust import load_trust

__all__ = ["BAD_DICE", "SENT", "caught", "confidence_error", "measure", "reliability", "spearman"]

MADE = {"photograph": 80, "noise": 60, "text": 60}
"""Number of pictures of each kind, 200 in total."""
OF_OTHERS = 60
"""Maximum number of images of each other task, taken evenly from its test part."""
BAD_DICE = 0.5
FEW = 10
"""With fewer bad masks than this, those below the 5th percentile of Dice count as bad."""
SENT = 0.1
"""Share of the images that are sent to a human, the least confident ones."""
BINS = 10

FloatArray = npt.NDArray[np.float64]


def measure(task: str, data: Path) -> dict[str, Any]:
    """All figures of a task.

    Args:
        task: its name.
        data: folder of all data sets.

    Raises:
        UssegError: the data or the shipped weights are missing.
    """
    predictor = Predictor(task, engine="onnx")
    tested = load_datalist(data / BENCHMARKED[task].data, "test")
    results = [result for result in evaluate(predictor, tested) if result.dice is not None]
    confidence, overlap = (np.array(values, float) for values in zip(*((r.confidence, r.dice) for r in results), strict=True))
    groups = groups_of(results)
    return {
        "cases": len(results),
        "low_confidence": predictor.task.low_confidence,
        "own": share(_flagged(results), groups),
        "others": {name: _others(predictor, load_datalist(data / BENCHMARKED[name].data, "test")) for name in TASKS if name != task},
        "made": {kind: _made(predictor, kind, count) for kind, count in MADE.items()},
        "limits": limits(task, released_weights(task), tested, data),
        "spearman": with_interval(lambda weights: spearman(confidence, overlap, weights), groups),
        "caught": caught(confidence, overlap),
        "confidence_error": confidence_error(confidence, overlap),
        "reliability": reliability(confidence, overlap),
        "points": [[round(float(x), 4), round(float(y), 4)] for x, y in zip(confidence, overlap, strict=True)],
    }


def limits(task: str, weights: Path, tested: Items, data: Path) -> dict[str, Any]:
    """How the two limits of a network in single precision divide pictures.

    Args:
        task: of the network.
        weights: its state dict, with the trust beside it.
        tested: the task's test images.
        data: folder of all data sets.

    Returns:
        ``another_source``: share of the test images beyond the first limit. ``varied``: share of them within the second limit, under the
        augmentation of the training, which imitates other machines. ``left_out``: share of each kind's pictures beyond a second limit
        that was fitted without that kind.
    """
    sight, trust = Sight(task, weights), load_trust(weights)
    assert trust is not None  # released weights have one
    return {
        "another_source": _share(trust.distance(sight.of_images(tested)) > trust.limit),
        "varied": _share(trust.unlikeness(sight.of_varied(tested)) <= 1),
        "left_out": found_without(trust, known_pictures(sight, data)),
    }


def _share(flags: Tensor) -> float:
    return float(flags.float().mean())


def _flagged(results: Sequence[CaseResult]) -> list[bool]:
    return [result.unlikeness is not None and result.unlikeness > 1 for result in results]


def _others(predictor: Predictor, items: Items) -> dict[str, Any]:
    """Share of another task's images that is flagged."""
    return _share_unlike([predictor.predict(item["image"]).measurement.unlikeness for item in evenly(items, OF_OTHERS)])


def _made(predictor: Predictor, kind: str, count: int) -> dict[str, Any]:
    assert kind in KINDS
    return _share_unlike([predictor.predict(pixels).measurement.unlikeness for pixels in made_pictures(kind, count)])


def _share_unlike(values: Sequence[float | None]) -> dict[str, Any]:
    known = np.array([value for value in values if value is not None])
    return {"cases": len(values), "mean": float((known > 1).sum() / len(values)), "median_unlikeness": float(np.median(known))}


def spearman(first: FloatArray, second: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted rank correlation.

    Args:
        first: one value per case, ``(cases,)``.
        second: likewise.
        weights: how often each case counts, ``(..., cases)``.

    >>> values = np.array([1.0, 2.0, 3.0, 4.0])
    >>> float(spearman(values, values**3, np.ones(4))), round(float(spearman(values, -values, np.ones(4))), 6)
    (1.0, -1.0)
    """
    centred = [ranks - _mean(ranks, weights) for ranks in (_ranks(first, weights), _ranks(second, weights))]
    covariance, *variances = (_mean(a * b, weights)[..., 0] for a, b in ((centred[0], centred[1]), (centred[0],) * 2, (centred[1],) * 2))
    with np.errstate(invalid="ignore"):
        return np.asarray(covariance / np.sqrt(variances[0] * variances[1]))


def _ranks(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted mid-ranks ``(..., cases)``; equal values share a rank."""
    _, places = np.unique(values, return_inverse=True)
    of_value = weights @ np.eye(places.max() + 1)[places]
    return np.asarray((np.cumsum(of_value, axis=-1) - of_value / 2)[..., places])


def _mean(values: FloatArray, weights: FloatArray) -> FloatArray:
    return np.asarray((values * weights).sum(-1, keepdims=True) / weights.sum(-1, keepdims=True))


def caught(confidence: FloatArray, overlap: FloatArray) -> dict[str, Any]:
    """Share of the bad masks that is among the least confident tenth of all masks.

    A mask is bad if its Dice is below 0.5, or below the 5th percentile if fewer than 10 are that bad.

    >>> caught(np.linspace(0, 1, 100), np.linspace(0, 1, 100))["mean"]
    0.2
    """
    bad = overlap < BAD_DICE
    below = BAD_DICE
    if bad.sum() < FEW:
        below = float(np.percentile(overlap, 5))
        bad = overlap < below
    sent = np.argsort(confidence, kind="stable")[: max(1, round(SENT * len(confidence)))]
    return {"bad": int(bad.sum()), "below": below, "caught": int(bad[sent].sum()), "mean": float(bad[sent].sum() / max(bad.sum(), 1))}


def reliability(confidence: FloatArray, overlap: FloatArray) -> list[dict[str, float]]:
    """Mean confidence and mean Dice of the images in each non-empty tenth of the scale."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        {
            "cases": int((bins == number).sum()),
            "confidence": float(confidence[bins == number].mean()),
            "dice": float(overlap[bins == number].mean()),
        }
        for number in sorted(set(bins.tolist()))
    ]


def confidence_error(confidence: FloatArray, overlap: FloatArray) -> float:
    """Expected calibration error: difference of mean confidence and mean Dice per bin, averaged over images.

    >>> round(confidence_error(np.array([0.9, 0.9, 0.2]), np.array([0.7, 0.9, 0.2])), 4)
    0.0667
    """
    return sum(part["cases"] * abs(part["confidence"] - part["dice"]) for part in reliability(confidence, overlap)) / len(confidence)
