"""Tests of usseg_monai.training.handlers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ignite.engine import Engine, Events
from monai.engines import SupervisedTrainer
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from usseg_monai.training import handlers
from usseg_monai.training.handlers import ClipGradients, CurvesHandler, TensorBoardRunHandler, draw_curves


def trainer() -> Engine:
    """An engine whose loss is its batch, as MONAI's trainers give it: a list with an item for each image."""
    return Engine(lambda engine, batch: [{"loss": batch, "image": torch.zeros(1, 8, 6)}])


def optimizer(learning_rate: float = 0.1) -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=learning_rate)


def curves_of(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((folder / "curves.json").read_text())
    return rows


def test_clips_between_the_backward_pass_and_the_step() -> None:
    """A slope of 6 is cut to 1: one step of rate 0.1 moves the weight by 0.1."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 2.0)
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=1,
        train_data_loader=[{"image": torch.tensor([[6.0]]), "label": torch.tensor([[0.0]])}],
        network=network,
        optimizer=torch.optim.SGD(network.parameters(), lr=0.1),
        loss_function=lambda prediction, label: prediction.sum(),
        train_handlers=[ClipGradients(network, max_norm=1.0)],
        decollate=False,
    )
    trainer.run()
    assert network.weight.item() == pytest.approx(1.9)


def test_writes_a_row_an_epoch(tmp_path: Path) -> None:
    engine, evaluator = trainer(), Engine(lambda engine, batch: None)

    @engine.on(Events.EPOCH_COMPLETED)
    def _(engine: Engine) -> None:
        engine.state.metrics |= {"train_mean_dice": 0.5, "confusion": [1, 2]}
        evaluator.state.metrics |= {"val_mean_dice": np.float64(0.4).item()}

    CurvesHandler(str(tmp_path / "out"), evaluator, optimizer()).attach(engine)
    engine.run([1.0, 2.0, 6.0], max_epochs=2)
    row = {"train_loss": 3.0, "learning_rate": 0.1, "train_mean_dice": 0.5, "val_mean_dice": 0.4}
    assert curves_of(tmp_path / "out") == [{"epoch": 1} | row, {"epoch": 2} | row]
    with Image.open(tmp_path / "out" / "curves.png") as picture:
        assert picture.format == "PNG" and picture.width > 2 * picture.height
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["curves.json", "curves.png"]


@pytest.mark.parametrize("resumed_after", [2, 1, 0])
def test_continues_the_curves_of_a_resumed_training(resumed_after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "draw_curves", lambda epochs, file: None)
    first = trainer()
    CurvesHandler(str(tmp_path), Engine(lambda engine, batch: None), optimizer()).attach(first)
    first.run([1.0], max_epochs=2)

    second = trainer()
    CurvesHandler(str(tmp_path), Engine(lambda engine, batch: None), optimizer()).attach(second)

    @second.on(Events.STARTED)  # after the curves' own handlers, as a loader that is attached later
    def _(engine: Engine) -> None:
        engine.state.epoch = resumed_after

    second.run([5.0], max_epochs=3)
    rows = curves_of(tmp_path)
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["train_loss"] for row in rows] == [1.0] * resumed_after + [5.0] * (3 - resumed_after)


def test_draws_training_and_validation_into_one_panel(tmp_path: Path) -> None:
    rows = [{"epoch": epoch, "train_loss": 1 / epoch, "learning_rate": 0.1, "train_dice": 0.5, "val_dice": 0.4} for epoch in (1, 2, 3)]
    draw_curves(rows, tmp_path / "three.png")
    draw_curves([{"epoch": 1, "train_loss": 1.0}], tmp_path / "one.png")
    with Image.open(tmp_path / "three.png") as three, Image.open(tmp_path / "one.png") as one:
        assert three.width == pytest.approx(3 * one.width, rel=0.02)
        assert three.height == one.height


def test_logs_the_graph_once_and_the_learning_rate_every_epoch(tmp_path: Path) -> None:
    engine, network = trainer(), nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).train()
    statistics = {name: value.clone() for name, value in network.state_dict().items()}
    TensorBoardRunHandler(str(tmp_path), network, optimizer(0.25)).attach(engine)
    engine.run([1.0, 2.0], max_epochs=3)

    assert len(list(tmp_path.iterdir())) == 1
    log = EventAccumulator(str(tmp_path))
    log.Reload()
    assert [(scalar.step, scalar.value) for scalar in log.Scalars("learning_rate")] == [(1, 0.25), (2, 0.25), (3, 0.25)]
    assert "BatchNorm2d" in str(log.Graph())
    assert network.training
    assert all(torch.equal(statistics[name], value) for name, value in network.state_dict().items())
