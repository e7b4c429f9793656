"""Ignite handlers that MONAI lacks: gradient clipping, curves as a picture, graph and learning rate in TensorBoard."""

from __future__ import annotations

import json
from math import isfinite
from numbers import Real
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.engines.utils import IterationEvents
from torch import nn
from torch.optim import Optimizer
from torch.utils.tensorboard import SummaryWriter

from usseg_monai.files.write import atomic_path, write_text

__all__ = ["ClipGradients", "CurvesHandler", "TensorBoardRunHandler"]


class ClipGradients:
    """Scales the gradient down if its norm is too large, before the optimizer's step. Attach it to a MONAI trainer.

    Otherwise a single odd batch can throw a nearly finished network back by several epochs.

    Args:
        network: whose gradients are clipped.
        max_norm: largest Euclidean norm over all parameters.
    """

    def __init__(self, network: nn.Module, max_norm: float) -> None:
        self.network = network
        self.max_norm = max_norm

    def attach(self, engine: Engine) -> None:
        """Register between the backward pass and the optimizer's step."""
        engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self._clip)

    def _clip(self) -> None:
        nn.utils.clip_grad_norm_(self.network.parameters(), self.max_norm)


class CurvesHandler:
    """Writes ``curves.json`` and ``curves.png`` after every epoch: loss, and each metric for training and validation.

    Attach it to the trainer. A resumed training continues the earlier curves.

    Args:
        output_dir: folder of the two files.
        evaluator: the validation engine, whose metrics have the trainer's names with ``val_`` for ``train_``.
        optimizer: its first group's learning rate is recorded.
    """

    def __init__(self, output_dir: str, evaluator: Engine, optimizer: Optimizer) -> None:
        self.folder = Path(output_dir)
        self.evaluator = evaluator
        self.optimizer = optimizer
        self.epochs: list[dict[str, float]] = []
        self._losses: list[float] = []

    def attach(self, engine: Engine) -> None:
        """Register on the trainer's events."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._load)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._remember_loss)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._record)

    def _load(self, engine: Engine) -> None:
        """Continue the curves of an interrupted training; not at the engine's start, when the state to resume from is not yet loaded."""
        file = self.folder / "curves.json"
        if not self.epochs and engine.state.epoch > 1 and file.is_file():
            self.epochs = [row for row in json.loads(file.read_text()) if row["epoch"] < engine.state.epoch]

    def _remember_loss(self, engine: Engine) -> None:
        outputs: Any = engine.state.output  # decollated by MONAI
        self._losses.append(float(outputs[0]["loss"]))

    def _record(self, engine: Engine) -> None:
        row = {
            "epoch": engine.state.epoch,
            "train_loss": sum(self._losses) / len(self._losses),
            "learning_rate": self.optimizer.param_groups[0]["lr"],
        }
        self._losses.clear()
        for metrics in (engine.state.metrics, self.evaluator.state.metrics):
            row |= {name: float(value) for name, value in metrics.items() if isinstance(value, Real) and isfinite(value)}
        self.epochs.append(row)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.folder / "curves.json", json.dumps(self.epochs, indent=1))
        draw_curves(self.epochs, self.folder / "curves.png")


def draw_curves(epochs: list[dict[str, float]], file: Path) -> None:
    """Draw one panel per quantity; its training and validation curves share the panel.

    Args:
        epochs: one row per epoch, with ``epoch`` and any ``train_*``, ``val_*`` and other columns.
        file: the PNG to write.
    """
    from matplotlib.figure import Figure  # its font cache takes a second: only when a picture is drawn
    from matplotlib.ticker import MaxNLocator

    names = [name for name in epochs[-1] if name != "epoch"]
    panels = list(dict.fromkeys(name.removeprefix("train_").removeprefix("val_") for name in names))
    figure = Figure(figsize=(4.2 * len(panels), 3.4), layout="constrained")
    for axis, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for name in names:
            if name.removeprefix("train_").removeprefix("val_") == panel:
                rows = [row for row in epochs if name in row]
                label = "validation" if name.startswith("val_") else "training"
                axis.plot([row["epoch"] for row in rows], [row[name] for row in rows], marker="o" if len(rows) == 1 else None, label=label)
        axis.set(title=panel.replace("_", " "), xlabel="epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axis.grid(alpha=0.3)
        axis.legend()
    with atomic_path(file) as temporary:
        figure.savefig(temporary, dpi=110, format="png")


class TensorBoardRunHandler:
    """Adds the network's graph once and the learning rate every epoch. Attach it to the trainer.

    Args:
        log_dir: folder of TensorBoard's event files.
        network: its graph is traced with the first batch's shape.
        optimizer: its first group's learning rate is logged.
    """

    def __init__(self, log_dir: str, network: nn.Module, optimizer: Optimizer) -> None:
        self.log_dir = log_dir
        self.network = network
        self.optimizer = optimizer

    def attach(self, engine: Engine) -> None:
        """Register on the trainer's events."""
        engine.add_event_handler(Events.STARTED, self._open)
        engine.add_event_handler(Events.ITERATION_COMPLETED(once=1), self._graph)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._learning_rate)
        engine.add_event_handler(Events.COMPLETED, self._close)

    def _open(self) -> None:
        self.writer = SummaryWriter(self.log_dir)

    def _graph(self, engine: Engine) -> None:
        outputs: Any = engine.state.output
        image = torch.as_tensor(outputs[0]["image"]).as_subclass(torch.Tensor)
        mode = self.network.training
        self.network.eval()
        self.writer.add_graph(self.network, torch.zeros_like(image[None]), use_strict_trace=False)  # outputs may be a dictionary
        self.network.train(mode)

    def _learning_rate(self, engine: Engine) -> None:
        self.writer.add_scalar("learning_rate", self.optimizer.param_groups[0]["lr"], engine.state.epoch)
        self.writer.flush()

    def _close(self) -> None:
        self.writer.close()
