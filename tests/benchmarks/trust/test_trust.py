"""Tests of benchmarks.trust: the statistics against closed forms and SciPy, and the bars on figures that miss them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from benchmarks.made_pictures import KINDS, KNOWN, made_pictures
from benchmarks.trust.measure import caught, confidence_error, reliability, spearman
from benchmarks.trust.report import draw_reliability, markdown, missed_bars, overview


@pytest.mark.parametrize("seed", range(5))
def test_spearman_is_that_of_scipy_and_weights_are_repetitions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 12, 40) / 11  # with ties
    second = first + rng.normal(size=40)
    assert float(spearman(first, second, np.ones(40))) == pytest.approx(spearmanr(first, second).statistic)
    weights = rng.integers(0, 4, (3, 40))
    repeated = [spearmanr(np.repeat(first, each), np.repeat(second, each)).statistic for each in weights]
    assert spearman(first, second, weights.astype(float)) == pytest.approx(repeated)


def test_a_tenth_of_the_images_is_sent_to_a_human() -> None:
    overlap = np.array([0.1] * 20 + [0.9] * 80)
    perfect = caught(overlap, overlap)
    assert (perfect["bad"], perfect["caught"], perfect["below"]) == (20, 10, 0.5)
    assert caught(1 - overlap, overlap)["caught"] == 0


def test_with_few_bad_masks_the_worst_twentieth_counts_as_bad() -> None:
    overlap = np.linspace(0.47, 1, 100)
    found = caught(overlap, overlap)
    assert (found["bad"], found["caught"], found["mean"]) == (5, 5, 1.0)
    assert 0.49 < found["below"] < 0.5


def test_reliability_means_of_tenths_of_the_scale() -> None:
    parts = reliability(np.array([0.05, 0.95, 1.0, 0.91]), np.array([0.5, 0.9, 1.0, 0.8]))
    assert [part["cases"] for part in parts] == [1, 3]
    assert parts[1]["dice"] == pytest.approx(0.9)
    assert confidence_error(np.array([0.05, 0.95, 1.0, 0.91]), np.array([0.5, 0.9, 1.0, 0.8])) == pytest.approx(
        (0.45 + 3 * (2.86 / 3 - 0.9)) / 4
    )


def a_report(**changes: Any) -> dict[str, Any]:
    report = {
        "cases": 50,
        "low_confidence": 0.5,
        "own": {"mean": 0.05, "interval_95": (0.0, 0.1)},
        "others": {"nerve": {"cases": 60, "mean": 0.95}, "breast": {"cases": 60, "mean": 0.97}},
        "limits": {"another_source": 0.125, "varied": 0.95, "left_out": {"nerve": 1.0, "text": 0.8}},
        "made": {kind: {"cases": 50, "mean": 0.95} for kind in KINDS},
        "spearman": {"value": 0.4, "interval_95": (0.2, 0.6)},
        "caught": {"bad": 10, "caught": 4, "mean": 0.4, "below": 0.5},
        "confidence_error": 0.02,
        "reliability": [{"cases": 50, "confidence": 0.9, "dice": 0.9}],
        "points": [[0.9, 0.9]],
    }
    return report | changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, None),
        ({"own": {"mean": 0.06, "interval_95": None}}, "6.0 % of its own"),
        ({"made": {kind: {"cases": 50, "mean": 0.94} for kind in KINDS}}, "photographs, noise and text"),
        ({"others": {"nerve": {"cases": 90, "mean": 0.92}, "breast": {"cases": 60, "mean": 0.97}}}, "other tasks' images"),
        ({"limits": {"another_source": 0.1, "varied": 0.94, "left_out": {}}}, "varied test images"),
        ({"spearman": {"value": 0.39, "interval_95": None}}, "Spearman"),
        ({"caught": {"bad": 10, "caught": 3, "mean": 0.3, "below": 0.5}}, "bad masks"),
    ],
)
def test_missed_bars_are_said(changes: dict[str, Any], message: str | None) -> None:
    missed = missed_bars(a_report(**changes))
    assert len(missed) == (message is not None)
    assert message is None or message in missed[0]


def test_tables_and_diagram(tmp_path: Any) -> None:
    text = markdown(a_report(), "fetal_head", "reliability.png")
    assert "| `fetal_head` | 5.0 % (0.0 to 10.0) | 95.0 % of 50 | 95.0 % of 50 | 95.0 % of 50 | 96.0 % | `nerve`: 95.0 % of 60 |" in text
    assert "| `fetal_head` | 12.5 % | 95.0 % | text 80 %, nerve 100 % |" in text
    assert "4 of 10 (Dice below 0.50)" in overview({"fetal_head": a_report()})
    draw_reliability(a_report(), tmp_path / "reliability.png")
    assert (tmp_path / "reliability.png").read_bytes().startswith(b"\x89PNG")


def test_limits_are_fitted_on_other_photographs() -> None:
    shown, fitted = (np.concatenate([p.ravel() for p in made_pictures("photograph", 20, 1, makers)]) for makers in (KINDS, KNOWN))
    assert not np.array_equal(shown, fitted)
    assert all(np.array_equal(*pair) for pair in zip(made_pictures("text", 3, 1), made_pictures("text", 3, 1, KNOWN), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_made_pictures_are_pictures_and_the_same_again(kind: str) -> None:
    first, again = (list(made_pictures(kind, 6)) for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert all(picture.dtype == np.uint8 and picture.ndim == 2 and picture.std() > 5 for picture in first)
    assert len({picture.shape for picture in first}) > 3
