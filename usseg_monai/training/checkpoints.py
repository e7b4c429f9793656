"""Where a training begins, where an interrupted one goes on, and what it has to remember."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine
from monai.handlers import CheckpointSaver, EarlyStopHandler
from torch import nn

from usseg_monai.errors import WeightsError

__all__ = ["BestSoFar", "load_weights", "newest_checkpoint", "sha256_of"]


def load_weights(network: nn.Module, checkpoint: str | Path | None) -> nn.Module:
    """Give a network the weights of a file, and return it; without a file it stays as it is.

    Args:
        network: what the weights belong to.
        checkpoint: a state dict, or one under the key ``model``.

    Raises:
        WeightsError: the file is missing, damaged, or of another network.

    >>> load_weights(nn.Linear(2, 1), None)
    Linear(in_features=2, out_features=1, bias=True)
    """
    if checkpoint is None:
        return network
    if not Path(checkpoint).is_file():
        raise WeightsError(f"no weights at {checkpoint}: train the bundle, or give the path of a checkpoint")
    try:
        state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
        network.load_state_dict(state.get("model", state))
    except Exception as error:  # unpickling damaged bytes raises nearly anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(f"{checkpoint} does not fit this network: {reason}; give a checkpoint of this bundle") from error
    return network


def sha256_of(file: str | Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def newest_checkpoint(folder: str) -> str | None:
    """Path of the checkpoint of the last whole epoch in ``folder``, or ``None`` for a fresh start.

    A file that was cut off while it was written is passed over.

    >>> newest_checkpoint("no such folder") is None
    True
    """
    # torch writes a zip archive, whose table of contents comes last: a file that is cut off has none.
    whole = [path for path in Path(folder).glob("*_epoch=*.pt") if zipfile.is_zipfile(path)]
    return str(max(whole, key=lambda path: int(path.stem.rpartition("=")[2]))) if whole else None


class BestSoFar:
    """The best validation result as a part of a training's state, in the form that checkpoints take.

    Without it a resumed training takes its first epoch for its best, overwrites better weights, and is patient from the start again.

    Args:
        evaluator: the validation engine.
        saver: writes the weights of the best epoch.
        early_stop: ends a training that gets no better; its trainer must be set before a state is saved or loaded.
    """

    def __init__(self, evaluator: Engine, saver: CheckpointSaver, early_stop: EarlyStopHandler) -> None:
        self.evaluator = evaluator
        self.saver = saver
        self.early_stop = early_stop

    def state_dict(self) -> dict[str, Any]:
        """Best metric, its epoch, and how far the patience is used up."""
        state = self.evaluator.state
        return {
            "metric": float(state.best_metric),
            "epoch": int(state.best_metric_epoch),
            "patience": dict(self.early_stop._handler.state_dict()),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a result of `state_dict`; before the first validation there is nothing to go on from."""
        if state["epoch"] == -1:
            return
        self.evaluator.state.best_metric = state["metric"]
        self.evaluator.state.best_metric_epoch = state["epoch"]
        self.saver.load_state_dict({"_saved": [(state["metric"], "")]})  # it knows the name of its one file
        self.early_stop._handler.load_state_dict(state["patience"])
