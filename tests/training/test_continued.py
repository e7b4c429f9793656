"""What is different where a training begins with weights that were given."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from ignite.engine import Engine
from torch.optim.lr_scheduler import OneCycleLR

from usseg_monai.errors import UsageError
from usseg_monai.training.averaging import WeightAverage
from usseg_monai.training.continued import ContinuedTraining


class Evaluator:
    """Notes when it was run."""

    def __init__(self) -> None:
        self.epochs: list[int] = []
        self.data_loader = [0]

    def run(self, epoch: int) -> None:
        self.epochs.append(epoch)


@pytest.fixture
def parts() -> dict[str, Any]:
    network = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.BatchNorm1d(1))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    schedule = OneCycleLR(optimizer, max_lr=1.0, total_steps=10, pct_start=0.5, cycle_momentum=False)
    average, trainer, evaluator = WeightAverage(network), Engine(lambda engine, batch: None), Evaluator()
    average.attach(trainer)
    ContinuedTraining(average, optimizer, evaluator, 0.1).attach(trainer)  # type: ignore[arg-type]
    return {"network": network, "optimizer": optimizer, "schedule": schedule, "trainer": trainer, "evaluator": evaluator}


def peak(parts: dict[str, Any]) -> float:
    """Largest learning rate of the schedule."""
    rates = []
    for _ in range(9):
        parts["optimizer"].step()
        parts["schedule"].step()
        rates.append(parts["optimizer"].param_groups[0]["lr"])
    result: float = max(rates)
    return result


def test_weights_of_chance_learn_at_the_full_rate_and_are_not_validated(parts: dict[str, Any]) -> None:
    parts["trainer"].run([0])
    assert parts["evaluator"].epochs == []
    assert parts["network"][1].momentum == 0.1
    assert peak(parts) == pytest.approx(1.0)


def test_given_weights_are_validated_first_and_learn_at_a_part_of_the_rate(parts: dict[str, Any]) -> None:
    parts["network"][0].weight.data += 1.0
    parts["trainer"].run([0])
    assert parts["evaluator"].epochs == [1]
    assert parts["optimizer"].param_groups[0]["lr"] == pytest.approx(1.0 / 25 * 0.1)  # where the cycle begins
    parts["network"][0].weight.data += 1.0
    parts["trainer"].run([0], max_epochs=2)  # a second round: validated again, the rate stays
    assert parts["evaluator"].epochs == [1, 2]
    assert peak(parts) == pytest.approx(0.1)
    assert parts["network"][1].momentum == pytest.approx(0.01)


def test_without_an_image_to_validate_on_it_says_so(parts: dict[str, Any]) -> None:
    parts["evaluator"].data_loader.clear()
    with pytest.raises(UsageError, match="no image to validate on"):
        parts["trainer"].run([0])
