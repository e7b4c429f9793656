"""Trainings that MONAI Label's stock app starts, on copies of the bundles; federated ones are in ``test_federated.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ignite.engine import Events
from monai.bundle import ConfigParser, ConfigWorkflow

from benchmarks.foreign_trainers import copied, mean_dice, stock_overrides, stock_training
from tests.bundles.conftest import SMALL_NETWORK, TINY, Weights, distance, saved, small_copy
from tests.datasets.samples import write_png
from usseg_monai.tasks.fetal_head.phantom import fetal_head_phantom
from usseg_monai.training import handlers
from usseg_monai.weights.trust import load_trust

QUICK: dict[str, Any] = {"num_workers": 0, "batch_size": 2, "image_size": [64, 64], **SMALL_NETWORK}
STILL: dict[str, Any] = QUICK | {"learning_rate": 1e-9}
"""So slow that the weights stay as they were given: whatever else is saved came from elsewhere."""


@pytest.fixture(autouse=True)
def without_picture(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Draw no curves, and run in a folder that has nothing to do with the bundle."""
    monkeypatch.setattr(handlers, "draw_curves", lambda epochs, file: None)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Path:
    """A copy of the bundle with a small network's weights of its own."""
    return small_copy(bundle, tmp_path / "copy")


@pytest.fixture
def items(datalist: Path) -> list[dict[str, Any]]:
    parts = json.loads(datalist.read_text())
    return [item for section in ("training", "validation", "test") for item in parts[section]]


def epochs(folder: Path) -> list[int]:
    return [row["epoch"] for row in json.loads((folder / "eval" / "curves.json").read_text())]


def test_stock_training_goes_on_from_the_weights_that_it_loads(copy: Path, items: list[dict[str, Any]]) -> None:
    given = saved(copy / "models/model.pt")
    left = saved(stock_training(copy, items, 2, **STILL))
    assert distance(given, left) < 1e-3
    assert load_trust(copy / "models/model.pt") is not None  # fitted on the validation items that were given
    assert sorted(path.name for path in (copy / "models").iterdir()) == ["model.pt", "model.trust"]
    assert epochs(copy) == [1, 2]


@pytest.mark.parametrize("task", ["fetal_head"], scope="session")
def test_a_second_training_trains(copy: Path, items: list[dict[str, Any]]) -> None:
    """On new labels, and on the same ones again, from the weights that the one before left."""
    given = saved(stock_training(copy, items, 1, **STILL))
    for known in (items[:8], items[:8]):
        (copy / "eval" / "curves.json").unlink()
        left = saved(stock_training(copy, known, 1, **STILL))
        assert epochs(copy) == [1]
    assert distance(given, left) < 1e-3
    assert distance(left, saved(stock_training(copy, items, 1, **QUICK, learning_rate=0.05))) > 1e-3


@pytest.mark.parametrize("task", ["fetal_head"], scope="session")
def test_the_schedule_has_the_length_of_the_trainer(copy: Path, items: list[dict[str, Any]]) -> None:
    overrides = stock_overrides(copy, items, epochs=3) | QUICK
    workflow = ConfigWorkflow(str(copy / "configs" / "train.json"), logging_file=False, workflow_type="train", **overrides)
    workflow.initialize()
    schedule, loader = (workflow.parser.get_parsed_content(name) for name in ("lr_scheduler", "train#dataloader"))
    assert schedule.total_steps == 3 * len(loader) + 1


@pytest.mark.parametrize("task", ["fetal_head"], scope="session")
def test_what_was_interrupted_goes_on_with_its_own_average(copy: Path, items: list[dict[str, Any]]) -> None:
    """Not with the weights that MONAI Label's loader reads again."""
    stock_training(copy, items, 1, **QUICK, learning_rate=0.05)
    last: Any = saved(copy / "eval" / "checkpoint_epoch=1.pt")  # weights by name, and those of the average
    overrides = stock_overrides(copy, items, epochs=2) | QUICK
    workflow = ConfigWorkflow(str(copy / "configs" / "train.json"), logging_file=False, workflow_type="train", **overrides)
    workflow.initialize()
    average, trainer = (workflow.parser.get_parsed_content(name) for name in ("average", "train#trainer"))
    begun: list[Weights] = []

    def stop() -> None:
        begun.append({**average.ema_model.state_dict()})
        trainer.terminate()

    trainer.add_event_handler(Events.EPOCH_STARTED, stop)
    trainer.run()
    assert trainer.state.epoch == 2
    assert distance(begun[0], last["average"]) == 0


@pytest.mark.parametrize("task", ["nerve"], scope="session")
def test_windows_of_validation_do_not_fit_the_trust(bundle: Path, datalist: Path) -> None:
    """They are parts of images; the limit of likeness is that of whole ones."""
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "train.json"))
    parser.update({**TINY, **SMALL_NETWORK, "dataset_dir": str(datalist)})
    validation = json.loads(datalist.read_text())["validation"]
    assert len(parser.get_parsed_content("validate#dataset").data) > len(validation)
    fitted = parser.get_parsed_content("trust#validation#dataset").data
    assert [item["image"] for item in fitted] == [item["image"] for item in validation]


@pytest.mark.parametrize("task", ["fetal_head"], scope="session")
def test_the_released_network_is_not_spoilt(bundle: Path, tmp_path: Path) -> None:
    """The real network, a short training on a few phantoms."""
    items = []
    for seed in range(4):
        phantom = fetal_head_phantom(seed)
        item = {"image": str(tmp_path / f"{seed}.png"), "label": str(tmp_path / f"{seed}_mask.png"), "group": str(seed)}
        write_png(Path(item["image"]), phantom.image.pixels.astype(np.uint8))
        write_png(Path(item["label"]), phantom.mask * 255)
        items.append(item)
    released = mean_dice("fetal_head", bundle / "models" / "model.pt", items)
    values = {"num_workers": 0, "batch_size": 2}
    (tmp_path / "stock").mkdir()
    left = stock_training(copied("fetal_head", tmp_path / "stock"), items, 1, **values)
    assert released > 0.9
    assert mean_dice("fetal_head", left, items) >= released - 0.0005
