"""A folder of many images in all formats, one percent of them broken: copies of real images, or of phantoms if there are none.

    python -m benchmarks.mixed_images FOLDER --count N [--data DIR]

Copies are links, so that ten thousand images take the space of about two hundred. The names of broken files have ``broken`` in them.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.data import DATA_ROOT
from tests.imaging.samples import FORMATS, SUFFIX, as_file
from usseg_monai.imaging import read_image
from usseg_monai.tasks.fetal_head.phantom import fetal_head_phantom

__all__ = ["BROKEN", "broken_files", "is_broken", "write_images"]

PICTURES = 17
"""Number of different pictures, each in every format; prime, so that consecutive copies differ in both."""

BROKEN = 100
"""One in this many files is broken."""

_IN_A_FOLDER = 1000


def write_images(folder: Path, count: int, data: Path) -> None:
    """Write a folder of `count` images, in folders of a thousand.

    Args:
        folder: to write to, in ``images``; the distinct files are in ``distinct`` beside it.
        count: number of images, including broken ones.
        data: folder of all data sets; heads of ``hc18`` below it are used if there are any.
    """
    distinct = folder / "distinct"
    distinct.mkdir(parents=True)
    pictures = _pictures(data)
    whole: list[tuple[str, Path]] = []
    for number in range(min(count, len(pictures) * len(FORMATS))):
        kind = FORMATS[number % len(FORMATS)]
        whole.append((f"head{SUFFIX[kind]}", distinct / f"{number}{SUFFIX[kind]}"))
        whole[-1][1].write_bytes(as_file(kind, pictures[number % len(pictures)]))
    broken: list[tuple[str, Path]] = []
    for name, content in broken_files(as_file("png", pictures[0])).items():
        broken.append((name, distinct / name))
        broken[-1][1].write_bytes(content)
    for number in range(count):
        choice = broken if number % BROKEN == BROKEN // 2 else whole
        name, source = choice[(number // BROKEN if choice is broken else number) % len(choice)]
        target = folder / "images" / f"{number // _IN_A_FOLDER:03d}" / f"{number:07d}_{name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, target)


def is_broken(file: str) -> bool:
    """Whether a file was written as broken, by its name."""
    return "broken" in file


def broken_files(png: bytes) -> Mapping[str, bytes]:
    """Unreadable files by name, each broken in a different way; some are made from the given valid PNG.

    >>> all(is_broken(name) for name in broken_files(b"PNG"))
    True
    """
    # Formats with their own library come first: then few broken files load all libraries, as many do, and memory can be compared.
    return {
        "broken_header.dcm": bytes(128) + b"DICM",
        "broken_cut.nii.gz": as_file("nifti_gz", np.eye(64, dtype=np.uint8))[:-20],
        "broken_size.nrrd": b"NRRD0004\ntype: uint8\ndimension: 2\nsizes: 30000 30000\nencoding: raw\n\n",
        "broken_cut.mha": as_file("mha", np.eye(64, dtype=np.uint8))[:-100],
        "broken_cut.png": png[: len(png) // 2],
        "broken_empty.png": b"",
        "broken_bit.png": png[: len(png) // 2] + bytes([png[len(png) // 2] ^ 1]) + png[len(png) // 2 + 1 :],
        "broken_text.jpg": b"no picture\n",
        "broken_small.bmp": as_file("bmp", np.zeros((4, 4), np.uint8)),
    }


def _pictures(data: Path) -> list[npt.NDArray[np.uint8]]:
    files = islice((path for path in sorted((data / "hc18").glob("t*_set/*_HC.png"))), PICTURES)
    real = [read_image(path).pixels.astype(np.uint8) for path in files]
    return real or [np.asarray(fetal_head_phantom(seed=seed).image.pixels).clip(0, 255).astype(np.uint8) for seed in range(2)]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the folder."""
    parser = argparse.ArgumentParser(description="A folder of images in all formats, one in a hundred of them broken.")
    parser.add_argument("folder", type=Path, help="folder to write to, which is not there yet")
    parser.add_argument("--count", type=int, required=True, help="images")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of hc18/ (default: %(default)s)")
    args = parser.parse_args(argv)
    write_images(args.folder, args.count, args.data)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
