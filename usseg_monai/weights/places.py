"""Folder of the bundle whose config is being run, and its default output folders.

MONAI does not give a config the path of its own folder. ``"."``, as in many bundles of the Model Zoo, is the working directory; the folder
of the installed package would be wrong for copies of the bundle, which would then use and overwrite weights that are not their own.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path

from monai.bundle import ConfigWorkflow

from usseg_monai.tasks import TASKS, bundle_path

__all__ = ["bundle_root", "checkpoint_folder", "in_package", "output_folder"]


def bundle_root(task: str) -> str:
    """Folder of the bundle whose config is being evaluated, for its key ``bundle_root``.

    That is the folder above ``configs`` of the first config of the `monai.bundle.ConfigWorkflow` that evaluates it, as in
    ``python -m monai.bundle run``, `monai.bundle.run`, `monai.bundle.create_workflow`. The workflow is found on the call stack, the only
    place where MONAI keeps the path. A config outside a folder ``configs`` belongs to no bundle, and gets the package's. For a config
    parsed without a workflow the path is unknown: the working directory is used, as in the Model Zoo, unless the program sets
    ``parser["bundle_root"]``.

    Args:
        task: name of the bundle's task.
    """
    frame = inspect.currentframe()
    while frame is not None:
        caller = frame.f_locals.get("self")
        if isinstance(caller, ConfigWorkflow):
            folder = Path(caller.config_root_path).absolute()
            return str(folder.parent if folder.name == "configs" else bundle_path(task))
        frame = frame.f_back
    return str(Path.cwd())


def in_package(folder: str) -> bool:
    """Whether a bundle's folder belongs to the package, installed or in a checkout, whose weights must stay the released ones.

    >>> in_package(str(bundle_path("nerve"))), in_package("bundles_of_mine/nerve")
    (True, False)
    """
    resolved, bundles = Path(folder).resolve(), bundle_path(next(iter(TASKS))).resolve().parent
    return resolved.parent == bundles or not {"site-packages", "dist-packages"}.isdisjoint(resolved.parts)


def output_folder(folder: str) -> str:
    """Default of ``output_dir``: ``eval`` in the bundle's folder; for a bundle that must not or cannot be written to (the
    package's, a read-only one) ``eval/NAME`` in the working directory.

    >>> Path(output_folder(str(bundle_path("nerve")))).relative_to(Path.cwd()).as_posix()
    'eval/nerve'
    """
    path = Path(folder)
    return str(path / "eval" if _may_write(path) else Path.cwd() / "eval" / path.resolve().name)


def checkpoint_folder(folder: str) -> str:
    """Default of ``ckpt_dir``: ``models`` in the bundle's folder, whose ``model.pt`` a training replaces; else `output_folder`.

    >>> checkpoint_folder(str(bundle_path("nerve"))) == output_folder(str(bundle_path("nerve")))
    True
    """
    return str(Path(folder) / "models") if _may_write(Path(folder)) else output_folder(folder)


def _may_write(folder: Path) -> bool:
    return not in_package(str(folder)) and (not folder.exists() or os.access(folder, os.W_OK))
