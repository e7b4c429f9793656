"""The moving average begins where the network does."""

from __future__ import annotations

import pytest
import torch
from ignite.engine import Engine, Events

from usseg_monai.training.averaging import WeightAverage


def trainer_of(network: torch.nn.Linear) -> Engine:
    """Each iteration adds 1 to the weight."""

    def step(engine: Engine, batch: object) -> None:
        network.weight.data += 1.0

    return Engine(step)


@pytest.fixture
def network() -> torch.nn.Linear:
    network = torch.nn.Linear(1, 1, bias=False)
    network.weight.data.fill_(0.0)
    return network


def weight_of(average: WeightAverage) -> torch.Tensor:
    return average.ema_model.get_parameter("weight")


def test_weights_of_when_it_was_built_are_no_part_of_it(network: torch.nn.Linear) -> None:
    average, trainer = WeightAverage(network, momentum=0.5), trainer_of(network)
    trainer.add_event_handler(Events.STARTED, lambda: network.weight.data.fill_(10.0))  # as a CheckpointLoader does
    average.attach(trainer)
    trainer.run([0, 0])
    assert weight_of(average).item() == ((10 + 11) / 2 + 12) / 2
    assert average.weights_were_given


def test_a_state_to_resume_from_has_the_last_word(network: torch.nn.Linear) -> None:
    average, trainer = WeightAverage(network, momentum=0.5), trainer_of(network)
    average.attach(trainer)
    trainer.add_event_handler(Events.STARTED, lambda: weight_of(average).data.fill_(4.0))
    trainer.run([0])
    assert weight_of(average).item() == (4 + 1) / 2
    assert not average.weights_were_given


def test_it_begins_again_in_each_run(network: torch.nn.Linear) -> None:
    average, trainer = WeightAverage(network, momentum=0.5), trainer_of(network)
    average.attach(trainer)
    trainer.run([0])
    network.weight.data.fill_(100.0)  # global weights of the next round
    trainer.run([0], max_epochs=2)
    assert weight_of(average).item() == (100 + 101) / 2
