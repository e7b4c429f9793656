"""Federated trainings with MONAI's own client: two hospitals with groups of their own, two rounds, averaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser

from benchmarks.federation import Items, average, by_group, divide, federate
from tests.bundles.conftest import SMALL_NETWORK, Start, distance, saved, small_copy
from usseg_monai.training import handlers

QUICK: dict[str, Any] = {"num_workers": 0, "batch_size": 2, "image_size": [64, 64], "bfloat16": False, **SMALL_NETWORK}
STILL: dict[str, Any] = QUICK | {"learning_rate": 1e-9}
"""So slow that the weights stay as they were given: whatever else is saved came from elsewhere."""


@pytest.fixture(autouse=True)
def without_picture(monkeypatch: pytest.MonkeyPatch, foreign: Path) -> None:
    """Draw no curves."""
    monkeypatch.setattr(handlers, "draw_curves", lambda epochs, file: None)


@pytest.fixture
def clients(bundle: Path, tmp_path: Path) -> list[Path]:
    """A copy of the bundle for each client, with the same small network."""
    return [small_copy(bundle, tmp_path / name) for name in ("one", "two")]


@pytest.fixture
def items(datalist: Path) -> list[dict[str, Any]]:
    parts = json.loads(datalist.read_text())
    return [item for section in ("training", "validation", "test") for item in parts[section]]


def test_every_client_goes_on_from_the_global_weights(clients: list[Path], items: Items) -> None:
    """What is sent, what is averaged, and the best that each client keeps: not the weights that the network was built with."""
    given = saved(clients[0] / "models" / "model.pt")
    done = federate(clients, items, 1, rounds=2, **STILL)
    for file in (done.averaged, *done.sent, *done.kept):
        assert distance(given, saved(file)) < 1e-3, file
    groups = [
        {item["group"] for item in json.loads((bundle.parent / f"{bundle.name}_datalist.json").read_text())["training"]}
        for bundle in clients
    ]
    assert all(groups) and not groups[0] & groups[1]


def test_the_average_is_not_worse_than_the_worse_client_and_rounds_are_repeatable(
    clients: list[Path], bundle: Path, items: Items, tmp_path: Path, start: Start
) -> None:
    given = saved(clients[0] / "models" / "model.pt")
    # the global weights are those of chance here: the full rate
    values = QUICK | {"learning_rate": 0.01, "given_weights_rate": 1}
    done = federate(clients, items, 2, rounds=2, **values)
    sent, averaged = [saved(file) for file in done.sent], saved(done.averaged)
    assert all(distance(given, answer) > 1e-2 for answer in sent) and distance(*sent) > 1e-3
    counts = [len(divide(part)[0]) for part in by_group(items, 2)]
    assert all(torch.equal(value, averaged[name]) for name, value in average(sent, counts).items())
    for validation in done.validation:
        dice = [dice_of(bundle, file, validation) for file in done.sent]
        assert dice_of(bundle, done.averaged, validation) >= min(dice)
    again = federate([small_copy(bundle, tmp_path / "again" / name) for name in ("one", "two")], items, 2, rounds=2, **values)
    assert distance(averaged, saved(again.averaged)) == 0


def dice_of(bundle: Path, weights: Path, items: Items) -> float:
    """Mean Dice on the network's own grid, by the chains that train and validate."""
    parser = ConfigParser()
    parser.read_config([str(bundle / "configs" / name) for name in ("train.json", "evaluate.json")])
    parser.update(QUICK | {"ckpt_path": str(weights), "dataset_dir": "unused", "device": "cpu"})
    parser.update({"validate#dataset#data": [dict(item) for item in items]})
    evaluator = parser.get_parsed_content("validate#evaluator")
    evaluator.run()
    return float(evaluator.state.metrics["val_mean_dice"])
