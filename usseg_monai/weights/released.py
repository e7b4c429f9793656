"""Check whether torch weights are the released ones, by SHA-256 of the weights and their trust file in the task's record."""

from __future__ import annotations

import logging
from pathlib import Path

from usseg_monai.errors import UsageError, WeightsError
from usseg_monai.tasks import bundle_path, get_task
from usseg_monai.weights.checkpoints import sha256_of
from usseg_monai.weights.trust import trust_file

__all__ = ["bundle_weights", "released_weights"]

_log = logging.getLogger(__name__)


def released_weights(task: str) -> Path:
    """Path of the package's ``models/model.pt``, after checking that it and ``models/model.trust`` are the released files.

    Raises:
        UsageError: no task has that name.
        WeightsError: a file is missing, damaged, or not the released one.

    >>> released_weights("nerve").name
    'model.pt'
    """
    checkpoint = bundle_path(task) / "models" / "model.pt"
    if reason := _difference(task, checkpoint):
        raise WeightsError(f"{reason}; {get_task(task).weights_remedy}, or name the file yourself to use it as it is")
    return checkpoint


def bundle_weights(task: str, bundle_root: str, own_weights: bool) -> str:
    """Path of the ``models/model.pt`` of a bundle, for its key ``ckpt_path``.

    Args:
        task: name of the bundle's task.
        bundle_root: folder of the bundle.
        own_weights: whether the weights may differ from the released ones. This is the default of a bundle that was copied or unpacked
            and may have been trained further; a difference is then logged.

    Raises:
        UsageError: ``own_weights`` is neither true nor false.
        WeightsError: there are no weights, or they must be the released ones but are not.
    """
    if not isinstance(own_weights, bool):
        raise UsageError(f"own_weights={own_weights!r}: it must be True or False")
    checkpoint = Path(bundle_root) / "models" / "model.pt"
    reason = _difference(task, checkpoint)
    if reason and not own_weights:
        raise WeightsError(f"{reason}; {get_task(task).weights_remedy}, or use the file as it is: --own_weights True, or --ckpt_path FILE")
    if not checkpoint.is_file():
        raise WeightsError(f"no weights at {checkpoint}: {get_task(task).weights_remedy}; or train the bundle, or give --ckpt_path FILE")
    if reason:
        _log.warning(f"{reason}: taken for this bundle's own weights")
    return str(checkpoint)


def _difference(task: str, checkpoint: Path) -> str:
    """How the weights or their trust file differ from the released ones; empty if they do not."""
    record = get_task(task)
    for file, released in ((checkpoint, record.checkpoint_sha256), (trust_file(checkpoint), record.trust_sha256)):
        if not file.is_file():
            return f"no released weights: {file} is missing"
        if (found := sha256_of(file)) != released:
            return f"{file} is not the released one: its SHA-256 is {found[:12]}..., the release's is {released[:12]}..."
    return ""
