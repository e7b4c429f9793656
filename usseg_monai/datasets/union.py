"""Several data sets of one task read as one, each image with its source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from usseg_monai.datasets.dataset import Dataset, Source
from usseg_monai.errors import UsageError

__all__ = ["unite"]


def unite(name: str, parts: Sequence[Source]) -> Source:
    """The joint data set of a folder that holds several, each in the folder itself or in a subfolder.

    Groups are those of the parts; their names must differ.

    Args:
        name: of the joint data set.
        parts: of one task.

    >>> from usseg_monai.datasets.busbra import BUSBRA
    >>> from usseg_monai.datasets.busi import BUSI
    >>> unite("both", (BUSI, BUSBRA)).title
    'BUSI and BUS-BRA'
    """
    title = " and ".join(part.title for part in parts)

    def recognise(root: Path) -> bool:
        return root.is_dir() and all(_find(root, part) is not None for part in parts)

    def read(root: Path) -> Dataset:
        folders = [_find(root, part) for part in parts]
        if None in folders:
            missing = [part.title for part, folder in zip(parts, folders, strict=True) if folder is None]
            raise UsageError(
                f"{' and '.join(missing)} not found in {root}: give the folder that holds both data sets' folders (docs/data.md)"
            )
        found = [part.read(folder) for part, folder in zip(parts, folders, strict=True) if folder is not None]
        cases = tuple(case for dataset in found for case in dataset.cases)
        return Dataset(title, parts[0].task, cases, tuple(f"{dataset.name}: {remark}" for dataset in found for remark in dataset.remarks))

    return Source(name, title, parts[0].task, f"{title} in one folder", "those of its parts", read, recognise)


def _find(root: Path, source: Source) -> Path | None:
    folders = (root, *sorted(path for path in root.iterdir() if path.is_dir())) if root.is_dir() else ()
    return next((folder for folder in folders if source.recognise(folder)), None)
