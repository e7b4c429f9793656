"""HC18, fetal heads in ultrasound: the official folder layout and its annotations.

van den Heuvel et al., "Automated measurement of fetal head circumference using 2D ultrasound images", PLoS ONE 13(8), 2018,
doi 10.1371/journal.pone.0200412. Data: https://zenodo.org/records/1327317, CC BY 4.0. How to get it: docs/data.md.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.data.splits import Split, split_of
from usseg_monai.errors import ImageError, UsageError
from usseg_monai.imaging.image import MaskArray

__all__ = ["OFFICIAL_TEST_IMAGES", "OFFICIAL_TRAINING_IMAGES", "TASK", "Hc18Case", "Hc18Layout", "fill_outline", "is_hc18", "read_hc18"]

TASK = "fetal_head"
OFFICIAL_TRAINING_IMAGES = 999
OFFICIAL_TEST_IMAGES = 335

_TRAINING_FOLDER, _TEST_FOLDER = "training_set", "test_set"
_TRAINING_CSV, _TEST_CSV = "training_set_pixel_size_and_HC.csv", "test_set_pixel_size.csv"
_FILE, _SPACING, _CIRCUMFERENCE = "filename", "pixel size(mm)", "head circumference (mm)"
_IMAGE_NAME = re.compile(r"(?P<exam>\d{3})_\d*HC\.png")
_ANNOTATION_NAME = re.compile(r"\d{3}_\d*HC_Annotation\.png")


@dataclass(frozen=True)
class Hc18Case:
    """One annotated image.

    Attributes:
        image: the picture, mostly 540 rows x 800 columns, 8-bit grey.
        outline: the annotation, an ellipse drawn in 255 on 0 (see `fill_outline`).
        group: the exam, that is the number before ``_``: several pictures of one exam show one head.
        pixel_size_mm: edge of a square pixel.
        head_circumference_mm: as given with the data.
        split: part that the exam belongs to.
    """

    image: Path
    outline: Path
    group: str
    pixel_size_mm: float
    head_circumference_mm: float
    split: Split


@dataclass(frozen=True)
class Hc18Layout:
    """What a folder in HC18's layout holds.

    Attributes:
        cases: annotated images that have a row in the table, by name.
        test_images: pictures of ``test_set``, for which no annotations were published.
        remarks: one line for everything that is missing or unexpected against the official release.
    """

    cases: tuple[Hc18Case, ...]
    test_images: tuple[Path, ...]
    remarks: tuple[str, ...]


def fill_outline(outline: npt.NDArray[Any]) -> MaskArray:
    """Fill a drawn outline; the outline itself belongs to the structure.

    The outline may leave the picture: the border then closes it. A mask that is filled already comes back as it is, without
    its holes, and an empty one stays empty.

    Args:
        outline: 2-D, nonzero on the outline or in the structure, either axis order.

    Returns:
        uint8 of the same shape, 0 and 1.

    Raises:
        ImageError: not 2-D, or a curve that encloses nothing.

    >>> ring = np.zeros((7, 8), np.uint8)
    >>> ring[1:6, 2:7] = 255
    >>> ring[2:5, 3:6] = 0
    >>> int(fill_outline(ring).sum())
    25
    """
    from scipy import ndimage

    drawn = np.asarray(outline) != 0
    if drawn.ndim != 2:
        raise ImageError(f"an outline has shape {drawn.shape}: it must be 2-D, (rows, cols)")
    mask = drawn.astype(np.uint8)
    if not drawn.any():
        return mask

    # Only the box around the drawing can hold its inside. One background pixel around it, where the picture has one, joins all
    # that lies outside; what reaches that margin is outside.
    points = np.argwhere(drawn)
    low, high = points.min(axis=0), points.max(axis=0)
    start, stop = np.maximum(low - 1, 0), np.minimum(high + 2, drawn.shape)
    box = (slice(start[0], stop[0]), slice(start[1], stop[1]))
    background, _ = ndimage.label(~drawn[box])
    at_edge = {
        (axis, end): set(np.unique(np.take(background, end, axis=axis)).tolist()) - {0} for axis in (0, 1) for end in (0, -1)
    }
    beyond = {(0, 0): low[0] > 0, (1, 0): low[1] > 0, (0, -1): high[0] + 1 < drawn.shape[0], (1, -1): high[1] + 1 < drawn.shape[1]}
    outside = set().union(*(labels for edge, labels in at_edge.items() if beyond[edge]))
    at_border = set().union(*(labels for edge, labels in at_edge.items() if not beyond[edge]))

    # Where the border cuts the outline, two kinds of background meet the border without meeting the margin: the inside, and
    # corners of the picture that the outline cuts off. The middle of the drawing tells them apart, as the shapes are convex.
    center = tuple(np.floor(points.mean(axis=0)).astype(int) - start)
    middle = int(background[center])
    if middle in outside:
        raise ImageError(
            f"an annotation encloses nothing around its middle (row {center[0] + start[0]}, col {center[1] + start[1]}): "
            "it must be a filled structure or a closed outline"
        )
    corners = at_border - outside - {middle}
    inside = ~np.isin(background, list({0} | outside | corners))
    mask[box] |= inside.astype(np.uint8)
    return mask


def is_hc18(root: Path) -> bool:
    """Whether a folder has HC18's official layout, whole or in part."""
    return (root / _TRAINING_CSV).is_file() or (root / _TEST_CSV).is_file()


