"""Trainings that start from weights loaded by another program."""

from __future__ import annotations

from typing import Any

from ignite.engine import Engine, Events
from monai.engines import Evaluator
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from usseg_monai.errors import UsageError
from usseg_monai.training.averaging import WeightAverage

__all__ = ["ContinuedTraining"]


_RATES = ("lr", "initial_lr", "max_lr", "min_lr")
"""Keys of a parameter group: the current learning rate, and those that torch's schedules add."""


class ContinuedTraining:
    """Protects given weights. They are validated before the first epoch, so that worse ones never replace them. The learning rate is a
    fraction of that for random weights, which would throw a finished network back by several epochs; the running statistics of batch norms
    also follow the batches, which are of few and augmented images, at a fraction of their rate.

    Attach it to the trainer after the average and before handlers that load a state to resume from.

    Args:
        average: states whether weights were given, see `WeightAverage`.
        optimizer: the trainer's; its current and scheduled learning rates are multiplied by ``rate``.
        evaluator: the validation engine.
        rate: factor of the learning rate and of the batch norms' momentum, 0 to 1.

    Raises:
        UsageError: when the trainer starts without validation images.
    """

    def __init__(self, average: WeightAverage, optimizer: Optimizer, evaluator: Evaluator, rate: float) -> None:
        self.average, self.optimizer, self.evaluator, self.rate = average, optimizer, evaluator, rate
        self._scaled = False

    def attach(self, engine: Engine) -> None:
        """Register on the trainer's events."""
        engine.add_event_handler(Events.STARTED, self._begin)

    def _begin(self, engine: Engine) -> None:
        batches: Any = self.evaluator.data_loader  # declared as an iterable, which may have no length
        if len(batches) == 0:
            raise UsageError(
                "no image to validate on, but the best weights are chosen by validation: put some into validate#dataset#data "
                "(val_split of MONAI Label), or merge refit.json onto train.json"
            )
        if not self.average.weights_were_given:
            return
        if not self._scaled:  # a federated client gets weights in each round
            for group in self.optimizer.param_groups:
                group |= {name: group[name] * self.rate for name in _RATES if name in group}
            for module in self.average.model.modules():
                if isinstance(module, _BatchNorm) and module.momentum is not None:
                    module.momentum *= self.rate
            self._scaled = True
        self.evaluator.run(engine.state.epoch + 1)
