"""Breast lesions from two hospitals: BUSI and BUS-BRA in one data set, each image with its source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from usseg_monai.data.busbra import is_busbra, read_busbra
from usseg_monai.data.busi import is_busi, read_busi
from usseg_monai.data.dataset import Dataset
from usseg_monai.errors import UsageError

__all__ = ["is_breast", "read_breast"]


def is_breast(root: Path) -> bool:
    """Whether a folder, or the folders in it, hold both BUSI and BUS-BRA."""
    return root.is_dir() and _find(root, is_busi) is not None and _find(root, is_busbra) is not None


def read_breast(root: Path) -> Dataset:
    """Read a folder with BUSI in it or in one of its folders, and likewise BUS-BRA: ``breast/busi/`` and ``breast/busbra/``, for example.

    Groups are those of the two data sets; their names differ (``benign (1)``, ``bus_0001``).

    Raises:
        UsageError: one of the two is not there, or cannot be read.
    """
    busi, busbra = _find(root, is_busi), _find(root, is_busbra)
    if busi is None or busbra is None:
        missing = [name for name, found in (("BUSI", busi), ("BUS-BRA", busbra)) if found is None]
        raise UsageError(f"{' and '.join(missing)} not found in {root}: give the folder that holds both data sets' folders (docs/data.md)")
    parts = (read_busi(busi), read_busbra(busbra))
    remarks = [f"{part.name}: {remark}" for part in parts for remark in part.remarks]
    return Dataset("BUSI and BUS-BRA", "breast", tuple(case for part in parts for case in part.cases), tuple(remarks))


def _find(root: Path, is_ours: Callable[[Path], bool]) -> Path | None:
    folders = (root, *sorted(path for path in root.iterdir() if path.is_dir())) if root.is_dir() else ()
    return next((folder for folder in folders if is_ours(folder)), None)
