"""BrEaST-Lesions-USG, breast lesions in ultrasound from Poland: the official layout and its table.

Pawlowska et al., "Curated benchmark dataset for ultrasound based breast lesion analysis", Scientific Data 11 (2024) 148,
doi 10.1038/s41597-024-02984-z. Data: The Cancer Imaging Archive, doi 10.7937/9WKK-Q141, CC BY 4.0. How to get it: docs/data.md.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from usseg_monai.datasets.dataset import Case, Dataset, Source, name_remark
from usseg_monai.errors import UsageError, quoted
from usseg_monai.files.table import check_columns, csv_rows
from usseg_monai.geometry.spacing import is_spacing

__all__ = ["BREAST_LESIONS_USG", "CENTIMETRES_BELOW", "TABLE", "is_breast_lesions_usg", "read_breast_lesions_usg"]

TABLE = "clinical.csv"
"""Name of the table, the official spreadsheet saved as CSV: ``Image_filename,Pixel_size,Classification,...``."""

CENTIMETRES_BELOW = 0.02
"""Pixel sizes below this are centimetres, as the authors' text says; those of the table are 0.04 to 0.12, which can be millimetres only."""

_OFFICIAL_IMAGES = 256
_IMAGE_NAME = re.compile(r"case\d+\.png")
_MASK_NAME = re.compile(r"(case\d+)_tumor(?:_?\d+)?\.png")
_CATEGORIES = ("normal", "benign", "malignant")
_REDUCED = "Pixel_size_reduced_mm"


class _Row(NamedTuple):
    category: str
    spacing_mm: float | None


def is_breast_lesions_usg(root: Path) -> bool:
    """Whether a folder has the set's official layout, or its images and masks in two folders, whole or in part."""
    return any(_MASK_NAME.fullmatch(path.name) for folder in (root, root / "masks") for path in folder.glob("case*_tumor*.png"))


def read_breast_lesions_usg(root: Path) -> Dataset:
    """Read a folder that holds ``case001.png`` and ``case001_tumor.png``, or these in ``images/`` and ``masks/``; and ``clinical.csv``.

    All tumours of an image are its label; ``_other`` masks, which outline other suspicious areas, are not read. A normal image holds no
    lesion. Each image is of a patient of its own, and so a group. The table gives class and pixel size; without it both are unknown. In a
    reduced copy its column ``Pixel_size_reduced_mm`` counts. No picture is opened.

    Raises:
        UsageError: no folder, no image with a mask, or a table that is not the set's.
    """
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder: give the one that holds case001.png and case001_tumor.png (docs/data.md)")
    parts = (root / "images").is_dir() and (root / "masks").is_dir()
    images, masks = (root / "images", root / "masks") if parts else (root, root)
    table = _read_table(root / TABLE)
    tumours: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(masks.glob("case*_tumor*.png")):
        if match := _MASK_NAME.fullmatch(path.name):
            tumours[match[1]].append(path)

    cases: list[Case] = []
    without_mask: list[str] = []
    names = sorted(path.name for path in images.glob("case*.png") if _IMAGE_NAME.fullmatch(path.name))
    for name in names:
        stem = name.removesuffix(".png")
        category, size = table.get(name, _Row("", None))
        if stem not in tumours and category != "normal":
            without_mask.append(name)
            continue
        spacing = None if size is None else (size, size)
        cases.append(Case(images / name, tuple(tumours.get(stem, ())), stem, spacing, category=category or None, source="BrEaST"))
    if not cases:
        raise UsageError(
            f"no image with a mask in {root}: expected case001.png with case001_tumor.png, or both in images/ and masks/; found "
            f"{len(names)} images and {len(tumours)} masks (docs/data.md)"
        )
    remarks = [
        *([] if len(names) == _OFFICIAL_IMAGES else [f"{len(names)} images: the official release has {_OFFICIAL_IMAGES}"]),
        *([] if table else [f"no {TABLE}: classes and pixel sizes are unknown"]),
        *name_remark("images without a mask, left out", without_mask),
        *name_remark("masks without an image", sorted(tumours.keys() - {name.removesuffix(".png") for name in names})),
        *(name_remark(f"images without a row in {TABLE}", [name for name in names if name not in table]) if table else []),
    ]
    return Dataset(BREAST_LESIONS_USG.title, BREAST_LESIONS_USG.task, tuple(cases), tuple(remarks))


def _read_table(path: Path) -> dict[str, _Row]:
    """Image -> class and pixel size; empty where the file is absent."""
    if not path.is_file():
        return {}
    rows = {}
    with csv_rows(path) as reader:
        check_columns(reader, path, ("Image_filename", "Pixel_size", "Classification"), "the set's")
        for row in reader:
            if row["Classification"] not in _CATEGORIES:
                raise UsageError(
                    f"{path}, line {reader.line_num}: class {quoted(row['Classification'])} must be one of {', '.join(_CATEGORIES)}"
                )
            size = _millimetres(row.get(_REDUCED) or row["Pixel_size"], path, reader.line_num)
            rows[row["Image_filename"]] = _Row(row["Classification"], size)
    return rows


def _millimetres(text: str, path: Path, line: int) -> float | None:
    """A pixel size; ``None`` for an empty cell."""
    if not text.strip():
        return None
    try:
        size = float(text)
    except ValueError:
        size = -1.0
    size = 10 * size if 0 < size < CENTIMETRES_BELOW else size
    if not is_spacing(size, size):
        raise UsageError(f"{path}, line {line}: pixel size {quoted(text)} must be a positive number of millimetres")
    return size


BREAST_LESIONS_USG = Source(
    name="breast_lesions_usg",
    title="BrEaST",
    task="breast",
    content="breast lesions, Poland",
    terms="CC BY 4.0",
    read=read_breast_lesions_usg,
    recognise=is_breast_lesions_usg,
)
