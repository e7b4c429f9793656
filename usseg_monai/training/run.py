"""Run one training of a task's bundle, for ``usseg train`` and comparisons."""

from __future__ import annotations

import importlib.util
import json
import statistics
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from usseg_monai.errors import UsageError, UssegError
from usseg_monai.tasks import config_file, get_task
from usseg_monai.training.overrides import check_overrides, merge_configs
from usseg_monai.training.records import recorded

if TYPE_CHECKING:
    from monai.bundle import ConfigWorkflow

__all__ = ["TrainingResult", "train"]

_PLACES = {"dataset_dir": "--data", "output_dir": "-o", "ckpt_dir": "-o"}
"""Keys of the config that the arguments of `train` set, with their names on the command line."""

_MAY_CHANGE = ("max_epochs", "patience", "num_workers", "device")
"""Overrides that may change when a training is continued."""

_NEEDED = ("torch", "monai", "ignite", "tensorboard", "matplotlib")


@dataclass(frozen=True)
class TrainingResult:
    """Result of a training.

    Attributes:
        checkpoint: weights of the best epoch, in the form of the bundle's ``models/model.pt``.
        epochs: epochs trained, including earlier runs into the same folder.
        metric_name: the key metric on the validation part, which defines "best".
        metric: its value at the best epoch, ``None`` before the first validation.
        images_a_second: median over the iterations of this run, from batch to batch within an epoch, without validation.
    """

    checkpoint: Path
    epochs: int
    metric_name: str
    metric: float | None
    images_a_second: float | None


def train(
    task: str,
    data: Path,
    out: Path,
    overrides: Mapping[str, Any] | None = None,
    *,
    configs: Sequence[str] = (),
    report: Callable[[int, int], None] = lambda done, total: None,
) -> TrainingResult:
    """Train a task's bundle, or resume an earlier run into the same folder.

    Args:
        task: name of a task.
        data: data set, as for the bundle's ``dataset_dir`` (a datalist's JSON file, an official data set, a folder).
        out: folder for the weights, the state to resume from, curves and TensorBoard's files.
        overrides: new values for keys of the bundle's ``configs/train.json``, nested keys joined by ``#``.
        configs: merged onto ``configs/train.json``, in order: names (see `usseg_monai.tasks.config_file`), or paths.
        report: called after every iteration with the number of iterations so far and in total.

    Raises:
        UsageError: unknown task, config or key, unusable data, or a folder that holds a training with other configs or overrides
            (epochs, patience, device and number of workers may change).
        UssegError: a package that training needs is missing, or the config cannot be run with these values.
        OutputError: ``out`` cannot be written.
    """
    overrides = dict(overrides or {})
    files = [config_file(task, name) for name in ("train", *configs)]
    _check(files, overrides)
    places = _places(data, out)
    decisive = {key: value for key, value in overrides.items() if key not in _MAY_CHANGE}
    _claim(out, {"task": task} | ({"configs": list(configs)} if configs else {}) | decisive)
    workflow = _start(files, _resumed(out) | places | overrides)
    _check_classes(get_task(task).classes, workflow)
    return _run(workflow, out / "model.pt", report)


def _check(files: Sequence[Path], overrides: Mapping[str, Any]) -> None:
    """Check the arguments before importing MONAI, which takes seconds."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UssegError(f"training needs {', '.join(missing)}: pip install 'usseg-monai[train]'")
    for key in overrides:
        if key in _PLACES:
            raise UsageError(f"{key} is set by {_PLACES[key]}: use that")
    check_overrides(merge_configs(_read(file) for file in files), overrides)


def _read(file: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{file} cannot be read as a config: {error}; it must be a JSON object") from error
    return config


def _places(data: Path, out: Path) -> dict[str, str]:
    data, out = data.absolute(), out.absolute()
    if not data.exists():
        raise UsageError(f"no data at {data}: give a folder or a datalist (docs/data.md)")
    for path in (data, out):
        if "#" in str(path):
            raise UsageError(f"{path}: MONAI's configs cannot hold a path with '#'; rename the folder")
    return {"dataset_dir": str(data), "output_dir": str(out), "ckpt_dir": str(out)}


def _resumed(out: Path) -> dict[str, str]:
    """The state left by an earlier run into the same folder, finished or not; `_claim` has checked that it is the same training."""
    from usseg_monai.weights.checkpoints import newest_checkpoint

    newest = newest_checkpoint(str(out.absolute()))
    return {"resume_from": newest} if newest else {}


def _claim(out: Path, options: dict[str, Any]) -> None:
    """Record in a fresh folder what is trained there; in a used one it must be the same."""
    earlier = recorded(out / "train_options.json", options)
    if earlier != options:
        raise UsageError(f"{out} holds a training of {_words(earlier)}, not of {_words(options)}: repeat those, or give another -o")


def _words(options: Mapping[str, Any]) -> str:
    return " ".join(value if key == "task" else f"{key}={json.dumps(value)}" for key, value in options.items())


def _start(files: Sequence[Path], values: dict[str, Any]) -> ConfigWorkflow:
    """Build what the configs define: data, network, engines."""
    from monai.bundle import ConfigWorkflow

    from usseg_monai.predict.engines.config_errors import config_error

    warnings.filterwarnings("ignore", "NvImgCodecPydicomReader")  # every LoadImage lacks a GPU decoder that is never used here
    workflow = ConfigWorkflow([str(file) for file in files], workflow_type="train", **values)
    try:
        workflow.initialize()
    except Exception as error:  # any object in a user's config may raise any exception
        raise config_error(error, "look at the overrides and at --data") from error
    return workflow


def _check_classes(classes: Sequence[str], workflow: ConfigWorkflow) -> None:
    """Raise `UsageError` for images without a class, which would end the first epoch with an obscure error inside MONAI."""
    if not classes:
        return
    for key in ("train#dataset", "validate#dataset"):
        items = workflow.parser.get_parsed_content(key).data
        silent = [item["image"] for item in items if "class" not in item]
        if silent:
            names = ", ".join(f"{number} {name}" for number, name in enumerate(classes))
            raise UsageError(
                f"{len(silent)} of {len(items)} images have no class (first: {silent[0]}), but this network is trained with classes: "
                f'write a datalist (usseg datalist) and add "class" to its items, {names} (docs/data.md)'
            )


def _run(workflow: ConfigWorkflow, checkpoint: Path, report: Callable[[int, int], None]) -> TrainingResult:
    from ignite.engine import Engine, Events

    trainer = workflow.parser.get_parsed_content("train#trainer")
    state = workflow.parser.get_parsed_content("validate#evaluator").state

    rates: list[float] = []
    ended = 0.0

    def completed(engine: Engine) -> None:
        nonlocal ended
        before, ended = ended, time.perf_counter()
        state: Any = engine.state  # ignite declares as optional what is None until the engine runs
        if (state.iteration - 1) % state.epoch_length:  # an epoch's first batch also waited for the loader to start
            rates.append(len(state.batch) / (ended - before))  # decollated: a list of images
        report(state.iteration, state.max_epochs * state.epoch_length)

    trainer.add_event_handler(Events.ITERATION_COMPLETED, completed)
    workflow.run()
    workflow.finalize()
    metric = float(state.best_metric) if state.best_metric_epoch != -1 else None
    return TrainingResult(checkpoint, trainer.state.epoch, state.key_metric_name, metric, statistics.median(rates) if rates else None)
