"""The calls of the page: functions of a message alone, run in threads."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from usseg_monai.errors import ImageError, UsageError, printable, quoted
from usseg_monai.geometry.types import MaskArray, Spacing
from usseg_monai.imaging import GreyImage, Source
from usseg_monai.imaging.scale import GivenSpacing, structure_spacing
from usseg_monai.measuring.result import Measurement, with_remark
from usseg_monai.predict.predictor import conclude
from usseg_monai.tasks import Task, get_task, load
from usseg_monai.web.decoding import LIMITS
from usseg_monai.web.engines import Engines
from usseg_monai.web.numbers import numbers
from usseg_monai.web.wire import Data, grey_of, mask_of, packed, place_of, regions_of, spacing_of, split

__all__ = ["Measured", "file_name", "measure", "measured", "predict"]

_LONGEST_NAME = 300
_MOST_SAID = 20
_LARGEST_INDEX = 1 << 31


class Measured(NamedTuple):
    """A mask of a message, measured.

    Attributes:
        task: the task.
        mask: ``(rows, cols)``.
        spacing_mm: that was used.
        measurement: of the mask.
        said: the network's outputs.
        corrected: whether the mask was corrected by hand.
        rest: bytes behind the mask.
    """

    task: Task
    mask: MaskArray
    spacing_mm: Spacing | None
    measurement: Measurement
    said: dict[str, float]
    corrected: bool
    rest: Data


def predict(engines: Engines, message: bytes) -> bytes:
    """Find and measure a task's structure in one frame.

    Args:
        engines: the networks.
        message: ``task``, its name or ``auto``; ``rows``, ``cols`` and ``type`` of the pixels that follow; ``file`` and ``frame``;
            ``spacing_mm`` and ``regions`` of the file, ``given_mm`` for files that state neither; ``place``.

    Returns:
        A message: ``task``; ``proposal``, the unlikeness by task for ``auto``; ``said``, the network's numbers; those of
        `usseg_monai.web.numbers`; and the mask, one byte for each pixel.

    Raises:
        UssegError: the message, or the picture, cannot be used.
    """
    text, data = split(message)
    pixels, _ = grey_of(text, data, LIMITS)
    place = place_of(text.get("place"))
    image = GreyImage(pixels, spacing_of(text.get("spacing_mm")), Source(Path(file_name(text))), place, regions_of(text.get("regions", [])))
    modality = "" if place is None else place.modality
    proposal = None
    if text.get("task") == "auto":
        name, answer, proposal = engines.proposed(pixels, modality)
    else:
        name = str(text.get("task"))
        get_task(name)
        answer = engines.answer(name, pixels)
    task = get_task(name)
    found = conclude(task, image, answer, GivenSpacing.of(spacing_of(text.get("given_mm"))))
    measurement = found.measurement
    if not task.accepts(modality):
        measurement = with_remark(measurement, f"the header says {printable(modality)}, and the task is for {task.modality}")
    said = {key: value for key, value in answer[2].items() if math.isfinite(value)}
    shown = numbers(task, file_name(text), _index(text), found.image.spacing_mm, measurement, said, corrected=False)
    return packed({"task": name, "proposal": proposal, "said": said, **shown}, [found.mask.tobytes()])


def measure(message: bytes) -> bytes:
    """Measure a mask.

    Args:
        message: as for `measured`.

    Returns:
        A message: the numbers of `usseg_monai.web.numbers`; and the mask, if it was filled from axes.

    Raises:
        UssegError: the message cannot be used.
    """
    text, data = split(message)
    found = measured(text, data)
    shown = numbers(found.task, file_name(text), _index(text), found.spacing_mm, found.measurement, found.said, corrected=found.corrected)
    return packed(shown, [found.mask.tobytes()] if text.get("axes") is not None else [])


def measured(text: Mapping[str, Any], data: Data) -> Measured:
    """The mask of a message, measured again.

    Args:
        text: ``task``; ``rows`` and ``cols``; ``spacing_mm``, or ``regions`` that state it; ``said``, what the network said; ``corrected``;
            ``axes`` from which the mask is filled (`Task.mask_of_axes`), instead of the mask that follows.
        data: the mask, one byte for each pixel, and further bytes.

    Raises:
        UssegError: the message cannot be used.
    """
    task = get_task(str(text.get("task")))
    corrected = text.get("corrected") is True
    spacing_mm, reason = spacing_of(text.get("spacing_mm")), ""
    if text.get("axes") is None:
        mask, rest = mask_of(text, data, LIMITS)
    else:
        mask, rest = _mask_of_axes(task, text, spacing_mm), data
    if spacing_mm is None:
        spacing_mm, reason = structure_spacing(mask, regions_of(text.get("regions", [])))
    said = _said(text.get("said"))
    try:
        measurement = task.measure(mask, spacing_mm) if corrected else task.measure_answer(mask, spacing_mm, said)
    except ImageError as error:
        raise UsageError(error.reason) from error
    return Measured(task, mask, spacing_mm, with_remark(measurement, reason), said, corrected, rest)


def _mask_of_axes(task: Task, text: Mapping[str, Any], spacing_mm: Spacing | None) -> MaskArray:
    if not task.mask_of_axes:
        raise UsageError(f"{task.name} is not corrected by its axes: send a mask")
    rows, cols = text.get("rows"), text.get("cols")
    if type(rows) is not int or type(cols) is not int:
        raise UsageError("rows and cols must be whole numbers")
    LIMITS.check(rows, cols)
    try:
        axes = np.array(text["axes"], np.float64)
    except (TypeError, ValueError):
        axes = np.empty(0)
    if axes.shape != (2, 2, 2) or not (np.abs(axes) < LIMITS.max_side * 2).all():
        raise UsageError("axes: give both ends (row, col) of the long and of the short axis, in pixels")
    filled: MaskArray = load(task.mask_of_axes)((axes[0], axes[1]), (rows, cols), spacing_mm)
    return filled


def _said(value: object) -> dict[str, float]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > _MOST_SAID:
        raise UsageError("said: give an object of numbers")
    if not all(isinstance(number, (int, float)) and math.isfinite(number) for number in value.values()):
        raise UsageError(f"said {quoted(value)}: not all are numbers")
    return {name: float(number) for name, number in value.items()}


def file_name(text: Mapping[str, Any]) -> str:
    """The file's name of a message, printable, for display and tables only."""
    return printable(str(text.get("file", "picture"))[:_LONGEST_NAME]) or "picture"


def _index(text: Mapping[str, Any]) -> int:
    frame = text.get("frame", 0)
    if type(frame) is not int or not 0 <= frame < _LARGEST_INDEX:
        raise UsageError(f"frame {quoted(frame)}: it must be a whole number from 0")
    return frame
