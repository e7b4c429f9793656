"""BUSI, breast lesions in ultrasound: the official folder layout, several masks per image, and images that do not belong.

Al-Dhabyani, Gomaa, Khaled, Fahmy, "Dataset of breast ultrasound images", Data in Brief 28 (2020) 104863, doi 10.1016/j.dib.2019.104863. No
formal licence. Which images show one lesion, and which do not belong: Pawlowska, Karwat, Zolek, "Letter to the Editor. Re: Dataset of
breast ultrasound images", Data in Brief 48 (2023) 109247, doi 10.1016/j.dib.2023.109247, CC BY 4.0. How to get them: docs/data.md.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from usseg_monai.datasets.dataset import Case, Dataset, Source, name_remark
from usseg_monai.datasets.near_duplicates import find_near_duplicates, unite_groups
from usseg_monai.errors import ImageError, UsageError, quoted
from usseg_monai.files.table import check_columns, csv_rows
from usseg_monai.geometry.types import GreyArray
from usseg_monai.imaging import read_image

__all__ = ["BUSI", "FOLDER", "TABLE", "is_busi", "read_busi", "read_reviewers_groups"]

FOLDER = "Dataset_BUSI_with_GT"
"""The official folder, with one folder per class."""

TABLE = "groups.csv"
"""Name of the reviewers' table, ``filename,group,objection,annotation``."""

_OFFICIAL_IMAGES = {"benign": 437, "malignant": 210, "normal": 133}
_NAME = r"(benign|malignant|normal) \((\d+)\)"
_IMAGE_NAME = re.compile(rf"{_NAME}\.png")
_MASK_NAME = re.compile(rf"({_NAME})_mask(?:_\d+)?\.png")
_CONTRADICTORY = "multiclass"  # the reviewers' term for a lesion that occurs in two classes


def is_busi(root: Path) -> bool:
    """Whether a folder holds BUSI, whole or in part."""
    return any((_place(root) / category).is_dir() for category in ("benign", "malignant")) and next(_images(root), None) is not None


def read_busi(root: Path) -> Dataset:
    """Read a folder that holds ``Dataset_BUSI_with_GT/{benign,malignant,normal}/``, or these three folders.

    An image's category is its class; its label is all its masks (``_mask.png``, ``_mask_1.png``, ...). Its notes are the reviewers'
    ``objection`` (``axilla``, ``needle``) and ``annotation`` (``text``, ``measurement``, ...: burnt into the picture); both may be empty.
    A normal image without a mask is known to hold no lesion.

    A group is the images of one lesion, as far as known: there are no patient numbers. Images are opened to find near-duplicates
    (`usseg_monai.datasets.near_duplicates`), which are united with the groups of ``groups.csv`` where that table exists. Groups with two
    classes are left out and named in the remarks: it is unknown which class is right.

    Raises:
        UsageError: no folder, no image with a mask, or a table that is not the reviewers'.
    """
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder: give the one that holds {FOLDER}/ (docs/data.md)")
    place = _place(root)
    masks: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(place.glob("*/*_mask*.png")):
        if match := _MASK_NAME.fullmatch(path.name):
            masks[match[1]].append(path)

    cases: list[Case] = []
    pictures: list[GreyArray] = []
    without_mask: list[str] = []
    damaged: list[str] = []
    counts = dict.fromkeys(_OFFICIAL_IMAGES, 0)
    table = _read_table(root)
    for path in _images(root):
        category = path.parent.name
        counts[category] += 1
        found = tuple(masks.pop(path.stem, ()))
        if not found and category != "normal":
            without_mask.append(path.name)
            continue
        try:
            pictures.append(read_image(path).pixels)
        except ImageError:
            damaged.append(path.name)
            continue
        group, objection, annotation = table.get(path.name, (path.stem, "", ""))
        notes = {"objection": objection, "annotation": annotation}
        cases.append(Case(path, found, group, category=category, source="BUSI", notes=notes))
    if not cases:
        raise UsageError(
            f"no image with a mask in {root}: expected {FOLDER}/benign/benign (1).png with benign (1)_mask.png; found "
            f"{sum(counts.values())} images and {len(masks)} masks without an image (docs/data.md)"
        )
    groups = unite_groups([case.group for case in cases], find_near_duplicates(pictures))
    cases = [replace(case, group=group) for case, group in zip(cases, groups, strict=True)]
    contradictory = _contradictory_groups(cases)
    remarks = [
        *(f"{counts[name]} {name} images: the official release has {n}" for name, n in _OFFICIAL_IMAGES.items() if counts[name] != n),
        *([] if table else [f"no {TABLE}: images of one lesion are found by their likeness alone, and objections are unknown"]),
        *name_remark("images without a mask, left out", without_mask),
        *name_remark("images that cannot be read, left out", damaged),
        *name_remark("masks without an image", sorted(masks)),
        *name_remark(
            "images left out whose lesion occurs in two classes", [case.image.name for case in cases if case.group in contradictory], 30
        ),
    ]
    kept, left_out = (tuple(case for case in cases if (case.group in contradictory) is out) for out in (False, True))
    return Dataset(BUSI.title, BUSI.task, kept, tuple(remarks), left_out)


def read_reviewers_groups(root: Path) -> dict[str, str]:
    """File name of an image -> the reviewers' group; empty where their table is absent.

    Raises:
        UsageError: a table that is not the reviewers'.
    """
    return {name: group for name, (group, _, _) in _read_table(root).items()}


def _place(root: Path) -> Path:
    """The folder that holds the classes."""
    return root / FOLDER if (root / FOLDER).is_dir() else root


def _images(root: Path) -> Iterator[Path]:
    """All images, by class and number."""
    for category in _OFFICIAL_IMAGES:
        folder = _place(root) / category
        found = [(int(match[2]), path) for path in folder.glob("*.png") if (match := _IMAGE_NAME.fullmatch(path.name))]
        yield from (path for _, path in sorted(found))


def _contradictory_groups(cases: Sequence[Case]) -> set[str]:
    """Groups with more than one class, or contradictory according to the reviewers."""
    categories = defaultdict(set)
    for case in cases:
        categories[case.group].add(case.category)
    named = {case.group for case in cases if _CONTRADICTORY in case.notes["objection"]}
    return named | {group for group, found in categories.items() if len(found) > 1}


def _read_table(root: Path) -> dict[str, tuple[str, str, str]]:
    """File name -> group, objection, annotation; empty where the table is absent."""
    path = next((folder / TABLE for folder in (root, root.parent) if (folder / TABLE).is_file()), None)
    if path is None:
        return {}
    wanted = ("filename", "group", "objection", "annotation")
    rows = {}
    with csv_rows(path) as reader:
        check_columns(reader, path, wanted, "the reviewers'")
        for row in reader:
            name, group, objection, annotation = (row[column] or "" for column in wanted)
            if not group:
                raise UsageError(f"{path}, line {reader.line_num}: {quoted(name)} has no group: an image alone is a group of its own name")
            rows[name] = (group, objection, annotation)
    return rows


BUSI = Source(
    name="busi",
    title="BUSI",
    task="breast",
    content="breast lesions, Cairo",
    terms="no formal licence",
    read=read_busi,
    recognise=is_busi,
)
