"""Figures of class probabilities against MONAI, against counting, and against what was made to be so."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.metrics import compute_roc_auc
from scipy.integrate import trapezoid

from usseg_monai.evaluation.bootstrap import bootstrap_interval
from usseg_monai.evaluation.classification import (
    area_under_curve,
    confusion_matrix,
    expected_calibration_error,
    macro_area_under_curve,
    roc_curve,
    threshold_of_sensitivity,
)


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40).filter(lambda pairs: len({p for _, p in pairs}) == 2))
def test_the_area_is_monais_and_that_below_the_curve(pairs: list[tuple[int, bool]]) -> None:
    scores, positive = [float(score) for score, _ in pairs], [int(truth) for _, truth in pairs]
    area = float(area_under_curve(scores, positive))
    assert area == pytest.approx(compute_roc_auc(torch.tensor(scores), torch.tensor(positive)))
    false_positives, true_positives = roc_curve(scores, positive)
    assert area == pytest.approx(trapezoid(true_positives, false_positives))


def test_weights_count_cases_several_times() -> None:
    rng = np.random.default_rng(0)
    scores, positive, counts = rng.integers(0, 5, 30), rng.integers(0, 2, 30), rng.integers(0, 4, 30)
    repeated = area_under_curve(np.repeat(scores, counts), np.repeat(positive, counts))
    assert area_under_curve(scores, positive, np.array([counts, np.ones(30)])) == pytest.approx(
        [repeated, area_under_curve(scores, positive)]
    )


def test_no_case_of_one_kind_has_no_area() -> None:
    assert np.isnan(area_under_curve([0.1, 0.2], [1, 1]))
    assert np.isnan(macro_area_under_curve([[0.1, 0.9], [0.2, 0.8]], [1, 1]))


def test_the_macro_area_is_monais() -> None:
    rng = np.random.default_rng(1)
    probabilities, classes = rng.dirichlet(np.ones(3), 60), rng.integers(0, 3, 60)
    onehot = torch.eye(3)[torch.from_numpy(classes)]
    expected = compute_roc_auc(torch.from_numpy(probabilities), onehot, average="macro")
    assert float(macro_area_under_curve(probabilities, classes)) == pytest.approx(float(np.asarray(expected)))


def test_an_interval_of_an_area_holds_it_and_skips_draws_without_negatives() -> None:
    scores, positive, groups = [0.1, 0.8, 0.7, 0.9], [0, 1, 0, 1], ["a", "b", "c", "d"]
    interval = bootstrap_interval(lambda weights: area_under_curve(scores, positive, weights), groups)
    assert interval is not None and interval[0] <= 1.0 <= interval[1] <= 1.0
    assert bootstrap_interval(lambda weights: area_under_curve([0.1, 0.2], [1, 1], weights), ["a", "b"]) is None
    assert bootstrap_interval(lambda weights: weights.sum(axis=1), ["a", "a"]) is None


def test_the_threshold_keeps_the_sensitivity() -> None:
    rng = np.random.default_rng(2)
    scores, positive = rng.random(200), rng.integers(0, 2, 200) == 1
    threshold = threshold_of_sensitivity(scores, positive, 0.9)
    assert np.mean(scores[positive] >= threshold) >= 0.9
    assert np.mean(scores[positive] > threshold) < 0.9
    assert threshold_of_sensitivity([0.3, 0.2, 0.1], [1, 1, 1], 1.0) == 0.1
    for wrong in (0.0, 1.1):
        with pytest.raises(ValueError, match="must be above 0"):
            threshold_of_sensitivity(scores, positive, wrong)
    with pytest.raises(ValueError, match="of 0 positive cases"):
        threshold_of_sensitivity(scores, np.zeros(200), 0.9)


def test_the_confusion_matrix_counts_every_case() -> None:
    matrix = confusion_matrix([0, 0, 1, 2, 2, 2], [0, 1, 1, 2, 2, 0], classes=3)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 2]]


def test_calibration() -> None:
    rng = np.random.default_rng(3)
    confidence = rng.uniform(0.5, 1, 20_000)
    classes = (rng.random(20_000) > confidence).astype(int)
    honest = np.stack([confidence, 1 - confidence], axis=1)
    assert expected_calibration_error(honest, classes) < 0.01
    boastful = np.tile([1.0, 0.0], (20_000, 1))
    assert expected_calibration_error(boastful, classes) == pytest.approx(np.mean(classes), abs=1e-9)
