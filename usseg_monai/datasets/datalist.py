"""Lists of images with annotations in MONAI's datalist format, from any supported source.

A datalist is a JSON object with a list for each of ``training``, ``validation`` and ``test``; an item is
``{"image", "label", "group", "spacing_mm": [row, col], "class", "source", "name", "phase", "head_circumference_mm", ...}``; keys after
``group`` are present if the data set has them. ``label`` is a file, or a list of files that are united; ``class`` is an index into the
task's classes, ``phase`` one into those of the heart beat; ``name`` is the image's in the release, if that of its file is not unique.
Paths are relative to the datalist's folder, as in MONAI's `load_decathlon_datalist`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from usseg_monai.datasets.dataset import Case, Dataset
from usseg_monai.datasets.folder import FOLDER, read_folder
from usseg_monai.datasets.registry import get_source, recognise
from usseg_monai.datasets.splits import Split
from usseg_monai.errors import ImageError, UsageError
from usseg_monai.files.bounded_text import text_of
from usseg_monai.imaging import bare_name
from usseg_monai.inputs.find import find_inputs
from usseg_monai.inputs.naming import is_image, part_masks
from usseg_monai.tasks import TASKS, get_task

__all__ = ["SECTIONS", "item_key", "list_images", "load_datalist", "read_datalist", "read_dataset", "to_datalist", "to_item"]

_LONGEST_DATALIST = 1 << 28  # characters; an item has about 300
SECTIONS: Mapping[Split, str] = {"train": "training", "validation": "validation", "test": "test"}
"""Name of each part in a datalist."""


def read_dataset(name: str, root: Path, *, group_pattern: str | None = None) -> Dataset:
    """Read a data set of a known kind.

    Args:
        name: as `usseg_monai.datasets.registry` lists it: ``hc18``, or ``folder`` for any folder of images and masks.
        root: its folder.
        group_pattern: for ``folder`` only, see `usseg_monai.datasets.folder.read_folder`.

    Raises:
        UsageError: an unknown name, a pattern for a data set that has its own groups, or no readable data.
    """
    source = get_source(name)
    if group_pattern is None:
        return source.read(root)
    if source is not FOLDER:
        raise UsageError(f"a group pattern was given for {name}, which has its own groups: leave it out, or read it as 'folder'")
    return read_folder(root, group_pattern=group_pattern)


def to_datalist(dataset: Dataset, base: Path | None = None) -> dict[str, Any]:
    """Convert a data set to a datalist; each group is in one section only.

    Args:
        dataset: what a reader found.
        base: the datalist's future folder. Paths below it are relative to it; other paths, and all paths without ``base``, are absolute.

    Returns:
        ``{"name", "task", "training": [item, ...], "validation": [...], "test": [...]}``; ``task`` is missing where unknown.
    """
    datalist: dict[str, Any] = {"name": dataset.name} | ({"task": dataset.task} if dataset.task else {})
    datalist |= {section: [] for section in SECTIONS.values()}
    classes = get_task(dataset.task).classes if dataset.task in TASKS else ()
    for case in dataset.cases:
        datalist[SECTIONS[dataset.split_of(case)]].append(to_item(case, classes, base))
    return datalist


def to_item(case: Case, classes: Sequence[str], base: Path | None = None) -> dict[str, Any]:
    """The item of one case.

    Args:
        case: as a reader found it.
        classes: of the task.
        base: as for `to_datalist`.
    """
    label = _name(case.label, base) if isinstance(case.label, Path) else [_name(file, base) for file in case.label]
    item: dict[str, Any] = {"image": _name(case.image, base), "label": label, "group": case.group}
    if case.spacing_mm is not None:
        item["spacing_mm"] = list(case.spacing_mm)
    if case.category is not None:
        item["class"] = classes.index(case.category)
    if case.source is not None:
        item["source"] = case.source
    if case.name:
        item["name"] = case.name
    if case.phase is not None:
        item["phase"] = case.phase
    return item | dict(case.measured) | dict(case.notes)


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
    datalist = to_datalist(recognise(path).read(path)) if path.is_dir() else read_datalist(path)
    items: list[dict[str, Any]] = datalist[section]
    if not items:
        held = ", ".join(f"{len(datalist[name])} in {name}" for name in SECTIONS.values())
        raise UsageError(
            f"{path} has nothing in its section {section} ({held}): whole groups are placed by a hash of their names; give more "
            "groups, or name them with 'usseg datalist folder --group-pattern' (docs/data.md)"
        )
    return items


def list_images(source: str | Path) -> list[dict[str, str]]:
    """List the files that ``usseg predict`` would read for an image, a folder or a glob, with the same names.

    Returns:
        One item per file: ``image``, the path; ``file`` and ``output``, its names in the table and below ``masks/``
        (`usseg_monai.inputs.naming`).

    Raises:
        ImageError: no image is found, or one is refused, such as a link that points out of the folder.
    """
    items = []
    for found in filter(is_image, part_masks(find_inputs([source]))[0]):
        if found.refusal:
            raise ImageError(f"{found.path}: {found.refusal}")
        items.append({"image": found.absolute, "file": found.file, "output": found.output})
    return items


def item_key(item: Mapping[str, Any]) -> str:
    """Name of an item's image, as in `usseg_monai.datasets.dataset.Case.key`.

    >>> item_key({"image": "hc18/000_HC.png"}), item_key({"image": "SCD0000101/48.dcm", "name": "SC-HF-I-01-IM-0001-0048"})
    ('000_HC', 'SC-HF-I-01-IM-0001-0048')
    """
    return str(item.get("name") or bare_name(item["image"]))


def _is_label(value: object) -> bool:
    """Whether a value is a file name or a list of file names."""
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(name, str) for name in value))


def _name(path: Path, base: Path | None) -> str:
    path = path.absolute()
    if base is not None and path.is_relative_to(base.absolute()):
        path = path.relative_to(base.absolute())
    return path.as_posix()
