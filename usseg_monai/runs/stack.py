"""Predicts one stack of slices from Python: volumes and an ejection fraction, without writing files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError, UsageError
from usseg_monai.files.table import Value
from usseg_monai.geometry.spacing import check_spacing
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging import GreyImage, Place, read_frames
from usseg_monai.imaging.scale import GivenSpacing
from usseg_monai.inputs.find import find_inputs
from usseg_monai.inputs.naming import is_image, part_masks
from usseg_monai.predict.predictor import Predictor, as_image
from usseg_monai.runs.options import available_cores
from usseg_monai.runs.table import result_row
from usseg_monai.runs.work import check_modality
from usseg_monai.tasks import TASKS, Task
from usseg_monai.tasks.record import load
from usseg_monai.tasks.study import Study, StudyFrame

__all__ = ["StackSource", "predict_stack"]

StackSource: TypeAlias = (
    "str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | npt.NDArray[Any] | Sequence[npt.NDArray[Any] | Sequence[npt.NDArray[Any]]]"
)
"""Accepted forms of a stack: one or several files or folders, an array, or a list of slices."""

_ACROSS, _ALONG = (0.0, 0.0, 1.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def predict_stack(
    task: str | Predictor,
    stack: StackSource,
    *,
    spacing_mm: float | Spacing | None = None,
    slice_distance_mm: float | None = None,
) -> dict[str, Value]:
    """Find a task's structure in all slices and phases of one stack, and compute the study's results. Nothing is written.

    Args:
        task: name of a task that has studies, or a `Predictor` for it.
        stack: one or several files or folders whose headers state the slice positions (DICOM, NIfTI, NRRD, MHA); or grey values: an array
            ``(slices, phases, rows, cols)``, or a list of slices, each an array ``(phases, rows, cols)`` or a list of ``(rows, cols)``.
            Slices and phases must be in order.
        spacing_mm: pixel spacing within a slice, if the files do not state it; see `Predictor.predict`.
        slice_distance_mm: distance between neighbouring slices, for arrays only; files state it themselves.

    Returns:
        The columns of the task's studies table, such as ``ejection_fraction_percent``; ``None`` for unknown values, with the reason in
        ``message``.

    Raises:
        UsageError: the task has no studies, or a distance is missing, not positive, or given for files.
        ImageError: an image cannot be used, or the images do not form one stack.

    >>> cine = np.zeros((10, 25, 256, 256))  # ten slices, 25 phases
    >>> found = predict_stack("left_ventricle", cine, spacing_mm=1.4, slice_distance_mm=8)  # doctest: +SKIP
    >>> found["ejection_fraction_percent"]  # doctest: +SKIP
    58.3
    """
    predictor = task if isinstance(task, Predictor) else Predictor(task, threads=available_cores())
    if not predictor.task.study:
        others = ", ".join(name for name, known in TASKS.items() if known.study)
        raise UsageError(f"{predictor.task.name} has no studies: give one of {others}")
    given = GivenSpacing.of(spacing_mm)
    if isinstance(stack, np.ndarray) or _is_list_of_slices(stack):
        images = _slices(stack, slice_distance_mm)
    elif slice_distance_mm is not None:
        raise UsageError(f"slice_distance_mm {slice_distance_mm}: files state the places of their slices; leave it out")
    else:
        images = _files(stack, predictor.task)
    frames = [_measure(predictor, name, image, given) for name, image in images]
    study: Study = load(predictor.task.study)
    rows = study.sum_up(predictor.task, None, frames)
    if len(rows) != 1:
        raise ImageError(f"{len(rows)} stacks, not one: give the files of one of {', '.join(str(row['study']) for row in rows[:4])}")
    return {name: value for name, value in rows[0].items() if name != "study"}


def _is_list_of_slices(stack: Any) -> bool:
    return isinstance(stack, (list, tuple)) and bool(stack) and isinstance(stack[0], (np.ndarray, list, tuple))


def _slices(stack: Any, distance_mm: float | None) -> Iterator[tuple[str, GreyImage]]:
    """The images of an array with their places in the stack, each with its name for messages."""
    if distance_mm is None:
        raise UsageError("slice_distance_mm is missing: arrays do not state how far apart the slices lie")
    distance, _ = check_spacing(distance_mm)
    for number, phases in enumerate(stack):
        for phase, pixels in enumerate(phases):
            position = (0.0, 0.0, number * distance)
            place = Place(series="array", position_mm=position, normal=_ACROSS, orientation=_ALONG, number=phase, temporal_index=phase)
            name = f"slice {number}, phase {phase}"
            if np.ndim(pixels) != 2:
                raise ImageError(f"{name}: an array of {np.ndim(pixels)} axes; give (slices, phases, rows, cols)")
            yield name, replace(as_image(pixels), place=place)


def _files(stack: Any, task: Task) -> Iterator[tuple[str, GreyImage]]:
    """The images of the files, in order."""
    named = [stack] if isinstance(stack, (str, os.PathLike)) else list(stack)
    for item in filter(is_image, part_masks(find_inputs([Path(name) for name in named]))[0]):
        if item.refusal:
            raise ImageError(f"{item.file}: {item.refusal}")
        for image in read_frames(item.path):
            if image.place is None:
                raise ImageError(f"{item.file}: {image.source.format} does not state where a slice lies; give DICOM, NIfTI, or arrays")
            check_modality(task, image)
            yield item.file, image


def _measure(predictor: Predictor, name: str, image: GreyImage, given: GivenSpacing) -> StudyFrame:
    found = predictor.predict(image, spacing_mm=given)
    row = result_row(predictor.task, name, image.source.frame, found.image.spacing_mm, found.measurement)
    assert image.place is not None  # see `_slices` and `_files`
    return StudyFrame(image.source.path, row, image.place, (found.mask.shape[0], found.mask.shape[1]))
