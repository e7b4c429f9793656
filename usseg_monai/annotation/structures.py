"""A prediction as the objects that an annotator sees: one per structure, each with its own numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from usseg_monai.files.table import Value
from usseg_monai.geometry.runs import Runs, find_runs, label_runs
from usseg_monai.predict.prediction import Prediction
from usseg_monai.tasks.record import Column, Task

__all__ = ["Structure", "image_columns", "known_texts", "predicted_class", "structure_columns", "structures"]


@dataclass(frozen=True, eq=False)
class Structure:
    """One object of a picture.

    Attributes:
        mask: bool ``(rows, cols)``, of the image's size.
        values: its numbers by column (`structure_columns`); empty if it was not measured.
    """

    mask: npt.NDArray[np.bool_]
    values: Mapping[str, Value]


def structures(prediction: Prediction) -> list[Structure]:
    """The structures of a picture: together they are its mask, pixel by pixel, and no two share a pixel.

    A task that measures one structure gives its whole mask as one object. A task with several gives one object per measured piece, in the
    order of their table, and one more without numbers for the pieces that were left out as specks. An empty mask gives no object.

    >>> from usseg_monai.imaging import GreyImage
    >>> from usseg_monai.tasks import get_task
    >>> mask = np.zeros((40, 60), np.uint8)
    >>> mask[10:30, 20:45] = 1
    >>> image, task = GreyImage(mask * np.float32(200)), get_task("nerve")
    >>> [found.values["area_px"] for found in structures(Prediction(image, mask, mask * np.float32(1), task.measure(mask, None), task))]
    [500]
    """
    runs = find_runs(prediction.mask)
    if len(runs.row) == 0:
        return []
    if not prediction.task.part_name:
        return [Structure(prediction.mask != 0, prediction.measurement.values)]
    labels = label_runs(runs)
    order = np.argsort(-np.bincount(labels, weights=runs.lengths), kind="stable")  # largest first, as the parts are
    parts = prediction.measurement.parts
    found = [Structure(_paint(runs.select(labels == label)), part) for label, part in zip(order, parts, strict=False)]
    specks = np.isin(labels, order[len(parts) :])
    return [*found, Structure(_paint(runs.select(specks)), {})] if specks.any() else found


def predicted_class(prediction: Prediction) -> str | None:
    """The most probable class; ``None`` for tasks that do not classify."""
    values = prediction.measurements
    known = {name: value for name in prediction.task.classes if isinstance(value := values[f"{name}_probability"], float)}
    return max(known, key=lambda name: known[name]) if known else None


def structure_columns(task: Task) -> Sequence[Column]:
    """The columns of one structure."""
    return task.part_columns if task.part_name else task.columns


def image_columns(task: Task) -> Sequence[Column]:
    """The columns of the picture as a whole.

    >>> from usseg_monai.tasks import get_task
    >>> [column.name for column in image_columns(get_task("breast"))][3:]
    ['predicted_class', 'lesion_count', 'total_area_mm2', 'total_area_px']
    """
    return [column for column in task.columns if column not in task.part_columns]


def known_texts(columns: Sequence[Column], values: Mapping[str, Value]) -> dict[str, str]:
    """The known values as text, by column, numbers to six digits; unknown values are left out.

    >>> known_texts([Column("area_mm2", ""), Column("area_px", "")], {"area_mm2": None, "area_px": 1234.5678})
    {'area_px': '1234.57'}
    """
    known = {column.name: values.get(column.name) for column in columns}
    return {name: f"{value:.6g}" if isinstance(value, float) else str(value) for name, value in known.items() if value is not None}


def _paint(runs: Runs) -> npt.NDArray[np.bool_]:
    rows, cols = runs.shape
    steps = np.zeros((rows, cols + 1), np.int8)  # one more column for a run that ends with its row
    steps[runs.row, runs.start] = 1
    steps[runs.row, runs.stop] = -1
    inside: npt.NDArray[np.bool_] = np.cumsum(steps, axis=1, dtype=np.int8)[:, :cols] != 0
    return inside
