"""Kaggle's Ultrasound Nerve Segmentation (2016), the brachial plexus in the neck: the official layout and reduced copies of it.

Data: https://www.kaggle.com/c/ultrasound-nerve-segmentation, under the competition's rules: research only, not to be redistributed. How to
get it: docs/data.md.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from usseg_monai.datasets.dataset import Case, Dataset, Source, name_remark
from usseg_monai.errors import ImageError, UsageError, quoted
from usseg_monai.files.table import check_columns, csv_rows
from usseg_monai.imaging import read_mask

__all__ = ["KAGGLE_NERVE", "SAME_PERSON", "TABLE", "is_kaggle_nerve", "read_kaggle_nerve"]

TABLE = "train_masks.csv"
"""Name of the table of run-length codes, ``subject,img,pixels``."""

SAME_PERSON: Mapping[int, int] = {18: 17}
"""Subjects that are the same person: frames of 17 and 18 are equal pixel by pixel (``17_7`` and ``18_44``), while no frames of two other
subjects correlate by more than 0.7. They share a group, so that a split cannot divide one person."""

_OFFICIAL_TRAINING_IMAGES = 5635
_OFFICIAL_TEST_IMAGES = 5508
_TRAIN, _TEST, _IMAGES, _MASKS = "train", "test", "images", "masks"
_IMAGE_NAME = re.compile(r"(\d+)_(\d+)\.(?:tiff?|png|jpe?g)")
_MASK_NAME = re.compile(r"(\d+)_(\d+)_mask\.(?:tiff?|png)")

_Key = tuple[int, int]  # subject and number of the frame


@dataclass(frozen=True)
class _Frame:
    image: Path
    mask: Path | None
    source: str


def is_kaggle_nerve(root: Path) -> bool:
    """Whether a folder holds the official layout or one with ``original/`` and ``reduced/``, whole or in part."""
    return (root / TABLE).is_file() or (root / "original" / TABLE).is_file() or (root / "reduced" / _IMAGES).is_dir()


def read_kaggle_nerve(root: Path) -> Dataset:
    """Read the frames that are known to hold a nerve or none.

    The folder has one of these layouts; any part of one is enough:

    1. the official one: ``train/1_1.tif``, ``train/1_1_mask.tif`` (black: no nerve), ``train_masks.csv``, ``test/``;
    2. ``images/1_1.jpg`` and ``masks/1_1_mask.png``, the same frames reduced in size;
    3. ``original/`` and ``reduced/``, one of each of the above. A frame that is in both is taken from ``original``.

    A group is a subject, the number before ``_`` (except `SAME_PERSON`). Masks are opened and compared with the table: a frame that only
    one of them calls empty is left out. The remarks name such frames and everything that is missing.

    Raises:
        UsageError: no folder, no frame with known truth, or a table that is not Kaggle's.
    """
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder: give the one that holds {_TRAIN}/ and {TABLE} (docs/data.md)")
    official = next((place for place in (root, root / "original") if (place / _TRAIN).is_dir() or (place / TABLE).is_file()), None)
    reduced = next((place for place in (root, root / "reduced") if (place / _IMAGES).is_dir() and (place / _MASKS).is_dir()), None)
    table = {} if official is None else _read_table(official / TABLE)
    original = {} if official is None else _frames(official / _TRAIN, official / _TRAIN, "original")
    small = {} if reduced is None else _frames(reduced / _IMAGES, reduced / _MASKS, "reduced")

    cases: list[Case] = []
    unknown: list[str] = []
    damaged: list[str] = []
    contradicted: list[str] = []
    for key in sorted(original.keys() | small.keys()):
        frame = _choose(original.get(key), small.get(key))
        told = table.get(key)  # whether the table says that there is a nerve
        if frame.mask is None:
            if told is False:
                cases.append(_case(key, frame, ()))
            else:
                unknown.append(frame.image.name)
            continue
        try:
            drawn = bool(read_mask(frame.mask).any())
        except ImageError:
            damaged.append(frame.mask.name)
            continue
        if told is not None and told != drawn:
            contradicted.append(frame.image.name)
        else:
            cases.append(_case(key, frame, frame.mask))
    if not cases:
        raise UsageError(
            f"no frame with a mask in {root}: expected {_TRAIN}/1_1.tif with {_TRAIN}/1_1_mask.tif and {TABLE}, or {_IMAGES}/ with "
            f"{_MASKS}/; found {len(original)} images in {_TRAIN}, {len(small)} in {_IMAGES}, {len(table)} rows (docs/data.md)"
        )
    remarks = [
        *(_official_remarks(official, len(original), len(table)) if official else []),
        *name_remark("images without a mask, left out", unknown),
        *name_remark("masks that cannot be read, left out", damaged),
        *name_remark(f"frames left out whose mask and {TABLE} contradict each other", contradicted),
    ]
    return Dataset(KAGGLE_NERVE.title, KAGGLE_NERVE.task, tuple(cases), tuple(remarks))


def _frames(images: Path, masks: Path, source: str) -> dict[_Key, _Frame]:
    drawn = dict(_numbered(masks, _MASK_NAME))
    return {key: _Frame(path, drawn.get(key), source) for key, path in _numbered(images, _IMAGE_NAME)}


def _numbered(folder: Path, pattern: re.Pattern[str]) -> Iterator[tuple[_Key, Path]]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        match = pattern.fullmatch(path.name)
        if match:
            yield (int(match[1]), int(match[2])), path


def _choose(original: _Frame | None, reduced: _Frame | None) -> _Frame:
    """The original of a frame; the reduced copy if there is no original, or if only the copy has a mask."""
    if original is None or (original.mask is None and reduced is not None):
        assert reduced is not None
        return reduced
    return original


def _case(key: _Key, frame: _Frame, label: Path | tuple[Path, ...]) -> Case:
    subject = SAME_PERSON.get(key[0], key[0])
    return Case(frame.image, label, str(subject), source=frame.source)


def _read_table(path: Path) -> dict[_Key, bool]:
    """Frame -> whether it has a nerve; empty if the file is absent."""
    if not path.is_file():
        return {}
    with csv_rows(path) as reader:
        return dict(_rows(reader, path))


def _rows(reader: csv.DictReader[str], path: Path) -> Iterator[tuple[_Key, bool]]:
    check_columns(reader, path, ("subject", "img", "pixels"), "Kaggle's")
    for row in reader:
        try:
            yield (int(row["subject"]), int(row["img"])), bool((row["pixels"] or "").strip())
        except (TypeError, ValueError):
            raise UsageError(
                f"{path}, line {reader.line_num}: subject {quoted(row['subject'])} and image {quoted(row['img'])} must be whole numbers"
            ) from None


def _official_remarks(root: Path, images: int, rows: int) -> list[str]:
    test = sum(1 for _ in (root / _TEST).glob("*.tif"))
    counts = (
        (f"images in {_TRAIN}", images, _OFFICIAL_TRAINING_IMAGES),
        (f"rows in {TABLE}", rows, _OFFICIAL_TRAINING_IMAGES),
        (f"images in {_TEST}", test, _OFFICIAL_TEST_IMAGES),
    )
    return [f"{found} {what}: the official release has {official}" for what, found, official in counts if found != official]


KAGGLE_NERVE = Source(
    name="kaggle_nerve",
    title="Kaggle nerve",
    task="nerve",
    content="brachial plexus",
    terms="research only, not to be redistributed",
    read=read_kaggle_nerve,
    recognise=is_kaggle_nerve,
)
