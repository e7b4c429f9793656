"""Datalists of public data sets in the package: names, groups and sections of the benchmark (docs/benchmark.md), and no pixels.

``lists/NAME.json`` is a datalist in MONAI's format (`usseg_monai.datasets.datalist`). Paths are those of the official release, relative to
its folder; ``name`` identifies an image in any layout that the data set's reader knows. ``python -m benchmarks.datalists`` writes them.

Why lists, if the split follows from the names of groups? Because groups themselves may not: where a release states no patients, they are
found by likeness, and depend on which images are there.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from usseg_monai.datasets.datalist import SECTIONS, to_item
from usseg_monai.datasets.dataset import Dataset, name_remark
from usseg_monai.datasets.registry import get_source
from usseg_monai.errors import UsageError, did_you_mean
from usseg_monai.tasks import TASKS

__all__ = ["LISTS", "load_shipped", "read_shipped", "shipped_names"]

LISTS = Path(__file__).with_name("lists")
"""Folder of the lists."""


@cache
def shipped_names() -> tuple[str, ...]:
    """Names of the lists, which are also those of their data sets.

    >>> "hc18" in shipped_names()
    True
    """
    return tuple(sorted(path.stem for path in LISTS.glob("*.json")))


def read_shipped(name: str) -> dict[str, Any]:
    """A list as it is in the package.

    Returns:
        ``{"name", "task", "training": [{"name", "image", "label", "group"}, ...], "validation": [...], "test": [...]}``.

    Raises:
        UsageError: no list has that name.

    >>> read_shipped("hc18")["training"][0]
    {'name': '000_HC', 'image': 'training_set/000_HC.png', 'label': 'training_set/000_HC_Annotation.png', 'group': '000'}
    """
    if name not in shipped_names():
        known = ", ".join(shipped_names())
        raise UsageError(f"no datalist {name!r} in the package: there are {known}{did_you_mean(name, shipped_names())} (docs/benchmark.md)")
    datalist: dict[str, Any] = json.loads((LISTS / f"{name}.json").read_text(encoding="utf-8"))
    return datalist


def load_shipped(name: str, root: Path, section: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The items of a list's section, for a folder with the data set in any layout that its reader knows.

    Args:
        name: of the list.
        root: folder of the data set.
        section: ``training``, ``validation`` or ``test``.

    Returns:
        The items, with absolute paths and all that the reader knows about them, in the order of the list, with the list's groups; and
        remarks on images of the folder that are in no section of the list.

    Raises:
        UsageError: no such list or section; the folder cannot be read, or lacks images of the section: a benchmark is scored as a whole.
    """
    datalist = read_shipped(name)
    if section not in SECTIONS.values():
        raise UsageError(f"unknown section {section!r}: the sections are {', '.join(SECTIONS.values())}")
    dataset = get_source(name).read(root)
    cases = {case.key: case for case in (*dataset.cases, *dataset.left_out)}  # what is left out depends on which images are there
    listed = datalist[section]
    missing = [item["name"] for item in listed if item["name"] not in cases]
    if missing:
        raise UsageError(
            f"{root} lacks {len(missing)} of the {len(listed)} images in section {section} of the list {name!r}, {missing[0]} first: a "
            f"section is scored as a whole; get the whole data set (docs/data.md){_first_remark(dataset)}"
        )
    items = [to_item(cases[item["name"]], _classes(dataset)) | {"name": item["name"], "group": item["group"]} for item in listed]
    known = {item["name"] for part in SECTIONS.values() for item in datalist[part]}
    unlisted = sorted({case.key for case in dataset.cases} - known)
    return items, name_remark(f"images of {root} are not in the list {name!r}, left out", unlisted)


def _classes(dataset: Dataset) -> tuple[str, ...]:
    return TASKS[dataset.task].classes if dataset.task in TASKS else ()


def _first_remark(dataset: Dataset) -> str:
    return f"; {dataset.remarks[0]}" if dataset.remarks else ""
