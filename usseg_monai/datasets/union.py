"""Several data sets of one task read as one, each image with its source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from usseg_monai.datasets.dataset import Dataset, Source
from usseg_monai.errors import UsageError

__all__ = ["unite"]

_FEWEST = 2
"""Data sets that a joint one has at least; a single one has a reader of its own."""


def unite(name: str, parts: Sequence[Source]) -> Source:
    """The joint data set of a folder that holds two or more of several, each in the folder itself or in a subfolder.

    Its title names those that were found; a remark names each that was not. Groups are those of the parts; their names must differ. Notes
    that only some of the parts have are empty for the others.

    Args:
        name: of the joint data set.
        parts: of one task.

    >>> from usseg_monai.datasets.busbra import BUSBRA
    >>> from usseg_monai.datasets.busi import BUSI
    >>> unite("both", (BUSI, BUSBRA)).title
    'BUSI and BUS-BRA'
    """
    title, task = _title(parts), parts[0].task

    def recognise(root: Path) -> bool:
        return len(_find_all(root, parts)) >= _FEWEST

    def read(root: Path) -> Dataset:
        folders = _find_all(root, parts)
        missing = [part for part in parts if part.name not in folders]
        if len(folders) < _FEWEST:
            raise UsageError(
                f"{_title(missing)} not found in {root}: give the folder that holds the data sets' folders, two at least of {title} "
                "(docs/data.md)"
            )
        found = [part for part in parts if part.name in folders]
        datasets = [part.read(folders[part.name]) for part in found]
        cases = [case for dataset in datasets for case in dataset.cases]
        notes = dict.fromkeys((key for case in cases for key in case.notes), "")
        remarks = (
            *(f"{part.title}: not found in this folder" for part in missing),
            *(f"{dataset.name}: {remark}" for dataset in datasets for remark in dataset.remarks),
        )
        return Dataset(_title(found), task, tuple(replace(case, notes=notes | dict(case.notes)) for case in cases), remarks)

    return Source(name, title, task, f"{title}, two at least, in one folder", "those of its parts", read, recognise)


def _title(parts: Sequence[Source]) -> str:
    *first, last = (part.title for part in parts)
    return f"{', '.join(first)} and {last}" if first else last


def _find_all(root: Path, parts: Sequence[Source]) -> dict[str, Path]:
    """Name of each part that is there -> its folder, the first one by name."""
    folders = (root, *sorted(path for path in root.iterdir() if path.is_dir())) if root.is_dir() else ()
    places = {part.name: next((folder for folder in folders if part.recognise(folder)), None) for part in parts}
    return {name: folder for name, folder in places.items() if folder is not None}
