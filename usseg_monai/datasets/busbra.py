"""BUS-BRA, breast lesions in ultrasound from four scanners: the official layout and its table.

Gomez-Flores, Gregorio-Calas, Pereira, "BUS-BRA: A breast ultrasound dataset for assessing computer-aided diagnosis systems", Medical
Physics 51(4) (2024) 3110-3123, doi 10.1002/mp.16812. Data: https://zenodo.org/records/8231412, own permissive licence. How to get it:
docs/data.md.
"""

from __future__ import annotations

import re
from pathlib import Path

from usseg_monai.datasets.dataset import Case, Dataset, Source, name_remark
from usseg_monai.errors import UsageError, quoted
from usseg_monai.files.table import check_columns, csv_rows

__all__ = ["BUSBRA", "TABLE", "is_busbra", "read_busbra"]

TABLE = "bus_data.csv"
"""Name of the table, ``ID,Case,Histology,Pathology,BIRADS,...``."""

_OFFICIAL_IMAGES = 1875
_IMAGE_NAME = re.compile(r"(bus_\d+)-\w+\.png")
_CATEGORIES = ("benign", "malignant")


def is_busbra(root: Path) -> bool:
    """Whether a folder has BUS-BRA's official layout, whole or in part."""
    return (root / TABLE).is_file() and _folder(root, "images").is_dir()


def read_busbra(root: Path) -> Dataset:
    """Read a folder that holds ``bus_data.csv``, ``Images/bus_0001-l.png`` and ``Masks/mask_0001-l.png``.

    Every image shows one lesion; its category is the pathology. A group is a patient, such as ``bus_0001``: all pictures of one
    patient stay together. No picture is opened. BUSI's notes ``objection`` and ``annotation`` are empty here.

    Raises:
        UsageError: no folder, no image with a mask and a row, or a table that is not BUS-BRA's.
    """
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder: give the one that holds {TABLE}, Images/ and Masks/ (docs/data.md)")
    table = _read_table(root / TABLE)
    images, masks = _folder(root, "images"), _folder(root, "masks")
    names = sorted(path.name for path in images.iterdir() if _IMAGE_NAME.fullmatch(path.name)) if images.is_dir() else []

    cases: list[Case] = []
    without_mask: list[str] = []
    without_row: list[str] = []
    for name in names:
        mask = masks / name.replace("bus_", "mask_")
        category = table.get(name.removesuffix(".png"))
        if not mask.is_file():
            without_mask.append(name)
        elif category is None:
            without_row.append(name)
        else:
            notes = {"objection": "", "annotation": ""}
            cases.append(Case(images / name, mask, name.partition("-")[0], category=category, source="BUS-BRA", notes=notes))
    if not cases:
        raise UsageError(
            f"no BUS-BRA image with a mask in {root}: expected Images/bus_0001-l.png with Masks/mask_0001-l.png and a row in {TABLE}; "
            f"found {len(names)} images, {len(table)} rows (docs/data.md)"
        )
    remarks = [
        *([] if len(names) == _OFFICIAL_IMAGES else [f"{len(names)} images: the official release has {_OFFICIAL_IMAGES}"]),
        *name_remark("images without a mask, left out", without_mask),
        *name_remark(f"images without a row in {TABLE}, left out", without_row),
        *name_remark(f"rows of {TABLE} without an image", sorted(set(table) - {name.removesuffix(".png") for name in names})),
    ]
    return Dataset(BUSBRA.title, BUSBRA.task, tuple(cases), tuple(remarks))


def _folder(root: Path, name: str) -> Path:
    """A folder in either spelling: capitalised as in the release, or lower case as in many copies."""
    return root / name if (root / name).is_dir() else root / name.capitalize()


def _read_table(path: Path) -> dict[str, str]:
    """Image -> category; empty where the file is absent."""
    if not path.is_file():
        return {}
    table = {}
    with csv_rows(path) as reader:
        check_columns(reader, path, ("ID", "Pathology"), "BUS-BRA's")
        for row in reader:
            if row["Pathology"] not in _CATEGORIES:
                raise UsageError(f"{path}, line {reader.line_num}: pathology {quoted(row['Pathology'])} must be {' or '.join(_CATEGORIES)}")
            table[row["ID"]] = row["Pathology"]
    return table


BUSBRA = Source(
    name="busbra",
    title="BUS-BRA",
    task="breast",
    content="breast lesions, Rio de Janeiro",
    terms="its own: free use, cite the paper",
    read=read_busbra,
    recognise=is_busbra,
)
