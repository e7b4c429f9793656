"""How a run is carried out: its options, and the checks of them that need no image."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from usseg_monai.errors import UsageError
from usseg_monai.files.video import check_encoder
from usseg_monai.geometry.spacing import check_spacing
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging import Limits
from usseg_monai.inputs.results_folder import RUN_RECORD, is_run_record
from usseg_monai.predict.predictor import check_engine
from usseg_monai.runs.outputs import check_save
from usseg_monai.runs.shards import Shard
from usseg_monai.tasks import TASKS, Task

if TYPE_CHECKING:
    from usseg_monai.runs.elsewhere import Cluster

__all__ = ["Options", "available_cores", "check_options"]


@dataclass(frozen=True)
class Options:
    """How a batch is run.

    Attributes:
        engine: see `Predictor`.
        device: see `Predictor`.
        weights: see `Predictor`.
        configs: see `Predictor`.
        batch_size: see `Predictor`. Useful on a GPU; on a CPU, use ``threads``.
        threads: images processed concurrently, each with one thread of the network; a single input uses all of them for its network.
            ``None``: the cores that this process may use.
        spacing_mm: ``(row, col)``, or one number for square pixels, for images whose file states no spacing and that are not in
            ``spacing_csv``.
        spacing_csv: table of spacings by file name, or by path as in the results, for images whose file states no spacing. An image that
            is not in it fails, unless ``spacing_mm`` is given.
        save: what to write besides the table: ``mask``, ``overlay``, ``probability``, ``nifti``, which implies ``mask``, ``labelstudio``,
            ``clip`` (`usseg_monai.runs.outputs.FOLDERS`).
        resume: skip files that an earlier run into the same folder finished with the same weights, options and version. Failed and changed
            files are processed again.
        limits: limits on what a file may request.
        task_options: folders by the names of the task's own options (`usseg_monai.tasks.Option`).
        follow_links: follow links in folders wherever they point; else links that lead out of their folder fail.
        any_modality: also process files whose DICOM header states another modality than the task's; else they fail.
        masks_of: output folder of the run that wrote the given masks; see `GivenMasks`.
        label: value of the structure, if the given masks are label maps.
        shard: the part of the inputs that this run processes; each shard needs its own output folder (`usseg_monai.runs.merge`).
        on: cluster whose workers process the images, such as `usseg_monai.cluster.Ray`; ``threads`` is then the number of workers, one
            thread each, and ``None`` as many as the cluster has cores. ``None``: this process.
        absolute: write absolute paths of inputs, weights and tables to ``accounts.jsonl`` and ``run.json``; else only their names.
    """

    engine: str = "auto"
    device: str = "auto"
    weights: Path | None = None
    configs: tuple[str, ...] = ()
    batch_size: int = 1
    threads: int | None = None
    spacing_mm: float | Spacing | None = None
    spacing_csv: Path | None = None
    save: tuple[str, ...] = ("mask", "overlay")
    resume: bool = False
    limits: Limits = field(default_factory=Limits)
    task_options: Mapping[str, Path] = field(default_factory=dict)
    follow_links: bool = False
    any_modality: bool = False
    masks_of: Path | None = None
    label: int | None = None
    shard: Shard | None = None
    on: Cluster | None = None
    absolute: bool = False


def available_cores() -> int:
    """Number of processor cores that this process may use.

    >>> available_cores() >= 1
    True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_options(options: Options, task: Task, *, given_masks: bool = False) -> int:
    """The number of threads; raises `UsageError` for options that are wrong for any inputs."""
    if options.on is not None and given_masks:
        raise UsageError(f"on {options.on}: masks are measured by this process; leave it out")
    if not given_masks:
        check_engine(task.name, options.engine, options.device, options.batch_size, options.configs)
    for name, folder in options.task_options.items():
        option = next((option for option in task.options if option.name == name), None)
        if option is None:
            owners = ", ".join(other.name for other in TASKS.values() if name in [option.name for option in other.options])
            raise UsageError(f"the option {name} was given for {task.name}: it is one of {owners or 'no task'}; leave it out")
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder; {option.flag} takes the folder with {option.description}")
    if options.masks_of is not None and not is_run_record(options.masks_of / RUN_RECORD):
        raise UsageError(f"{options.masks_of} holds no {RUN_RECORD}: --run takes the output folder of the run that the masks are of")
    check_save(options.save)
    if "clip" in options.save:
        check_encoder()
    if options.spacing_mm is not None:
        check_spacing(options.spacing_mm)
    threads = available_cores() if options.threads is None else options.threads
    if threads < 1:
        raise UsageError(f"threads {threads}: must be 1 or more")
    return threads
