"""Whether torch weights are the released ones: their SHA-256, and that of the file that goes with them, against the task's record."""

from __future__ import annotations

import logging
from pathlib import Path

from usseg_monai.errors import UsageError, WeightsError
from usseg_monai.tasks import bundle_path, get_task
from usseg_monai.training.checkpoints import sha256_of
from usseg_monai.training.trust import trust_file

__all__ = ["bundle_weights", "released_weights"]

_log = logging.getLogger(__name__)


def released_weights(task: str) -> Path:
    """Path of the package's ``models/model.pt``, once it and ``models/model.trust`` are found to be the released ones, byte for byte.

    Raises:
        UsageError: no task has that name.
        WeightsError: a file is missing, damaged, or not the released one.

    >>> released_weights("nerve").name
    'model.pt'
    """
    checkpoint = bundle_path(task) / "models" / "model.pt"
    if reason := _difference(task, checkpoint):
        raise WeightsError(f"{reason}; install the package again, or name the file yourself to use it as it is")
    return checkpoint


def bundle_weights(task: str, bundle_root: str, own_weights: bool) -> str:
    """Path of the ``models/model.pt`` of a bundle, for its key ``ckpt_path``.

    Args:
        task: name of the bundle's task.
        bundle_root: folder of the bundle.
        own_weights: whether the weights may be others than the released ones. So it is by default of a bundle that was copied or unpacked
            and may have been trained further; a line of the log then says that they are others.

    Raises:
        UsageError: ``own_weights`` is neither true nor false.
        WeightsError: they must be the released ones, and are not.
    """
    if not isinstance(own_weights, bool):
        raise UsageError(f"own_weights={own_weights!r}: it must be True or False")
    checkpoint = Path(bundle_root) / "models" / "model.pt"
    reason = _difference(task, checkpoint)
    if reason and not own_weights:
        raise WeightsError(f"{reason}; install the package again, or use the file as it is: --own_weights True, or --ckpt_path FILE")
    if reason and checkpoint.is_file():  # without a file the loader says what is missing
        _log.warning(f"{reason}: taken for this bundle's own weights")
    return str(checkpoint)


def _difference(task: str, checkpoint: Path) -> str:
    """In what weights and the file beside them differ from the released ones; empty where they do not."""
    record = get_task(task)
    for file, released in ((checkpoint, record.checkpoint_sha256), (trust_file(checkpoint), record.trust_sha256)):
        if not file.is_file():
            return f"no released weights: {file} is missing"
        if (found := sha256_of(file)) != released:
            return f"{file} is not the released one: its SHA-256 is {found[:12]}..., the release's is {released[:12]}..."
    return ""
