"""Write a small copy of the images that teach a task, for a training on another machine:

    python -m benchmarks.small_copy TASK -o FOLDER [--data DIR]

Images with more pixels than the network's grid are reduced to it, as the first steps of ``configs/train.json`` do; then these steps have
nothing left to do. Images are stored as JPEG of quality 95, masks as PNG: 7 to 48 MB a task. ``FOLDER/datalist.json`` lists the training
and validation parts with their groups, classes and sources. The copy is for training; accuracy is measured on the images themselves.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged
from PIL import Image

from benchmarks.data import DATA_ROOT
from benchmarks.tasks import BENCHMARKED
from usseg_monai.data.image_reader import UssegReader
from usseg_monai.datasets.datalist import SECTIONS, load_datalist
from usseg_monai.errors import UssegError
from usseg_monai.files.png import write_png
from usseg_monai.files.write import write_text
from usseg_monai.tasks import TASKS, config_file
from usseg_monai.transforms.annotation import LoadAnnotationd
from usseg_monai.transforms.resize import AntialiasedResized

_QUALITY = 95  # of JPEG: all masks and images of the largest data set, breasts, then take less than 50 MB

_load = Compose([LoadImaged("image", reader=UssegReader), EnsureChannelFirstd("image"), LoadAnnotationd("label")])


def grid_of(task: str) -> tuple[int, int]:
    """Columns and rows of the grid on which a task's network is trained.

    >>> grid_of("fetal_head")
    (384, 256)
    """
    columns, rows = json.loads(config_file(task, "train").read_text(encoding="utf-8"))["image_size"]
    return columns, rows


def copy_item(item: Mapping[str, Any], grid: tuple[int, int], folder: Path, name: str) -> dict[str, Any]:
    """Write image and mask of an item of a datalist as ``images/NAME.jpg`` and ``masks/NAME.png``.

    Args:
        item: with absolute paths.
        grid: columns and rows; an image with more pixels is reduced to it.
        folder: of the copy, with the folders ``images`` and ``masks``.
        name: of the files.

    Returns:
        The item of the copy, with paths relative to ``folder`` and, where the pixel size is known, that of the copy.

    Raises:
        ImageError: image or annotation cannot be read.
    """
    loaded = _load(dict(item))
    columns, rows = loaded["image"].shape[1:]
    if columns * rows > grid[0] * grid[1]:
        loaded = AntialiasedResized(["image", "label"], grid)(loaded)
    image, mask = (torch.as_tensor(loaded[key])[0].numpy().T for key in ("image", "label"))  # rows first, as files have them
    image = image * min(1.0, 255 / max(image.max(), 1))  # the networks see standardised images: a factor does not matter
    copied = {**item, "image": f"images/{name}.jpg", "label": []}
    Image.fromarray(np.rint(image).clip(0, 255).astype(np.uint8)).save(folder / copied["image"], quality=_QUALITY)
    inside = mask > 0.5
    if inside.any():
        copied["label"] = f"masks/{name}.png"
        write_png(folder / copied["label"], np.uint8(255) * inside)
    if "spacing_mm" in item:
        row, col = item["spacing_mm"]
        copied["spacing_mm"] = [row * rows / image.shape[0], col * columns / image.shape[1]]
    return copied


def main(argv: Sequence[str] | None = None) -> int:
    """Write the copy; returns 2 if data are missing or the folder cannot be written."""
    parser = argparse.ArgumentParser(description="Write a small copy of the images that teach a task, for a training elsewhere.")
    parser.add_argument("task", choices=tuple(TASKS))
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the copy")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of all data sets (default: %(default)s)")
    args = parser.parse_args(argv)
    datalist: dict[str, list[dict[str, Any]]] = {SECTIONS["test"]: []}
    grid = grid_of(args.task)
    try:
        for kind in ("images", "masks"):
            (args.output / kind).mkdir(parents=True, exist_ok=True)
        for section in (SECTIONS["train"], SECTIONS["validation"]):
            items = load_datalist(args.data / BENCHMARKED[args.task].data, section)
            datalist[section] = [copy_item(item, grid, args.output, f"{section}_{number:05}") for number, item in enumerate(items)]
        write_text(args.output / "datalist.json", json.dumps(datalist))
    except (OSError, UssegError) as error:
        print(f"small_copy: {error}", file=sys.stderr)
        return 2
    size = sum(file.stat().st_size for file in args.output.rglob("*") if file.is_file())
    print(f"{sum(map(len, datalist.values()))} images, {size / 1e6:.1f} MB: {args.output / 'datalist.json'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
