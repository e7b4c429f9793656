"""Paths of many files."""

from __future__ import annotations

import os
from collections.abc import Iterable

__all__ = ["common_folder"]


def common_folder(paths: Iterable[str]) -> str:
    """The deepest folder that holds all files, as an absolute path.

    >>> common_folder(["/data/p1/a.png", "/data/p2/us/b.png"]), common_folder(["/data/a.png"])
    ('/data', '/data')
    """
    common: str | None = None
    for path in paths:
        folder = os.path.dirname(os.path.abspath(path))
        if common is None:
            common = folder
        elif folder != common:  # skips the usual case: a list may have a million files in one folder
            common = os.path.commonpath([common, folder])
    return common or ""
