"""The answer to an inference: the mask as a file that the viewer can read, and the numbers as JSON."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import UsageError
from usseg_monai.files.png import encode_png
from usseg_monai.files.write import atomic_path
from usseg_monai.geometry.boundary import boundaries
from usseg_monai.geometry.types import MaskArray
from usseg_monai.imaging import GreyImage
from usseg_monai.imaging.formats.nifti import read_grid
from usseg_monai.imaging.formats.nifti_mask import MaskGrid, write_nifti_mask
from usseg_monai.predict.prediction import Prediction
from usseg_monai.tasks import UNITS

__all__ = ["EXTENSIONS", "answer", "label_names", "write_mask"]

EXTENSIONS = (".nrrd", ".nii.gz", ".png")
"""Forms of a mask in an answer. The values are those of `label_names`."""

_LPS = np.diag([-1.0, -1.0, 1.0])  # from right, anterior, superior


def label_names(prediction: Prediction) -> dict[str, int]:
    """Names of the mask's values, without the background."""
    return {name: value for value, name in enumerate(prediction.task.labels) if value}


def answer(prediction: Prediction) -> dict[str, Any]:
    """All that is known about an image, as JSON types.

    ``contours`` are polygons along the edges of the mask in ``[x, y]``, the centre of the first pixel at (0, 0), ``hole`` for inner ones.
    ``annotations`` holds the outer ones in the form that MONAI Label's CVAT detector reads, the corner of the first pixel at (0, 0).
    """
    task, found = prediction.task, prediction.to_dict()
    names = label_names(prediction)
    contours = [(line[:, ::-1], _is_hole(line)) for line in boundaries(prediction.mask)]
    outer = [(line + 0.5).tolist() for line, hole in contours if not hole]
    label = task.labels[1]
    probabilities = {name: found["measurements"][name] for name in task.outputs if name in found["measurements"]}
    found |= {
        "model": task.name,
        "label_names": names,
        "units": {column.name: unit for column in (*task.columns, *task.part_columns) if (unit := _unit(column.name))},
        "class_probabilities": {name: probabilities.get(f"{name}_probability") for name in task.classes},
        "presence": _presence(prediction, probabilities),
        "contours": [{"label": label, "points": line.tolist(), "hole": hole} for line, hole in contours],
        "annotations": [{"annotation": {"elements": [{"label": label, "contours": outer}] if outer else []}}],
    }
    del found["task"]
    return found


def _presence(prediction: Prediction, probabilities: dict[str, Any]) -> dict[str, Any]:
    """Whether the structure is there, and the network's probability of it where it has one."""
    classes = prediction.task.classes
    if classes:  # the first class is that of images without a structure
        absent = probabilities.get(f"{classes[0]}_probability")
        probability = None if absent is None else 1 - absent
    else:
        probability = next(iter(probabilities.values()), None)
    return {"found": bool(prediction.mask.any()), "probability": probability}


def _unit(column: str) -> str:
    return UNITS.get(column.rpartition("_")[2], "")


def _is_hole(line: npt.NDArray[np.float64]) -> bool:
    """Whether a polygon ``(row, col)`` with the structure at its right surrounds a hole: it runs counter-clockwise as seen."""
    row, col = line.T
    return float(np.dot(col, np.roll(row, -1)) - np.dot(row, np.roll(col, -1))) < 0


def write_mask(mask: MaskArray, image: GreyImage, file: Path) -> None:
    """Write a mask in the form that the file's name ends with, one of `EXTENSIONS`; structures keep their values.

    NRRD and NIfTI have three dimensions, ``(cols, rows, 1)``, and lie where viewers place the image's file: in the patient where it says
    so, else with its pixel size, or 1 mm, at the origin.

    Args:
        mask: ``(rows, cols)`` of the image.
        image: as read from its file.
        file: to write.

    Raises:
        UsageError: another ending.
        OutputError: it cannot be written.
    """
    if file.name.endswith(".png"):
        data = encode_png(mask)
    elif file.name.endswith(".nrrd"):
        data = _nrrd(mask, _affine(image))
    elif file.name.endswith(".nii.gz"):
        write_nifti_mask(file, _grid(image), [mask])
        return
    else:
        raise UsageError(f"{file.name}: a mask ends with {', '.join(EXTENSIONS)}")
    with atomic_path(file) as temporary:
        temporary.write_bytes(data)


def _grid(image: GreyImage) -> MaskGrid:
    rows, cols = image.pixels.shape
    return MaskGrid((rows, cols), spacing_mm=image.spacing_mm, first=image.place, last=image.place)


def _affine(image: GreyImage) -> npt.NDArray[np.float64]:
    """From ``(col, row, slice)`` to right, anterior, superior in mm."""
    known = read_grid(image.source.path) if image.source.format == "nifti" else None
    if known is not None and (known.axes.col, known.axes.row) == (0, 1) and len(known.size) in (2, 3):
        import nibabel

        affine: npt.NDArray[np.float64] = nibabel.load(image.source.path).affine.copy()
        affine[:3, 3] += image.source.frame * affine[:3, 2]
        return affine
    return _grid(image).affine()


def _nrrd(mask: MaskArray, affine: npt.NDArray[np.float64]) -> bytes:
    """An NRRD file, https://teem.sourceforge.net/nrrd/format.html, of three dimensions: viewers take no other number."""
    rows, cols = mask.shape
    directions = " ".join(_vector(_LPS @ affine[:3, axis]) for axis in range(3))
    header = (
        "NRRD0005",
        "type: uint8",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {cols} {rows} 1",
        f"space directions: {directions}",
        "kinds: domain domain domain",
        "encoding: gzip",
        f"space origin: {_vector(_LPS @ affine[:3, 3])}",
    )
    return "\n".join(header).encode() + b"\n\n" + gzip.compress(mask.tobytes(), 3, mtime=0)


def _vector(numbers: npt.NDArray[np.float64]) -> str:
    return "(" + ",".join(f"{number + 0.0:.17g}" for number in numbers) + ")"
