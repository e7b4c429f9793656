"""HC18, fetal heads in ultrasound: the official folder layout and its annotations.

van den Heuvel et al., "Automated measurement of fetal head circumference using 2D ultrasound images", PLoS ONE 13(8), 2018,
doi 10.1371/journal.pone.0200412. Data: https://zenodo.org/records/1327317, CC BY 4.0. How to get it: docs/data.md.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from pathlib import Path

from usseg_monai.datasets.dataset import Case, Dataset, Source, name_remark
from usseg_monai.datasets.outline import fill_outline
from usseg_monai.errors import UsageError, quoted
from usseg_monai.files.table import check_columns, csv_rows
from usseg_monai.geometry.spacing import is_spacing

__all__ = ["HC18", "fill_outline", "is_hc18", "read_hc18"]

_OFFICIAL_TRAINING_IMAGES = 999
_OFFICIAL_TEST_IMAGES = 335

_TRAINING_FOLDER, _TEST_FOLDER = "training_set", "test_set"
_TRAINING_CSV, _TEST_CSV = "training_set_pixel_size_and_HC.csv", "test_set_pixel_size.csv"
_FILE, _SPACING, _CIRCUMFERENCE = "filename", "pixel size(mm)", "head circumference (mm)"
_IMAGE_NAME = re.compile(r"\d{3}_\d*HC\.png")
_ANNOTATION_NAME = re.compile(r"\d{3}_\d*HC_Annotation\.png")


def is_hc18(root: Path) -> bool:
    """Whether a folder has HC18's official layout, whole or in part."""
    return (root / _TRAINING_CSV).is_file() or (root / _TEST_CSV).is_file()


def read_hc18(root: Path) -> Dataset:
    """Read a folder that holds HC18 as it was released: two folders of pictures and two tables.

    The cases are the annotated pictures of ``training_set``, with square pixels and the head circumference of the table. A group is
    an exam, the number before ``_``: several pictures of one exam show one head. The annotations are ellipses drawn in 255 on 0
    (`fill_outline`). No picture is opened. A part of the release is enough; the remarks name what is missing.

    Raises:
        UsageError: no folder, no annotated image, or a table that is not HC18's.
    """
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder: give the folder that holds {_TRAINING_FOLDER}/ and {_TRAINING_CSV} (docs/data.md)")
    table = _read_table(root / _TRAINING_CSV)
    folder = root / _TRAINING_FOLDER
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    images = [name for name in names if _IMAGE_NAME.fullmatch(name)]
    annotations = {name for name in names if _ANNOTATION_NAME.fullmatch(name)}

    cases: list[Case] = []
    without_outline: list[str] = []
    without_row: list[str] = []
    for name in images:
        outline = f"{name.removesuffix('.png')}_Annotation.png"
        if outline not in annotations:
            without_outline.append(name)
        elif name not in table:
            without_row.append(name)
        else:
            spacing, circumference = table[name]
            measured = {"head_circumference_mm": circumference}
            cases.append(Case(folder / name, folder / outline, name.partition("_")[0], (spacing, spacing), measured))
    if not cases:
        raise UsageError(
            f"no annotated HC18 image in {root}: expected {_TRAINING_FOLDER}/000_HC.png with 000_HC_Annotation.png and a row in "
            f"{_TRAINING_CSV}; found {len(images)} images, {len(annotations)} annotations, {len(table)} rows (docs/data.md)"
        )

    test_folder = root / _TEST_FOLDER
    test_names = sorted(path.name for path in test_folder.iterdir()) if test_folder.is_dir() else []
    test_images = [name for name in test_names if _IMAGE_NAME.fullmatch(name)]
    orphans = sorted(annotations - {f"{name.removesuffix('.png')}_Annotation.png" for name in images})
    unexpected = [name for name in names if name not in annotations and not _IMAGE_NAME.fullmatch(name)]
    unexpected_test = [name for name in test_names if not _IMAGE_NAME.fullmatch(name)]
    remarks = [
        *_count_remark(f"images in {_TRAINING_FOLDER}", len(images), _OFFICIAL_TRAINING_IMAGES),
        *_count_remark(f"annotations in {_TRAINING_FOLDER}", len(annotations), _OFFICIAL_TRAINING_IMAGES),
        *_count_remark(f"rows in {_TRAINING_CSV}", len(table), _OFFICIAL_TRAINING_IMAGES),
        *_count_remark(f"images in {_TEST_FOLDER}", len(test_images), _OFFICIAL_TEST_IMAGES),
        *name_remark("images without an annotation, left out", without_outline),
        *name_remark(f"images without a row in {_TRAINING_CSV}, left out", without_row),
        *name_remark("annotations without an image", orphans),
        *name_remark(f"rows of {_TRAINING_CSV} without an image", sorted(set(table) - set(images))),
        *name_remark(f"unexpected files in {_TRAINING_FOLDER}", unexpected),
        *name_remark(f"unexpected files in {_TEST_FOLDER}", unexpected_test),
    ]
    return Dataset(HC18.title, HC18.task, tuple(cases), tuple(remarks))


def _read_table(path: Path) -> dict[str, tuple[float, float]]:
    """File name -> (pixel size in mm, head circumference in mm); empty where the file is absent."""
    if not path.is_file():
        return {}
    with csv_rows(path) as reader:
        return dict(_rows(reader, path))


def _rows(reader: csv.DictReader[str], path: Path) -> Iterator[tuple[str, tuple[float, float]]]:
    check_columns(reader, path, (_FILE, _SPACING, _CIRCUMFERENCE), "HC18's")
    for row in reader:
        try:
            values = float(row[_SPACING]), float(row[_CIRCUMFERENCE])
        except (TypeError, ValueError):
            values = (math.nan, math.nan)
        spacing, circumference = values
        if not (is_spacing(spacing, spacing) and 0 < circumference < math.inf):
            raise UsageError(
                f"{path}, line {reader.line_num}: pixel size {quoted(row[_SPACING])} and circumference {quoted(row[_CIRCUMFERENCE])} "
                "must be positive numbers of millimetres"
            )
        yield row[_FILE], values


def _count_remark(what: str, found: int, official: int) -> list[str]:
    return [] if found == official else [f"{found} {what}: the official release has {official}"]


HC18 = Source(
    name="hc18",
    title="HC18",
    task="fetal_head",
    content="fetal heads",
    terms="CC BY 4.0",
    read=read_hc18,
    recognise=is_hc18,
)