def read_hc18(root: Path) -> Hc18Layout:
    """Read a folder that holds HC18 as it was released: two folders of pictures and two tables.

    No picture is opened. A part of the release is enough; what is missing stands in the remarks.

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

    cases: list[Hc18Case] = []
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
            group = name.partition("_")[0]
            cases.append(Hc18Case(folder / name, folder / outline, group, spacing, circumference, split_of(TASK, group)))
    if not cases:
        raise UsageError(
            f"no annotated HC18 image in {root}: expected {_TRAINING_FOLDER}/000_HC.png with 000_HC_Annotation.png and a row in "
            f"{_TRAINING_CSV}; found {len(images)} images, {len(annotations)} annotations, {len(table)} rows (docs/data.md)"
        )

    test_folder = root / _TEST_FOLDER
    test_names = sorted(path.name for path in test_folder.iterdir()) if test_folder.is_dir() else []
    test_images = tuple(test_folder / name for name in test_names if _IMAGE_NAME.fullmatch(name))
    orphans = sorted(annotations - {f"{name.removesuffix('.png')}_Annotation.png" for name in images})
    unexpected = [name for name in names if name not in annotations and not _IMAGE_NAME.fullmatch(name)]
    unexpected_test = [name for name in test_names if not _IMAGE_NAME.fullmatch(name)]
    remarks = [
        *_count_remark(f"images in {_TRAINING_FOLDER}", len(images), OFFICIAL_TRAINING_IMAGES),
        *_count_remark(f"annotations in {_TRAINING_FOLDER}", len(annotations), OFFICIAL_TRAINING_IMAGES),
        *_count_remark(f"rows in {_TRAINING_CSV}", len(table), OFFICIAL_TRAINING_IMAGES),
        *_count_remark(f"images in {_TEST_FOLDER}", len(test_images), OFFICIAL_TEST_IMAGES),
        *_names_remark("images without an annotation, left out", without_outline),
        *_names_remark(f"images without a row in {_TRAINING_CSV}, left out", without_row),
        *_names_remark("annotations without an image", orphans),
        *_names_remark(f"rows of {_TRAINING_CSV} without an image", sorted(set(table) - set(images))),
        *_names_remark(f"unexpected files in {_TRAINING_FOLDER}", unexpected),
        *_names_remark(f"unexpected files in {_TEST_FOLDER}", unexpected_test),
    ]
    return Hc18Layout(tuple(cases), test_images, tuple(remarks))


def _read_table(path: Path) -> dict[str, tuple[float, float]]:
    """File name -> (pixel size in mm, head circumference in mm); empty where the file is absent."""
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            return dict(_rows(csv.DictReader(stream), path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read as a table: {error}") from error


def _rows(reader: csv.DictReader[str], path: Path) -> Iterator[tuple[str, tuple[float, float]]]:
    wanted = [_FILE, _SPACING, _CIRCUMFERENCE]
    if not set(wanted) <= set(reader.fieldnames or ()):
        raise UsageError(f"{path} has the columns {reader.fieldnames}: HC18's table has {wanted}")
    for row in reader:
        try:
            values = float(row[_SPACING]), float(row[_CIRCUMFERENCE])
        except (TypeError, ValueError):
            values = (float("nan"), float("nan"))
        if not all(np.isfinite(value) and value > 0 for value in values):
            raise UsageError(
                f"{path}, line {reader.line_num}: pixel size {row[_SPACING]!r} and circumference {row[_CIRCUMFERENCE]!r} "
                "must be positive numbers of millimetres"
            )
        yield row[_FILE], values


def _count_remark(what: str, found: int, official: int) -> list[str]:
    return [] if found == official else [f"{found} {what}: the official release has {official}"]


def _names_remark(what: str, names: list[str], show: int = 5) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - show} more" if len(names) > show else ""
    return [f"{len(names)} {what}: {', '.join(names[:show])}{more}"]
