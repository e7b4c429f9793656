"""What an annotator sends, whatever the viewer: read as masks on the grid of the image, with their task and class, or refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError, UsageError, quoted
from usseg_monai.geometry.types import GreyArray, MaskArray
from usseg_monai.imaging import GreyImage, read_frames, read_image
from usseg_monai.label_app.params import Values
from usseg_monai.tasks import Task

__all__ = ["FORMATS", "SentLabel", "read_label"]

FORMATS = ("png", "nifti", "nrrd")
"""Formats of labels: none of them changes a value."""

_STRUCTURE = (1, 255)
"""Values that mean the task's structure where the sender names none."""


@dataclass(frozen=True, eq=False)
class SentLabel:
    """A label that was read.

    Attributes:
        task: name of the task.
        category: class of the image, one of the task's; ``None`` where not stated or not applicable.
        masks: uint8 ``(rows, cols)`` of the image, 0 and 1, by frame.
    """

    task: str
    category: str | None
    masks: Mapping[int, MaskArray]


@dataclass(frozen=True)
class _Meaning:
    """What a value of a label map means."""

    task: str
    category: str | None = None


def read_label(content: bytes, params: Mapping[str, Any], image: Path, tasks: Sequence[Task]) -> SentLabel:
    """Read a label.

    The task is the one of ``params["model"]``, else that of the names in ``params["label_info"]`` (3D Slicer:
    ``[{"name": "lesion", "idx": 1}, ...]``) whose values the label holds. Without names the structure has the value 1 or 255.
    The class of the image is ``params["class"]``, or the name of the segment (``benign`` in place of ``lesion``); an image of a task with
    classes and without structure is of the first one.

    Args:
        content: of a PNG, NIfTI or NRRD file, one frame, or as many as the image has.
        params: of the request.
        image: file of the image.
        tasks: that the server offers.

    Raises:
        UsageError: size, type, a value or a name does not fit; the message says what and why.
        ImageError: the label cannot be read at all.
    """
    values = Values(params)
    frame, named = values.whole("frame", 0, 0), values.word("model", ["", *(task.name for task in tasks)])
    given = _frames(content)
    count = _check_size(given, image, frame)
    names = _names(params.get("label_info") or params.get("label_names"))
    meanings = _meanings(names, tasks, named)
    found = sorted({value for pixels in given for value in np.unique(pixels).tolist()} - {0})
    task = _task_of(found, meanings, names, tasks, named)
    masks = {number: _mask(pixels, found) for number, pixels in enumerate(given)}
    if len(given) == 1:
        masks = {frame: masks[0]}
    elif count > 1 and found:
        masks = {number: mask for number, mask in masks.items() if mask.any()}
    category = _category(task, values, {meanings[value].category for value in found if value in meanings}, bool(found))
    return SentLabel(task.name, category, masks)


def _frames(content: bytes) -> list[npt.NDArray[np.int64]]:
    """The label's frames as whole numbers."""
    try:
        images = list(read_frames(content))
    except ImageError as error:
        raise ImageError(f"the label cannot be read: {error.reason}; send a PNG, NIfTI or NRRD file") from error
    kind = images[0].source.format
    if kind not in FORMATS:
        raise UsageError(f"the label is a {kind} file: send PNG, NIfTI or NRRD, which change no value")
    return [_whole(image.pixels) for image in images]


def _whole(pixels: GreyArray) -> npt.NDArray[np.int64]:
    whole = np.rint(pixels).astype(np.int64)
    if not np.array_equal(whole, pixels) or whole.min() < 0:
        raise UsageError("the label holds values that are not whole numbers from 0 on: send a label map, not a picture or a probability")
    return whole


def _check_size(given: Sequence[npt.NDArray[np.int64]], image: Path, frame: int) -> int:
    """Number of the image's frames, after checking that the label has its size."""
    found: GreyImage = read_image(image, frame=frame)
    rows, cols, count = *found.pixels.shape, found.source.frames
    for pixels in given:
        if pixels.shape != (rows, cols):
            raise UsageError(
                f"the label has {pixels.shape[0]} rows x {pixels.shape[1]} columns, its image {rows} x {cols}: a label has its image's size"
            )
    if len(given) not in (1, count):
        raise UsageError(f"the label has {len(given)} slices, its image {count}: send one slice (with 'frame'), or one for each frame")
    return count


def _names(stated: Any) -> dict[int, str]:
    """Names of values, from 3D Slicer's list of segments or from a mapping of names to values."""
    if not stated:
        return {}
    try:
        if isinstance(stated, Mapping):
            return {int(value): str(name) for name, value in stated.items()}
        return {int(segment.get("idx", number)): str(segment["name"]) for number, segment in enumerate(stated, 1)}
    except (TypeError, ValueError, KeyError, AttributeError):
        raise UsageError(f'label_info {quoted(stated)}: it must be a list such as [{{"name": "lesion", "idx": 1}}]') from None


def _meanings(names: Mapping[int, str], tasks: Sequence[Task], named: str) -> dict[int, _Meaning]:
    """Meaning of each value whose name is a structure or a class of a task."""
    known: dict[str, _Meaning] = {}
    for task in tasks:
        if named in ("", task.name):
            for category in task.classes:
                known.setdefault(category.lower(), _Meaning(task.name, category))
            for label in task.labels[1:]:
                known[label.lower()] = _Meaning(task.name)
    return {value: known[name.strip().lower()] for value, name in names.items() if name.strip().lower() in known}


def _task_of(found: Sequence[int], meanings: Mapping[int, _Meaning], names: Mapping[int, str], tasks: Sequence[Task], named: str) -> Task:
    unknown = [value for value in found if value not in meanings and (names or value not in _STRUCTURE)]
    if unknown or (not names and len(found) > 1):
        shown = ", ".join(f"{value} ({names[value]})" if value in names else str(value) for value in (unknown or found)[:8])
        offered = ", ".join(label for task in tasks for label in task.labels[1:])
        raise UsageError(
            f"the label holds {shown}: name its values by label_info, with the names {offered}; or send one structure as 1 or 255, "
            "0 elsewhere"
        )
    of_values = {meanings[value].task for value in found if value in meanings}
    if not of_values and not found:
        of_values = {meaning.task for meaning in meanings.values()}
    candidates = {named} if named else of_values if names else {task.name for task in tasks} if len(tasks) == 1 else set()
    if len(candidates) != 1:
        why = f"holds structures of {' and '.join(sorted(candidates))}" if candidates else "does not say its task"
        raise UsageError(f'the label {why}: give "model" in params, one of {", ".join(task.name for task in tasks)}')
    return next(task for task in tasks if task.name in candidates)


def _mask(pixels: npt.NDArray[np.int64], found: Sequence[int]) -> MaskArray:
    return np.isin(pixels, found).astype(np.uint8)


def _category(task: Task, values: Values, drawn: set[str | None], structure: bool) -> str | None:
    stated = values.word("class", ["", *task.classes]) if task.classes else values.word("class", [""])
    categories = ({stated} if stated else set()) | (drawn - {None})
    if len(categories) > 1:
        raise UsageError(f"the label says the classes {' and '.join(sorted(map(str, categories)))}: an image has one")
    category = next(iter(categories), None)
    if not task.classes:
        return None
    without = task.classes[0]  # by convention the class of images without a structure
    if structure and category == without:
        raise UsageError(f"the label has a {task.labels[1]} and the class {without}: remove the one or change the other")
    if not structure and category not in (None, without):
        raise UsageError(f"the label is empty, its class {category}: without a {task.labels[1]} an image is {without}")
    return category if structure else without
