"""The Python counterpart of ``usseg predict``: predicts a folder of images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from usseg_monai.errors import UsageError, did_you_mean
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import Progress, Summary, run_batch

__all__ = ["predict_folder"]

_OPTIONS = tuple(field.name for field in fields(Options))


def predict_folder(
    task: str,
    inputs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    on_progress: Progress = lambda done, total, row: None,
    **options: Any,
) -> Summary:
    """Find and measure a task's structure in many images; write masks, overlays and one results table to a folder.

    Args:
        task: name of a task.
        inputs: one or several files, folders, globs, lists of files or addresses (``s3://bucket/folder``).
        output: output folder, or its address.
        on_progress: called with the number of finished inputs, their total, and the row of the last one.
        options: attributes of `Options`, such as ``spacing_mm``, ``save``, ``resume``, ``threads``.

    Returns:
        Counts of processed images. An image that cannot be used becomes a row with the status ``failed``; it does not end the run.

    Raises:
        UssegError: see `usseg_monai.runs.run.run_batch`; also for an unknown option.

    >>> summary = predict_folder("fetal_head", "images", "results", spacing_mm=0.2)  # doctest: +SKIP
    >>> summary.done, summary.failed  # doctest: +SKIP
    (100, 0)
    """
    for name in options:
        if name not in _OPTIONS:
            raise UsageError(f"unknown option {name!r}: the options are {', '.join(_OPTIONS)}{did_you_mean(name, _OPTIONS)}")
    several = [inputs] if isinstance(inputs, (str, os.PathLike)) else inputs
    return run_batch(task, [os.fspath(path) for path in several], os.fspath(output), Options(**options), on_progress)
