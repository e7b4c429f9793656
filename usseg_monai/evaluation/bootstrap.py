"""Bootstrap confidence intervals of figures over grouped cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["bootstrap_interval", "bootstrap_mean_interval"]


def bootstrap_interval(
    statistic: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
    groups: Sequence[str],
    *,
    confidence: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> tuple[float, float] | None:
    """Percentile bootstrap interval of any figure over cases, drawing whole groups with replacement.

    For the difference of two methods, pass the difference of their figures under the same weights.

    Args:
        statistic: maps weights ``(draws, cases)``, how often each case was drawn, to one figure per draw ``(draws,)``. Draws whose
            figure is nan, such as those without a negative case, are left out.
        groups: the group of each case.
        confidence: share of the draws that the interval holds.
        draws: number of bootstrap samples.
        seed: of the random generator; the same input gives the same interval.

    Returns:
        Lower and upper end, or ``None`` with fewer than two groups, or if no draw has a figure.

    >>> values = np.array([1.0, 2.0, 3.0])
    >>> bootstrap_interval(lambda weights: weights @ values / weights.sum(axis=1), ["a", "b", "c"])
    (1.0, 3.0)
    """
    names, members = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < 2:
        return None
    drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    figures = statistic(drawn[:, members].astype(np.float64))
    return _interval(figures[~np.isnan(figures)], confidence)


def bootstrap_mean_interval(
    values: Sequence[float] | npt.NDArray[np.float64], groups: Sequence[str], *, confidence: float = 0.95, draws: int = 5000, seed: int = 0
) -> tuple[float, float] | None:
    """Percentile bootstrap interval of the mean, drawing whole groups with replacement.

    Images of one exam or patient resemble each other: drawing them one by one would make the interval too narrow. For the difference
    of two methods, pass the differences of their values, case by case.

    Args:
        values: one per case, finite.
        groups: the group of each case.
        confidence: share of the draws that the interval holds.
        draws: number of bootstrap samples.
        seed: of the random generator; the same input gives the same interval.

    Returns:
        Lower and upper end, in the unit of the values, or ``None`` with fewer than two groups.

    >>> bootstrap_mean_interval([1, 2, 3], ["a", "b", "c"])
    (1.0, 3.0)
    """
    names, members = np.unique(np.asarray(groups), return_inverse=True)
    if len(members) != len(values):
        raise ValueError(f"{len(values)} values have {len(members)} groups: give one group per value")
    if len(names) < 2:
        return None
    sums = np.bincount(members, weights=np.asarray(values, dtype=np.float64))
    counts = np.bincount(members)
    drawn = np.random.default_rng(seed).integers(len(names), size=(draws, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return _interval(means, confidence)


def _interval(figures: npt.NDArray[np.float64], confidence: float) -> tuple[float, float] | None:
    if len(figures) == 0:
        return None
    low, high = np.quantile(figures, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
