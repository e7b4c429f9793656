"""The tasks: one frozen record each, pure data, fast to import.

The command line, the documentation and the label app read the list of tasks from here.
"""

from __future__ import annotations

from pathlib import Path

from usseg_monai.errors import UsageError, did_you_mean
from usseg_monai.tasks.breast.record import BREAST
from usseg_monai.tasks.fetal_head.record import FETAL_HEAD
from usseg_monai.tasks.left_ventricle.record import LEFT_VENTRICLE
from usseg_monai.tasks.nerve.record import NERVE
from usseg_monai.tasks.record import UNITS, Column, Option, Task, load

__all__ = ["TASKS", "UNITS", "Column", "Option", "Task", "bundle_path", "config_file", "get_task", "has_weights", "load"]

TASKS: dict[str, Task] = {task.name: task for task in (FETAL_HEAD, NERVE, BREAST, LEFT_VENTRICLE)}

_PACKAGE = Path(__file__).resolve().parents[1]


def get_task(name: str) -> Task:
    """Return the record of a task.

    Raises:
        UsageError: no task has that name.

    >>> get_task("fetal_head").labels
    ('background', 'fetal head')
    """
    try:
        return TASKS[name]
    except KeyError:
        raise UsageError(f"unknown task {name!r}: the tasks are {', '.join(TASKS)}{did_you_mean(name, TASKS)}") from None


def bundle_path(task: str) -> Path:
    """Folder of a task's MONAI bundle, in an installed package or a checkout.

    Raises:
        UsageError: no task has that name.
    """
    name = get_task(task).bundle
    installed = _PACKAGE / "bundles" / name
    return installed if installed.is_dir() else _PACKAGE.parent / "bundles" / name


def has_weights(task: str) -> bool:
    """Whether the task's bundle holds ``model.onnx``. The file is not opened.

    Raises:
        UsageError: no task has that name.
    """
    return (bundle_path(task) / "models" / "model.onnx").is_file()


def config_file(task: str, name: str) -> Path:
    """Path of a config, given its name or the path of any JSON file.

    Names are those of the bundle's own configs (``train``, ``refit``) and those that a subpackage adds to a task:
    ``ROOM/configs/TASK/NAME.json`` has the name ``ROOM_NAME``, such as ``teaching_recipe``.

    Raises:
        UsageError: no task has that name, or there is no such config.

    >>> config_file("fetal_head", "train").name
    'train.json'
    """
    own = {file.stem: file for file in (bundle_path(task) / "configs").glob("*.json")}
    added = {f"{file.parents[2].name}_{file.stem}": file for file in _PACKAGE.glob(f"*/configs/{task}/*.json")}
    known = added | own
    if name in known:
        return known[name]
    if Path(name).is_file():
        return Path(name)
    raise UsageError(f"no config {name!r} for {task}: give the path of a JSON file, or one of these names: {', '.join(sorted(known))}")
