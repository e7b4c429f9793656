"""The tasks: one frozen record each, pure data, importable in a blink.

The command line, the documentation and the label app take their lists of tasks from here.
"""

from __future__ import annotations

from pathlib import Path

from usseg_monai.errors import UsageError, did_you_mean
from usseg_monai.tasks.breast import BREAST
from usseg_monai.tasks.fetal_head import FETAL_HEAD
from usseg_monai.tasks.left_ventricle import LEFT_VENTRICLE
from usseg_monai.tasks.nerve import NERVE
from usseg_monai.tasks.record import UNITS, Column, Task

__all__ = ["TASKS", "UNITS", "Column", "Task", "bundle_path", "config_file", "get_task"]

TASKS: dict[str, Task] = {task.name: task for task in (FETAL_HEAD, NERVE, BREAST, LEFT_VENTRICLE)}


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
    """Folder of a task's MONAI bundle, in an installed package as in a checkout.

    Raises:
        UsageError: no task has that name.
    """
    name = get_task(task).bundle
    package = Path(__file__).resolve().parents[1]
    installed = package / "bundles" / name
    return installed if installed.is_dir() else package.parent / "bundles" / name


def config_file(task: str, name: str) -> Path:
    """A config of a task's bundle by its name, ``train`` or ``teaching_recipe``, or any JSON file by its path.

    Raises:
        UsageError: no task has that name, or there is no such config.

    >>> config_file("fetal_head", "train").name
    'train.json'
    """
    folder = bundle_path(task) / "configs"
    for file in (folder / f"{name}.json", Path(name)):
        if file.is_file():
            return file
    known = sorted(file.stem for file in folder.glob("*.json"))
    raise UsageError(f"no config {name!r} for {task}: give the path of a JSON file, or one of the bundle's: {', '.join(known)}")
