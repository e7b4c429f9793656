"""Moving average of the weights, which is validated and released."""

from __future__ import annotations

from typing import Any

import torch
from ignite.engine import Engine, Events
from ignite.handlers import EMAHandler

__all__ = ["WeightAverage"]


class WeightAverage(EMAHandler):
    """Ignite's moving average, started from the network's weights at the start of a run.

    Ignite's own starts from the weights at its construction. Weights may be loaded later: by a ``CheckpointLoader`` among the trainer's
    handlers, by MONAI Label, in each round of MONAI's federated client. The average would then mix them with random weights.

    Attach it after the handlers that load weights for the network, and before those that load a state to resume from, whose average
    then replaces this one. Arguments are those of `ignite.handlers.EMAHandler`.

    Attributes:
        weights_were_given: whether the network's weights differed from this average when the last run started.

    >>> network = torch.nn.Linear(1, 1, bias=False)
    >>> average, trainer = WeightAverage(network, momentum=0.1), Engine(lambda engine, batch: None)
    >>> average.attach(trainer)
    >>> _ = network.weight.data.fill_(3.0)
    >>> _ = trainer.run([0])
    >>> round(average.ema_model.weight.item(), 3), average.weights_were_given
    (3.0, True)
    """

    weights_were_given = False

    def attach(self, engine: Engine, *args: Any, **kwargs: Any) -> None:
        """Register on the trainer's events, as `ignite.handlers.EMAHandler` does."""
        engine.add_event_handler(Events.STARTED, self._begin)
        super().attach(engine, *args, **kwargs)

    def _begin(self) -> None:
        weights, average = self.model.state_dict(), self.ema_model.state_dict()
        self.weights_were_given = not all(torch.equal(weights[name], average[name]) for name in weights)
        self.ema_model.load_state_dict(weights)
