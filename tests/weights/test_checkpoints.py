"""Tests of usseg_monai.weights.checkpoints."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Engine, Events
from monai.handlers import CheckpointSaver, EarlyStopHandler

from usseg_monai.errors import WeightsError
from usseg_monai.weights.checkpoints import (
    MAX_CHECKPOINT_BYTES,
    BestSoFar,
    ResumeLoader,
    TrainingData,
    load_weights,
    newest_checkpoint,
    unfinished,
)


def test_finds_the_last_epoch_by_its_number(tmp_path: Path) -> None:
    for name in ("checkpoint_epoch=9.pt", "checkpoint_epoch=10.pt", "model.pt"):
        torch.save({}, tmp_path / name)
    assert newest_checkpoint(str(tmp_path)) == str(tmp_path / "checkpoint_epoch=10.pt")


def test_passes_over_a_file_that_was_cut_off(tmp_path: Path) -> None:
    for epoch in (1, 2):
        torch.save({"weights": torch.zeros(100)}, tmp_path / f"checkpoint_epoch={epoch}.pt")
    newest = tmp_path / "checkpoint_epoch=2.pt"
    newest.write_bytes(newest.read_bytes()[:-30])
    assert newest_checkpoint(str(tmp_path)) == str(tmp_path / "checkpoint_epoch=1.pt")


@pytest.mark.parametrize("folder", ["", "missing"])
def test_nothing_to_go_on_from(folder: str, tmp_path: Path) -> None:
    assert newest_checkpoint(str(tmp_path / folder)) is None


class Validation:
    """A validation engine with its saver and early stopping, as a bundle sets them up; its metric is told to it."""

    def __init__(self, folder: Path, patience: int = 3) -> None:
        self.trainer = Engine(lambda engine, batch: None)
        self.engine = Engine(lambda engine, batch: None)
        self.state.best_metric, self.state.best_metric_epoch = -1, -1
        self.state.key_metric_name = "dice"
        self.weights = torch.nn.Linear(1, 1)
        self.saver = CheckpointSaver(
            str(folder), save_dict={"model": self.weights}, save_key_metric=True, key_metric_name="dice", key_metric_filename="model.pt"
        )
        self.early_stop = EarlyStopHandler(patience, score_function=lambda engine: engine.state.metrics["dice"])
        self.early_stop.set_trainer(self.trainer)
        self.best = BestSoFar(self.engine, self.saver, self.early_stop)
        self.dice = 0.0
        self.engine.add_event_handler(Events.EPOCH_COMPLETED, lambda engine: engine.state.metrics.update(dice=self.dice))
        self.saver.attach(self.engine)
        self.early_stop.attach(self.engine)

    @property
    def state(self) -> Any:
        """Of the engine, with what MONAI adds to it."""
        return self.engine.state

    def validate(self, dice: float, epoch: int) -> None:
        self.dice = dice
        with torch.no_grad():
            self.weights.bias.fill_(epoch)
        self.engine.run([0])
        if dice > self.state.best_metric:
            self.state.best_metric, self.state.best_metric_epoch = dice, epoch

    def saved_epoch(self) -> float:
        return float(torch.load(Path(self.saver.save_dir) / "model.pt", weights_only=True)["bias"])


def test_remembers_the_best_epoch(tmp_path: Path) -> None:
    first = Validation(tmp_path)
    first.validate(0.8, epoch=1)
    first.validate(0.7, epoch=2)
    torch.save(first.best.state_dict(), tmp_path / "state.pt")

    second = Validation(tmp_path)
    second.best.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert (second.state.best_metric, second.state.best_metric_epoch) == (0.8, 1)
    second.validate(0.75, epoch=3)
    assert second.saved_epoch() == 1
    second.validate(0.9, epoch=4)
    assert second.saved_epoch() == 4


def test_patience_is_not_given_twice(tmp_path: Path) -> None:
    first = Validation(tmp_path, patience=2)
    first.validate(0.8, epoch=1)
    first.validate(0.7, epoch=2)
    second = Validation(tmp_path, patience=2)
    second.best.load_state_dict(first.best.state_dict())
    second.validate(0.75, epoch=3)
    assert second.trainer.should_terminate


def test_a_state_of_before_the_first_validation_changes_nothing(tmp_path: Path) -> None:
    second = Validation(tmp_path)
    second.best.load_state_dict(Validation(tmp_path).best.state_dict())
    second.validate(0.1, epoch=1)
    assert second.saved_epoch() == 1
    assert not second.trainer.should_terminate


def test_weights_are_loaded_bare_and_under_their_key(tmp_path: Path) -> None:
    given = torch.nn.Linear(2, 1)
    for state in (given.state_dict(), {"model": given.state_dict()}):
        torch.save(state, tmp_path / "model.pt")
        network = load_weights(torch.nn.Linear(2, 1), tmp_path / "model.pt")
        assert all(torch.equal(network.state_dict()[name], value) for name, value in given.state_dict().items())


def test_weights_that_do_not_fit_are_one_line(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(3, 1).state_dict(), tmp_path / "model.pt")
    with pytest.raises(WeightsError, match="does not fit this network"):
        load_weights(torch.nn.Linear(2, 1), tmp_path / "model.pt")
    with pytest.raises(WeightsError, match="no weights at"):
        load_weights(torch.nn.Linear(2, 1), tmp_path / "missing.pt")


def test_a_pipe_a_folder_and_a_huge_file_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge.pt").open("wb") as file:
        file.truncate(MAX_CHECKPOINT_BYTES + 1)
    for name, said in (("pipe", "no regular file"), (".", "no regular file"), ("none.pt", "does not exist"), ("huge.pt", "at most")):
        with pytest.raises(WeightsError, match=said):
            load_weights(torch.nn.Linear(2, 1), tmp_path / name)


def test_a_pickle_of_programs_is_refused_without_advice_to_run_it(tmp_path: Path) -> None:
    torch.save({"weight": Path("x")}, tmp_path / "model.pt")
    with pytest.raises(WeightsError, match="it holds more than tensors and plain values; give") as refused:
        load_weights(torch.nn.Linear(2, 1), tmp_path / "model.pt")
    assert "\n" not in str(refused.value)


def left(folder: Path, epoch: int, data: TrainingData) -> str:
    """A checkpoint as a training leaves it."""
    file = folder / f"checkpoint_epoch={epoch}.pt"
    torch.save({"data": data.state_dict(), "network": {}}, file)
    return str(file)


def test_only_an_unfinished_training_on_the_same_data_is_resumed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data, same, other = TrainingData(["a", "b"], ["c"]), TrainingData(["a", "b"], ["c"]), TrainingData(["a"], ["b", "c"])
    left(tmp_path, 1, data)
    newest = left(tmp_path, 2, data)
    assert unfinished(str(tmp_path), same, max_epochs=3) == newest
    assert unfinished(str(tmp_path), same, max_epochs=2) is None
    assert caplog.text == ""
    assert unfinished(str(tmp_path), other, max_epochs=3) is None
    assert "is of a training on other data" in caplog.text


def test_of_several_trainings_in_a_folder_the_last_counts(tmp_path: Path) -> None:
    """A finished one of four epochs left its last two; the next one was stopped after its first."""
    earlier, later = TrainingData(["a"], []), TrainingData(["a"], [])
    earlier.begun, later.begun = 1.0, 2.0
    left(tmp_path, 3, earlier)
    left(tmp_path, 4, earlier)
    stopped = left(tmp_path, 1, later)
    assert unfinished(str(tmp_path), later, max_epochs=4) == stopped


def test_a_resumed_training_keeps_its_beginning(tmp_path: Path) -> None:
    earlier, later = TrainingData(["a"], []), TrainingData(["a"], [])
    earlier.begun = 1.0
    later.load_state_dict(earlier.state_dict())
    assert later.state_dict() == earlier.state_dict()


def test_a_state_is_loaded_when_a_trainer_starts_and_not_when_it_is_run_on(tmp_path: Path) -> None:
    network, trainer = torch.nn.Linear(1, 1), Engine(lambda engine, batch: None)
    torch.save(network.state_dict(), tmp_path / "state.pt")
    ResumeLoader(str(tmp_path / "state.pt"), {"network": network}).attach(trainer)
    saved = float(network.weight)
    for epoch, expected in ((1, saved), (2, 7.0)):
        network.weight.data.fill_(7.0)
        trainer.run([0], max_epochs=epoch)
        assert float(network.weight) == expected
