"""Where a training begins, where an interrupted one goes on, and what it has to remember."""

from __future__ import annotations

import hashlib
import json
import logging
import pickle
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine
from monai.handlers import CheckpointLoader, CheckpointSaver, EarlyStopHandler
from torch import nn

from usseg_monai.errors import WeightsError

__all__ = [
    "MAX_CHECKPOINT_BYTES",
    "BestSoFar",
    "ResumeLoader",
    "TrainingData",
    "load_weights",
    "newest_checkpoint",
    "sha256_of",
    "unfinished",
]

MAX_CHECKPOINT_BYTES = 2 * 1024**3
"""Larger files are no checkpoint of ours: the released ones stay below 16 MB."""

_log = logging.getLogger(__name__)


def load_weights(network: nn.Module, checkpoint: str | Path | None) -> nn.Module:
    """Give a network the weights of a file, and return it; without a file it stays as it is.

    Args:
        network: what the weights belong to.
        checkpoint: a state dict, or one under the key ``model``.

    Raises:
        WeightsError: the file is missing, no regular file, larger than `MAX_CHECKPOINT_BYTES`, damaged, or of another network.

    >>> load_weights(nn.Linear(2, 1), None)
    Linear(in_features=2, out_features=1, bias=True)
    """
    if checkpoint is None:
        return network
    check_checkpoint_file(checkpoint)
    try:
        state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
        network.load_state_dict(state.get("model", state))
    except Exception as error:  # unpickling damaged bytes raises nearly anything
        raise WeightsError(f"{checkpoint} does not fit this network: {why_unread(error)}; give a checkpoint of this bundle") from error
    return network


def check_checkpoint_file(checkpoint: str | Path) -> None:
    """Raise `WeightsError` for what is not a regular file of a checkpoint's size: a pipe or a device would be read for ever."""
    path = Path(checkpoint)
    if not path.is_file():
        what = "is no regular file" if path.exists() else "does not exist"
        raise WeightsError(f"no weights at {checkpoint}, which {what}: train the bundle, or give the path of a checkpoint")
    if (size := path.stat().st_size) > MAX_CHECKPOINT_BYTES:
        raise WeightsError(
            f"{checkpoint} has {size} bytes: at most {MAX_CHECKPOINT_BYTES} are taken for a checkpoint; give one of this bundle"
        )


def why_unread(error: Exception) -> str:
    """Why torch could not read a file, in one line; its own advice to read pickles of programs is left out.

    >>> why_unread(pickle.UnpicklingError("Weights only load failed. Re-running ..."))
    'it holds more than tensors and plain values'
    """
    if isinstance(error, pickle.UnpicklingError):
        return "it holds more than tensors and plain values"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def sha256_of(file: str | Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def newest_checkpoint(folder: str) -> str | None:
    """Path of the checkpoint of the last whole epoch in ``folder``, or ``None`` for a fresh start.

    A file that was cut off while it was written is passed over.

    >>> newest_checkpoint("no such folder") is None
    True
    """
    whole = _whole_checkpoints(folder)
    return str(max(whole, key=_epoch)) if whole else None


def _whole_checkpoints(folder: str) -> list[Path]:
    # torch writes a zip archive, whose table of contents comes last: a file that is cut off has none.
    return [path for path in Path(folder).glob("*_epoch=*.pt") if zipfile.is_zipfile(path)]


def _epoch(checkpoint: Path) -> int:
    return int(checkpoint.stem.rpartition("=")[2])


class TrainingData:
    """Which training a state belongs to: when it began, and on what images. A part of the state, in the form that checkpoints take.

    Args:
        training: items of the training part.
        validation: items of the validation part.
    """

    def __init__(self, training: Sequence[Any], validation: Sequence[Any]) -> None:
        items = json.dumps([list(training), list(validation)], sort_keys=True, default=str)
        self.sha256 = hashlib.sha256(items.encode()).hexdigest()
        self.begun = time.time()

    def state_dict(self) -> dict[str, Any]:
        """Seconds since 1970 at the beginning of the training, and the SHA-256 of the items."""
        return {"begun": self.begun, "sha256": self.sha256}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with a training of before: the beginning is that one's."""
        self.begun = state["begun"]


def unfinished(folder: str, data: TrainingData, max_epochs: int) -> str | None:
    """Path of the checkpoint to resume from: of the last training in ``folder``, if it was on the same data and stopped before
    ``max_epochs``. Otherwise ``None``, for a fresh start: new data teach, and a training that is started again after its end trains.

    >>> unfinished("no such folder", TrainingData([], []), max_epochs=2) is None
    True
    """
    found = []
    for path in _whole_checkpoints(folder):
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True).get("data")
        if state is not None:  # a state of before the data were noted down
            found.append((state["begun"], _epoch(path), path, state["sha256"]))
    if not found:
        return None
    _, epoch, path, sha256 = max(found)
    if sha256 != data.sha256:
        _log.warning(f"{path} is of a training on other data: this one begins anew; to go on all the same, set resume_from to that file")
        return None
    return str(path) if epoch < max_epochs else None


class ResumeLoader(CheckpointLoader):
    """MONAI's ``CheckpointLoader`` for a state to resume from: it loads when the trainer starts, and not again when that trainer is run
    on, as in each further round of a federated training."""

    _loaded = False

    def __call__(self, engine: Engine) -> None:
        """Load the state, once."""
        if not self._loaded:
            super().__call__(engine)
            self._loaded = True


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
