"""Trainings that begin with weights which another program loads."""

from __future__ import annotations

from ignite.engine import Engine, Events
from monai.engines import Evaluator
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from usseg_monai.errors import UsageError
from usseg_monai.training.averaging import WeightAverage

__all__ = ["ContinuedTraining"]


_RATES = ("lr", "initial_lr", "max_lr", "min_lr")
"""Of a parameter group: the present one, and those that torch's schedules put beside it."""


class ContinuedTraining:
    """Treats weights that were given with care. They are validated before the first epoch, so that worse ones never take their place. The
    learning rate is a part of that for weights of chance, which would throw a finished network back by several epochs; the moments of
    batch norms, too, follow the batches, of few and augmented images, at a part of their rate.

    Attach it to the trainer, after the average and before what loads a state to resume from.

    Args:
        average: knows whether weights were given, see `WeightAverage`.
        optimizer: the trainer's; its learning rates, present and of the schedule, are multiplied by ``rate``.
        evaluator: the validation engine.
        rate: share of the learning rate and of the batch norms' momentum, 0 to 1.

    Raises:
        UsageError: when the trainer starts: there is nothing to validate on.
    """

    def __init__(self, average: WeightAverage, optimizer: Optimizer, evaluator: Evaluator, rate: float) -> None:
        self.average, self.optimizer, self.evaluator, self.rate = average, optimizer, evaluator, rate
        self._scaled = False

    def attach(self, engine: Engine) -> None:
        """Register on the trainer's events."""
        engine.add_event_handler(Events.STARTED, self._begin)

    def _begin(self, engine: Engine) -> None:
        if len(self.evaluator.data_loader) == 0:
            raise UsageError(
                "no image to validate on, and the best weights are chosen by validation: put some into validate#dataset#data "
                "(val_split of MONAI Label), or lay refit.json over train.json"
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
