"""Registry of the readable data sets, used by the command line, the recognition of folders and docs/data.md."""

from __future__ import annotations

from pathlib import Path

from usseg_monai.datasets.breast_lesions_usg import BREAST_LESIONS_USG
from usseg_monai.datasets.busbra import BUSBRA
from usseg_monai.datasets.busi import BUSI
from usseg_monai.datasets.dataset import Source
from usseg_monai.datasets.folder import FOLDER
from usseg_monai.datasets.hc18 import HC18
from usseg_monai.datasets.kaggle_nerve import KAGGLE_NERVE
from usseg_monai.datasets.sunnybrook import SUNNYBROOK
from usseg_monai.datasets.union import unite
from usseg_monai.errors import UsageError, did_you_mean

__all__ = ["SOURCES", "get_source", "recognise"]

BREAST = unite("breast", (BUSI, BUSBRA, BREAST_LESIONS_USG))

SOURCES = {source.name: source for source in (HC18, KAGGLE_NERVE, BREAST, BUSI, BUSBRA, BREAST_LESIONS_USG, SUNNYBROOK, FOLDER)}
"""In the order of recognition: joint data sets before their parts, any folder last."""


def get_source(name: str) -> Source:
    """Return the record of a data set.

    Raises:
        UsageError: no data set has that name.

    >>> get_source("hc18").task
    'fetal_head'
    """
    if name not in SOURCES:
        raise UsageError(f"unknown data set {name!r}: the data sets are {', '.join(SOURCES)}{did_you_mean(name, SOURCES)}")
    return SOURCES[name]


def recognise(root: Path) -> Source:
    """The data set in a folder, by its layout; the fallback is a plain folder of images and masks."""
    return next((source for source in SOURCES.values() if source.recognise(root)), FOLDER)
