"""Lists of images with their annotations, in MONAI's datalist format, from any source we can read.

A datalist is a JSON object with a list for each of ``training``, ``validation`` and ``test``; an item is
``{"image", "label", "group", "spacing_mm": [row, col], "class", "source", "head_circumference_mm", ...}``, where what follows the group
is there as far as the data set tells it. ``label`` is a file, or a list of files that are united; ``class`` counts in the task's
classes. Relative paths count from the datalist's own folder, as in MONAI's `load_decathlon_datalist`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from usseg_monai.data.breast import is_breast, read_breast
from usseg_monai.data.busbra import is_busbra, read_busbra
from usseg_monai.data.busi import is_busi, read_busi
from usseg_monai.data.dataset import Case, Dataset
from usseg_monai.data.folder import read_folder
from usseg_monai.data.hc18 import is_hc18, read_hc18
from usseg_monai.data.kaggle_nerve import is_kaggle_nerve, read_kaggle_nerve
from usseg_monai.data.splits import Split
from usseg_monai.data.sunnybrook import is_sunnybrook, read_sunnybrook
from usseg_monai.errors import ImageError, UsageError
from usseg_monai.imaging.bounded_text import text_of
from usseg_monai.inference.inputs import find_inputs, is_image, part_masks
from usseg_monai.tasks import TASKS, get_task

__all__ = ["SECTIONS", "list_images", "load_datalist", "read_datalist", "read_dataset", "to_datalist"]

_READERS: Mapping[str, Callable[[Path], Dataset]] = {
    "hc18": read_hc18,
    "kaggle_nerve": read_kaggle_nerve,
    "busi": read_busi,
    "busbra": read_busbra,
    "breast": read_breast,
    "sunnybrook": read_sunnybrook,
    "folder": read_folder,
}
_LAYOUTS: Sequence[tuple[Callable[[Path], bool], Callable[[Path], Dataset]]] = (
    (is_hc18, read_hc18),
    (is_kaggle_nerve, read_kaggle_nerve),
    (is_breast, read_breast),  # before those that it is made of
    (is_busi, read_busi),
    (is_busbra, read_busbra),
    (is_sunnybrook, read_sunnybrook),
)
"""Layouts that are known by their looks, each with its reader."""

_LONGEST_DATALIST = 1 << 28  # characters; an item has about 300
SECTIONS: Mapping[Split, str] = {"train": "training", "validation": "validation", "test": "test"}
"""Name of each part in a datalist."""


def read_dataset(name: str, root: Path, *, group_pattern: str | None = None) -> Dataset:
    """Read a data set of a known kind.

    Args:
        name: ``hc18``, ``kaggle_nerve``, ``busi``, ``busbra``, ``breast`` (both in one folder), ``sunnybrook``, or ``folder`` for any
            folder of images and masks.
        root: where it lies.
        group_pattern: for ``folder`` only, see `usseg_monai.data.folder.read_folder`.

    Raises:
        UsageError: an unknown name, a pattern for a data set that has its own groups, or nothing that can be read.
    """
    if name not in _READERS:
        raise UsageError(f"unknown data set {name!r}: the data sets are {', '.join(_READERS)}")
    if group_pattern is None:
        return _READERS[name](root)
    if name != "folder":
        raise UsageError(f"a group pattern was given for {name}, which has its own groups: leave it out, or read it as 'folder'")
    return read_folder(root, group_pattern=group_pattern)


def to_datalist(dataset: Dataset, base: Path | None = None) -> dict[str, Any]:
    """Put a data set into the datalist's form, every group in one section only.

    Args:
        dataset: what a reader found.
        base: folder that the datalist will lie in. Files below it are named relative to it, all others, and without it, absolutely.

    Returns:
        ``{"name", "task", "training": [item, ...], "validation": [...], "test": [...]}``; ``task`` is missing where unknown.
    """
    datalist: dict[str, Any] = {"name": dataset.name} | ({"task": dataset.task} if dataset.task else {})
    datalist |= {section: [] for section in SECTIONS.values()}
    classes = get_task(dataset.task).classes if dataset.task in TASKS else ()
    for case in dataset.cases:
        datalist[SECTIONS[dataset.split_of(case)]].append(_item(case, classes, base))
    return datalist


def read_datalist(path: Path) -> dict[str, Any]:
    """Read a datalist's JSON file and make its paths absolute.

    Raises:
        UsageError: no file, no JSON, no section, or an item without image and label.
    """
    try:
        datalist = json.loads(text_of(path, most=_LONGEST_DATALIST))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read as a datalist: {error}; make one with 'usseg datalist' (docs/data.md)") from error
    if not isinstance(datalist, dict) or not set(SECTIONS.values()) & datalist.keys():
        raise UsageError(f"{path} is no datalist: it needs at least one of the lists {', '.join(SECTIONS.values())}")
    for section in SECTIONS.values():
        items = datalist.setdefault(section, [])
        if not isinstance(items, list):
            raise UsageError(f"{path}: {section} is a {type(items).__name__}: it must be a list")
        for number, item in enumerate(items):
            if not isinstance(item, dict) or not isinstance(item.get("image"), str) or not _is_label(item.get("label")):
                raise UsageError(f"{path}: {section}[{number}] must be an object with 'image' and 'label', each the name of a file")
            item["image"] = str(path.parent.absolute() / item["image"])
            label = item["label"]
            item["label"] = (
                str(path.parent.absolute() / label) if isinstance(label, str) else [str(path.parent.absolute() / file) for file in label]
            )
    return datalist


def load_datalist(source: str | Path, section: str) -> list[dict[str, Any]]:
    """Return the items of one section, with absolute paths.

    Args:
        source: a datalist's JSON file, a data set's folder in its official layout, or any folder of images and masks.
        section: ``training``, ``validation`` or ``test``.

    Raises:
        UsageError: an unknown section, a source that cannot be read, or a section without an item.
    """
    if section not in SECTIONS.values():
        raise UsageError(f"unknown section {section!r}: the sections are {', '.join(SECTIONS.values())}")
    path = Path(source).absolute()
    datalist = to_datalist(_read_folder_of_any_kind(path)) if path.is_dir() else read_datalist(path)
    items: list[dict[str, Any]] = datalist[section]
    if not items:
        held = ", ".join(f"{len(datalist[name])} in {name}" for name in SECTIONS.values())
        raise UsageError(
            f"{path} has nothing in its section {section} ({held}): whole groups are placed by a hash of their names; give more "
            "groups, or name them with 'usseg datalist folder --group-pattern' (docs/data.md)"
        )
    return items


def list_images(source: str | Path) -> list[dict[str, str]]:
    """List what ``usseg predict`` would read of an image, a folder or a glob, under the same names.

    Returns:
        An item a file: ``image``, the path; ``file`` and ``output``, its names in the table and below ``masks/``
        (`usseg_monai.inference.inputs`).

    Raises:
        ImageError: no image there, or one that is not read, such as a link that points out of the folder.
    """
    items = []
    for found in filter(is_image, part_masks(find_inputs([source]))[0]):
        if found.refusal:
            raise ImageError(f"{found.path}: {found.refusal}")
        items.append({"image": found.absolute, "file": found.file, "output": found.output})
    return items


def _read_folder_of_any_kind(path: Path) -> Dataset:
    reader = next((reader for is_ours, reader in _LAYOUTS if is_ours(path)), read_folder)
    return reader(path)


def _is_label(value: object) -> bool:
    """A file's name, or a list of such."""
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(name, str) for name in value))


def _item(case: Case, classes: Sequence[str], base: Path | None) -> dict[str, Any]:
    label = _name(case.label, base) if isinstance(case.label, Path) else [_name(file, base) for file in case.label]
    item: dict[str, Any] = {"image": _name(case.image, base), "label": label, "group": case.group}
    if case.spacing_mm is not None:
        item["spacing_mm"] = list(case.spacing_mm)
    if case.category is not None:
        item["class"] = classes.index(case.category)
    if case.source is not None:
        item["source"] = case.source
    return item | dict(case.measured) | dict(case.notes)


def _name(path: Path, base: Path | None) -> str:
    path = path.absolute()
    if base is not None and path.is_relative_to(base.absolute()):
        path = path.relative_to(base.absolute())
    return path.as_posix()
