"""Writing what was found in one image: mask, overlay, probability."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from usseg_monai.errors import UsageError, did_you_mean
from usseg_monai.imaging import atomic_path, write_png

if TYPE_CHECKING:
    from usseg_monai.imaging import GreyImage, MaskArray
    from usseg_monai.inference.predictor import Prediction
    from usseg_monai.measurements.result import Measurement
    from usseg_monai.tasks import Task

__all__ = ["FOLDERS", "check_save", "no_inputs", "output_files", "volume_file", "write_outputs", "write_overlay"]

FOLDERS = {"mask": "masks", "overlay": "overlays", "probability": "probabilities", "nifti": "nifti"}
"""What can be saved, and the folder of each: a PNG for each frame, and NIfTI files of masks (`usseg_monai.inference.mask_volumes`)."""

_FULL = 65535  # probability 1 in a 16-bit PNG


def check_save(save: Collection[str]) -> None:
    """Raise `UsageError` for anything that cannot be saved.

    >>> check_save(["mask", "contour"])
    Traceback (most recent call last):
    usseg_monai.errors.UsageError: cannot save 'contour': what can be saved is mask, overlay, probability, nifti
    """
    for kind in save:
        if kind not in FOLDERS:
            raise UsageError(f"cannot save {kind!r}: what can be saved is {', '.join(FOLDERS)}{did_you_mean(kind, FOLDERS)}")


def no_inputs(folder: Path) -> list[Path]:
    """Folders whose files are results, where ``folder`` is that of a run: none of them is an input, wherever the user points.

    >>> [path.as_posix() for path in no_inputs(Path("out"))]
    ['out', 'out/masks', 'out/overlays', 'out/probabilities', 'out/nifti']
    """
    return [folder, *(folder / name for name in FOLDERS.values())]


def output_files(folder: Path, output: str, save: Collection[str]) -> dict[str, Path]:
    """Files that the results of one frame go to, by kind.

    >>> output_files(Path("out"), "a/1", ["mask"])["mask"].as_posix()
    'out/masks/a/1.png'
    """
    return {kind: folder / FOLDERS[kind] / f"{output}.png" for kind in FOLDERS if kind in save and kind != "nifti"}


def volume_file(folder: Path, output: str) -> Path:
    """NIfTI file of the masks of a file or a stack.

    >>> volume_file(Path("out"), "a/cine").as_posix()
    'out/nifti/a/cine.nii.gz'
    """
    return folder / FOLDERS["nifti"] / f"{output}.nii.gz"


def write_outputs(folder: Path, output: str, save: Collection[str], prediction: Prediction, task: Task) -> None:
    """Write the files of one frame, each whole or not at all.

    Masks are 8 bit, background 0, structure 255. Overlays are RGB: contour, fitted outlines, axes, and the numbers below. Probabilities are
    16 bit, 65535 for 1.

    Raises:
        OutputError: one cannot be written.
    """
    for kind, file in output_files(folder, output, save).items():
        if kind == "mask":
            write_png(file, (prediction.mask != 0) * np.uint8(255))
        elif kind == "overlay":
            write_overlay(file, prediction.image, prediction.mask, prediction.measurement, task)
        else:
            _write_probability(file, prediction)


def write_overlay(file: Path, image: GreyImage, mask: MaskArray, measurement: Measurement, task: Task) -> None:
    """Write an image with the contour of its mask, the fitted outlines and axes, and the numbers below it.

    Raises:
        OutputError: it cannot be written.
    """
    from usseg_monai.imaging.overlay import draw_overlay  # late: drawing, which masks do without
    from usseg_monai.inference.caption import caption, marks

    write_png(file, draw_overlay(image, mask, marks(measurement), caption=caption(task, measurement)))


def _write_probability(file: Path, prediction: Prediction) -> None:
    from PIL import Image

    levels = np.rint(prediction.probability.clip(0, 1) * _FULL).astype(np.uint16)
    with atomic_path(file) as temporary:
        Image.fromarray(levels).save(temporary, compress_level=1)
