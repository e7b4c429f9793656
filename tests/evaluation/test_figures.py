"""Pictures of an evaluation, from cases whose figures are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.datasets.samples import drawn_disc, make_hc18
from tests.evaluation.test_cases import HC, DiscPredictor
from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.evaluation.cases import CaseResult, Compared, evaluate_case
from usseg_monai.evaluation.figures import WORST_CASES, limits_of_agreement, write_plots, write_worst_cases
from usseg_monai.measuring.result import Status
from usseg_monai.tasks import get_task


def result(number: int, **facts: Any) -> CaseResult:
    return CaseResult(Path(f"{number}.png"), f"group{number}", Status.OK, **facts)


def test_limits_of_agreement_are_those_of_the_paper() -> None:
    """95 % of normally distributed differences lie between them."""
    differences = np.random.default_rng(0).normal(0.5, 2, 20_000)
    mean, low, high = limits_of_agreement(differences)
    assert (mean, low, high) == pytest.approx((0.5, 0.5 - 3.92, 0.5 + 3.92), abs=0.06)
    assert ((differences > low) & (differences < high)).mean() == pytest.approx(0.95, abs=0.005)


def test_lengths_and_classes_have_plots(tmp_path: Path) -> None:
    compared = [{HC: Compared(100.0 + number, 101.0)} for number in range(4)]
    heads = [result(number, dice=0.9, compared=pair) for number, pair in enumerate(compared)]
    assert [file.name for file in write_plots(tmp_path, get_task("fetal_head"), heads)] == [f"bland_altman_{HC}.png"]
    assert write_plots(tmp_path, get_task("fetal_head"), heads[:1]) == []  # one pair has no spread

    names = get_task("breast").outputs
    chances = np.eye(3) * 0.6 + 0.1
    lesions = [result(number, dice=0.9, category=number, outputs=dict(zip(names, row, strict=True))) for number, row in enumerate(chances)]
    assert [file.name for file in write_plots(tmp_path, get_task("breast"), lesions)] == ["roc.png"]
    assert write_plots(tmp_path, get_task("breast"), lesions[:1] * 2) == []  # one class only
    with Image.open(tmp_path / "roc.png") as picture:
        assert picture.width > 500


def test_the_presence_of_a_structure_has_a_curve(tmp_path: Path) -> None:
    cases = [result(number, dice=1.0, has_structure=number > 1, outputs={"presence_probability": number / 4}) for number in range(4)]
    assert [file.name for file in write_plots(tmp_path, get_task("nerve"), cases)] == ["roc.png"]


def test_the_worst_cases_are_drawn_the_worst_first(tmp_path: Path) -> None:
    items = load_datalist(make_hc18(tmp_path / "hc18"), "training")
    predictors = [DiscPredictor(radius) for radius in (11.0, 7.0, 9.0)]
    results = [evaluate_case(predictor, item) for predictor, item in zip(predictors, items, strict=True)]
    files = write_worst_cases(tmp_path / "out", DiscPredictor(), items, results)
    order = np.argsort([case.dice or 0.0 for case in results])
    assert [file.name for file in files] == [
        f"{rank:02d}_dice_{results[index].dice:.3f}_{results[index].image.stem}.png" for rank, index in enumerate(order, 1)
    ]
    with Image.open(files[0]) as picture:
        assert len(set(picture.convert("RGB").get_flattened_data())) > 1  # outlines on a black picture


def test_only_so_many_are_drawn_and_perfect_ones_are_not(tmp_path: Path) -> None:
    item = load_datalist(make_hc18(tmp_path / "hc18"), "training")[0]
    worse = evaluate_case(DiscPredictor(7.0), item)
    failed = CaseResult(Path("gone.png"), "a", Status.FAILED)
    perfect = evaluate_case(DiscPredictor(), item)
    assert perfect.dice == 1 and drawn_disc().any()
    results = [perfect, failed, *[worse] * (WORST_CASES + 1)]
    assert len(write_worst_cases(tmp_path / "out", DiscPredictor(), [item] * len(results), results)) == WORST_CASES
