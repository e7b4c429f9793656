"""Calibrated class probabilities: one temperature, fitted on validation images.

Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017, section 4.2: dividing all logits by one number
calibrates the probabilities without changing a decision between classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from torch import Tensor, nn
from torch.nn import functional

from usseg_monai.files.write import atomic_path
from usseg_monai.weights.checkpoints import load_weights

__all__ = ["CalibrationHandler", "fit_temperature"]

_LARGEST_LOG = 3.0  # temperatures between 1/20 and 20


def fit_temperature(logits: Tensor, targets: Tensor) -> float:
    """The temperature that maximises the likelihood of the targets.

    Args:
        logits: ``(N, classes)``; ``(N, 1)`` for presence alone.
        targets: class indices ``(N,)``; for presence alone 0 or 1, ``(N, 1)``.

    >>> logits = torch.tensor([[4.0, 0.0]]).repeat(100, 1)  # says 98 %, is right in 73 of 100
    >>> round(fit_temperature(logits, (torch.arange(100) >= 73).long()), 1)
    4.0
    """
    from scipy.optimize import minimize_scalar

    loss = functional.cross_entropy if logits.shape[1] > 1 else functional.binary_cross_entropy_with_logits

    def likelihood(log_temperature: float) -> float:
        return float(loss(logits.double() / torch.tensor(log_temperature).exp(), targets if logits.shape[1] > 1 else targets.double()))

    return float(torch.tensor(minimize_scalar(likelihood, bounds=(-_LARGEST_LOG, _LARGEST_LOG), method="bounded").x).exp())


class CalibrationHandler:
    """Stores the temperature in the best weights when training is over. Attach it to the trainer.

    Args:
        network: one with the buffer ``temperature`` (`usseg_monai.networks.two_heads`), on its device.
        checkpoint: file of the best weights, which is rewritten.
        batches: validation data.
        prepare_batch: returns image and ``{"mask", "class"}`` of a batch, as the evaluator's.
    """

    def __init__(
        self,
        network: nn.Module,
        checkpoint: str,
        batches: Iterable[Mapping[str, Any]],
        prepare_batch: Callable[..., tuple[Tensor, Tensor | dict[str, Tensor]]],
    ) -> None:
        self.network, self.checkpoint, self.batches, self.prepare_batch = network, Path(checkpoint), batches, prepare_batch

    def attach(self, engine: Engine) -> None:
        """Register on the trainer's events."""
        engine.add_event_handler(Events.COMPLETED, self._calibrate)

    def _calibrate(self) -> None:
        if not self.checkpoint.is_file():  # no validation took place
            return
        network = load_weights(deepcopy(self.network), self.checkpoint).eval()
        temperature = network.get_buffer("temperature").fill_(1.0)
        device = next(network.parameters()).device
        logits, targets = [], []
        with torch.inference_mode():
            for batch in self.batches:
                image, target = self.prepare_batch(batch, device)
                if isinstance(target, Tensor):  # the data have no classes
                    return
                logits.append(torch.as_tensor(network(image)["class"]).cpu())
                targets.append(torch.as_tensor(target["class"]).cpu())
        temperature.fill_(fit_temperature(torch.cat(logits), torch.cat(targets)))
        with atomic_path(self.checkpoint) as temporary:
            torch.save(network.state_dict(), temporary)
