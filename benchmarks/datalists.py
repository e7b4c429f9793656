"""Write the datalists in the package, ``usseg_monai/datasets/lists/NAME.json``, from folders of the data sets:

    python -m benchmarks.datalists [--data DIR] [--check]

Each list has the images that a data set's reader finds, with their groups and sections. A group that was placed once stays where it is:
the section follows from its name. ``--check`` writes nothing and exits with 1 if a list is not what the folders give.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.data import DATA_ROOT
from usseg_monai.datasets.datalist import SECTIONS
from usseg_monai.datasets.dataset import Case, Dataset
from usseg_monai.datasets.registry import get_source
from usseg_monai.datasets.shipped import LISTS
from usseg_monai.errors import UssegError
from usseg_monai.files.write import write_text

Paths = Callable[[Case, Path], tuple[str, "str | list[str]"]]
"""A case and the folder of its data set -> paths of image and label in the official release."""


def as_they_lie(case: Case, root: Path) -> tuple[str, str | list[str]]:
    """The paths in the folder, which has the official layout."""

    def below(path: Path) -> str:
        return path.relative_to(root).as_posix()

    label = below(case.label) if isinstance(case.label, Path) else [below(file) for file in case.label]
    return below(case.image), label


def kaggle(case: Case, root: Path) -> tuple[str, str]:
    """Kaggle's paths, whatever copy the frames come from."""
    return f"train/{case.key}.tif", f"train/{case.key}_mask.tif"


def busbra(case: Case, root: Path) -> tuple[str, str]:
    """Folders with capital letters, as released."""
    return f"Images/{case.key}.png", f"Masks/{case.key.replace('bus_', 'mask_')}.png"


def flat(case: Case, root: Path) -> tuple[str, list[str]]:
    """Images and masks in one folder, as released; a normal image has no mask there."""
    masks = case.label if isinstance(case.label, tuple) and case.category != "normal" else ()
    return case.image.name, [mask.name for mask in masks]


PLACES: Mapping[str, tuple[str, Paths]] = {
    "hc18": ("hc18", as_they_lie),
    "kaggle_nerve": ("nerve", kaggle),
    "busi": ("busi", as_they_lie),
    "busbra": ("busbra", busbra),
    "breast_lesions_usg": ("breast_lesions_usg", flat),
    "sunnybrook": ("sunnybrook", as_they_lie),
}
"""Data set -> its folder below that of all data sets, and its paths."""


def text_of(name: str, data: Path) -> str:
    """The list's file: one item per line.

    Raises:
        UsageError: the data set is missing.
    """
    folder, paths = PLACES[name]
    dataset = get_source(name).read(data / folder)
    sections: dict[str, list[dict[str, Any]]] = {section: [] for section in SECTIONS.values()}
    for case in sorted(dataset.cases, key=lambda case: case.key):
        image, label = paths(case, data / folder)
        sections[SECTIONS[dataset.split_of(case)]].append({"name": case.key, "image": image, "label": label, "group": case.group})
    return _laid_out(dataset, sections)


def _laid_out(dataset: Dataset, sections: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    parts = [f' "name": {json.dumps(dataset.name)}', f' "task": {json.dumps(dataset.task)}']
    for section, items in sections.items():
        lines = ",\n".join(f"  {json.dumps(item, ensure_ascii=False)}" for item in items)
        parts.append(f' "{section}": [\n{lines}\n ]')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check; 1 if a list differs, 2 without data."""
    parser = argparse.ArgumentParser(description="Write the datalists of the benchmark.")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of all data sets (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    args = parser.parse_args(argv)
    try:
        texts = {LISTS / f"{name}.json": text_of(name, args.data) for name in PLACES}
    except UssegError as error:
        print(f"datalists: {error}", file=sys.stderr)
        return 2
    differing = [file.name for file, text in texts.items() if not file.is_file() or file.read_text(encoding="utf-8") != text]
    for file, text in () if args.check else texts.items():
        write_text(file, text)
    for name in differing:
        print(f"datalists: {name} {'differs' if args.check else 'written'}")
    return int(args.check and bool(differing))


if __name__ == "__main__":
    raise SystemExit(main())
