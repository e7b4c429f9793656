"""Weights that trainings leave, and the predictors that take them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from usseg_monai.errors import WeightsError
from usseg_monai.label_app.weights import Predictors, WeightsOfSession
from usseg_monai.weights.checkpoints import sha256_of


def training(folder: Path, graph: Path, number: int) -> Path:
    """What a training leaves."""
    place = folder / f"training{number}"
    place.mkdir()
    shutil.copy(graph, place / "model.onnx")
    (place / "model.pt").write_text(str(number))
    return place


def test_the_next_prediction_takes_what_was_kept(tmp_path: Path, tiny_model: Path) -> None:
    weights = WeightsOfSession(tmp_path / "weights")
    predictors = Predictors(weights, threads=1)
    assert weights.current("fetal_head") is None and predictors.version("fetal_head") == 0
    number, released = predictors.get("fetal_head")
    assert number == 0 and predictors.get("fetal_head")[1] is released
    kept = weights.keep("fetal_head", training(tmp_path, tiny_model, 1))
    assert kept == weights.current("fetal_head") and kept.number == 1 and kept.checkpoint.read_text() == "1"
    number, taken = predictors.get("fetal_head")
    assert number == 1 and taken.engine.weights_sha256 == sha256_of(tiny_model) != released.engine.weights_sha256
    assert weights.current("nerve") is None


def test_the_newest_two_stay(tmp_path: Path, tiny_model: Path) -> None:
    weights = WeightsOfSession(tmp_path / "weights")
    for number in (1, 2, 3, 4):
        assert weights.keep("nerve", training(tmp_path, tiny_model, number)).number == number
    assert sorted(path.name for path in (tmp_path / "weights" / "nerve").iterdir()) == ["3", "4", "current"]


def test_what_an_interrupted_call_left_is_replaced(tmp_path: Path, tiny_model: Path) -> None:
    weights = WeightsOfSession(tmp_path / "weights")
    left = tmp_path / "weights" / "nerve" / "1"
    left.mkdir(parents=True)
    (left / "model.onnx").write_bytes(b"half")
    assert weights.current("nerve") is None
    assert weights.keep("nerve", training(tmp_path, tiny_model, 1)).graph.read_bytes() == tiny_model.read_bytes()


def test_a_damaged_graph_is_an_error_of_weights(tmp_path: Path, tiny_model: Path) -> None:
    weights = WeightsOfSession(tmp_path / "weights")
    weights.keep("fetal_head", training(tmp_path, tiny_model, 1)).graph.write_bytes(b"no graph")
    with pytest.raises(WeightsError):
        Predictors(weights).get("fetal_head")
