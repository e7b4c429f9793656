"""Checkpoints: initial weights of a training, its resumption, and the state it must keep."""

from __future__ import annotations

import hashlib
import io
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
from usseg_monai.files.write import atomic_path

__all__ = [
    "MAX_CHECKPOINT_BYTES",
    "BestSoFar",
    "ResumeLoader",
    "TrainingData",
    "load_weights",
    "newest_checkpoint",
    "sha256_of",
    "unfinished",
    "write_tensors",
]

MAX_CHECKPOINT_BYTES = 2 * 1024**3
"""Larger files are not checkpoints of this package: the released ones are below 16 MB."""

_log = logging.getLogger(__name__)


def load_weights(network: nn.Module, checkpoint: str | Path | None) -> nn.Module:
    """Load a file's weights into a network and return it; without a file it is returned unchanged.

    Args:
        network: to load into.
        checkpoint: a state dict, or one under the key ``model``.

    Raises:
        WeightsError: the file is missing, not a regular file, larger than `MAX_CHECKPOINT_BYTES`, damaged, or of another network.

    >>> load_weights(nn.Linear(2, 1), None)
    Linear(in_features=2, out_features=1, bias=True)
    """
    if checkpoint is None:
        return network
    check_checkpoint_file(checkpoint)
    try:
        state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
        network.load_state_dict(state.get("model", state))
    except Exception as error:  # unpickling damaged bytes raises almost any exception
        raise WeightsError(f"{checkpoint} does not fit this network: {why_unread(error)}; give a checkpoint of this bundle") from error
    return network


def check_checkpoint_file(checkpoint: str | Path) -> None:
    """Raise `WeightsError` unless this is a regular file of a checkpoint's size: a pipe or device would be read forever."""
    path = Path(checkpoint)
    if not path.is_file():
        what = "is no regular file" if path.exists() else "does not exist"
        raise WeightsError(f"no weights at {checkpoint}, which {what}: train the bundle, or give the path of a checkpoint")
    if (size := path.stat().st_size) > MAX_CHECKPOINT_BYTES:
        raise WeightsError(
            f"{checkpoint} has {size} bytes: at most {MAX_CHECKPOINT_BYTES} are taken for a checkpoint; give one of this bundle"
        )


def why_unread(error: Exception) -> str:
    """One line on why torch could not read a file, without torch's advice to unpickle code.

    >>> why_unread(pickle.UnpicklingError("Weights only load failed. Re-running ..."))
    'it holds more than tensors and plain values'
    """
    if isinstance(error, pickle.UnpicklingError):
        return "it holds more than tensors and plain values"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def write_tensors(content: Mapping[str, Any], file: Path) -> None:
    """Write as `torch.save`, but reproducibly: `torch.save` to a path would store the file's name.

    Raises:
        OutputError: the file cannot be written.
    """
    packed = io.BytesIO()
    torch.save(content, packed)
    with atomic_path(file) as temporary:
        temporary.write_bytes(packed.getvalue())


def sha256_of(file: str | Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def newest_checkpoint(folder: str) -> str | None:
    """Path of the checkpoint of the last whole epoch in ``folder``, or ``None`` for a fresh start.

    Files truncated during writing are skipped.

    >>> newest_checkpoint("no such folder") is None
    True
    """
    whole = _whole_checkpoints(folder)
    return str(max(whole, key=_epoch)) if whole else None


def _whole_checkpoints(folder: str) -> list[Path]:
    # torch writes a zip archive with its table of contents at the end: a truncated file has none.
    return [path for path in Path(folder).glob("*_epoch=*.pt") if zipfile.is_zipfile(path)]


def _epoch(checkpoint: Path) -> int:
    return int(checkpoint.stem.rpartition("=")[2])


class TrainingData:
    """Identifies the training of a state by its start time and images. Part of the state, with ignite's checkpoint methods.

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
        """Continue an earlier training: take over its start time."""
        self.begun = state["begun"]


def unfinished(folder: str, data: TrainingData, max_epochs: int) -> str | None:
    """Path of the checkpoint to resume from: that of the last training in ``folder``, if it was on the same data and stopped before
    ``max_epochs``. Otherwise ``None``, for a fresh start: on new data, or after a finished training, the network is trained again.

    >>> unfinished("no such folder", TrainingData([], []), max_epochs=2) is None
    True
    """
    found = []
    for path in _whole_checkpoints(folder):
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True).get("data")
        if state is not None:  # a state from before the data were recorded
            found.append((state["begun"], _epoch(path), path, state["sha256"]))
    if not found:
        return None
    _, epoch, path, sha256 = max(found)
    if sha256 != data.sha256:
        _log.warning(f"{path} is of a training on other data: this one starts afresh; to resume anyway, set resume_from to that file")
        return None
    return str(path) if epoch < max_epochs else None


class ResumeLoader(CheckpointLoader):
    """MONAI's ``CheckpointLoader`` for a state to resume from: it loads when the trainer first starts, not when the same trainer is run
    again, as in each further round of a federated training."""

    _loaded = False

    def __call__(self, engine: Engine) -> None:
        """Load the state, once."""
        if not self._loaded:
            super().__call__(engine)
            self._loaded = True


class BestSoFar:
    """The best validation result as part of a training's state, with ignite's checkpoint methods.

    Without it a resumed training treats its first epoch as best, overwrites better weights, and resets the early-stopping counter.

    Args:
        evaluator: the validation engine.
        saver: writes the weights of the best epoch.
        early_stop: ends a training that no longer improves; its trainer must be set before a state is saved or loaded.
    """

    def __init__(self, evaluator: Engine, saver: CheckpointSaver, early_stop: EarlyStopHandler) -> None:
        self.evaluator = evaluator
        self.saver = saver
        self.early_stop = early_stop

    def state_dict(self) -> dict[str, Any]:
        """Best metric, its epoch, and the early-stopping counter."""
        state: Any = self.evaluator.state  # MONAI adds attributes that ignite does not declare
        return {
            "metric": float(state.best_metric),
            "epoch": int(state.best_metric_epoch),
            "patience": dict(self._patience.state_dict()),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a result of `state_dict`, which has no metric before the first validation."""
        if state["epoch"] == -1:
            return
        best: Any = self.evaluator.state
        best.best_metric, best.best_metric_epoch = state["metric"], state["epoch"]
        self.saver.load_state_dict({"_saved": [(state["metric"], "")]})  # the saver knows its file name
        self._patience.load_state_dict(state["patience"])

    @property
    def _patience(self) -> Any:
        return self.early_stop._handler  # ignite's, which MONAI builds when the trainer is set
