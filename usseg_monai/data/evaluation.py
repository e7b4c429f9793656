"""Compare predictions with annotations, case by case."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from usseg_monai.data.annotation import read_annotation
from usseg_monai.data.windows import Window, cut_window
from usseg_monai.errors import ImageError
from usseg_monai.imaging import GreyImage, MaskArray, Spacing, read_image
from usseg_monai.imaging.write import write_text
from usseg_monai.measurements.result import Measurement, Status
from usseg_monai.metrics.pixel_accuracy import background_accuracy, pixel_accuracy
from usseg_monai.tasks import Task

if TYPE_CHECKING:
    from usseg_monai.inference.predictor import Prediction

__all__ = ["CaseResult", "Compared", "classified", "dice", "evaluate_case", "predict_item", "write_evaluation"]


class Predicts(Protocol):
    """What is needed of a `usseg_monai.Predictor`."""

    task: Task

    def predict(self, source: Path | GreyImage, *, spacing_mm: Spacing | None = None) -> Prediction: ...


@dataclass(frozen=True)
class Compared:
    """One measurement beside its reference, in the unit of its column."""

    predicted: float
    reference: float

    @property
    def difference(self) -> float:
        """Predicted minus reference: positive is too large."""
        return self.predicted - self.reference


@dataclass(frozen=True)
class CaseResult:
    """What the prediction of one image is worth.

    Attributes:
        image: the picture.
        group: exam, patient or other group.
        status: of the prediction; `Status.FAILED` where image or annotation could not be used.
        message: of the prediction or the failure.
        dice: overlap with the annotation, 0 to 1, and 1 where both are empty; ``None`` where failed.
        compared: result column in mm -> both values; only columns that are known on both sides.
        annotation: result column -> the same measurement of the annotation, as far as it is a number.
        measured: result column -> the measurement of the prediction, likewise.
        has_structure: whether something was annotated.
        found: whether the mask holds anything.
        pixel_accuracy: share of the pixels that are right, 0 to 1.
        background: share of the pixels that the annotation leaves out: the pixel accuracy of an empty mask.
        outputs: what the network says besides the mask, by name, in the task's order.
        category: index of the true class, where the item tells it.
        source: data set that the image came from, where the item tells it.
        objection: what speaks against using the image, where the item tells it.
        confidence: expected Dice, as the network says it.
        unlikeness: how far the image is from the training images, as the network says it.
    """

    image: Path
    group: str
    status: Status
    message: str = ""
    dice: float | None = None
    compared: Mapping[str, Compared] = field(default_factory=dict)
    annotation: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)
    has_structure: bool = True
    found: bool = False
    pixel_accuracy: float | None = None
    background: float | None = None
    outputs: Mapping[str, float] = field(default_factory=dict)
    category: int | None = None
    source: str | None = None
    objection: str | None = None
    confidence: float | None = None
    unlikeness: float | None = None


def dice(mask: npt.NDArray[Any], truth: npt.NDArray[Any]) -> float:
    """Dice overlap of the nonzero parts of two arrays of one shape, 0 to 1; 1 where both are empty.

    >>> dice(np.array([[1, 1, 0]]), np.array([[0, 1, 1]]))
    0.5
    """
    total = int(np.count_nonzero(mask)) + int(np.count_nonzero(truth))
    return 2 * int(np.count_nonzero((mask != 0) & (truth != 0))) / total if total else 1.0


def evaluate_case(predictor: Predicts, item: Mapping[str, Any]) -> CaseResult:
    """Predict one item of a datalist and compare.

    Lengths are compared with the item's own reference value where it has one (``head_circumference_mm`` in HC18), else with the same
    measurement of the annotation. Of an item with a ``window`` (`usseg_monai.data.windows.with_windows`) only that part is shown.
    """
    image, group = Path(item["image"]), str(item.get("group", item["image"]))
    kind = {"category": item.get("class"), "source": item.get("source"), "objection": item.get("objection")}
    try:
        prediction, truth = predict_item(predictor, item)
        annotation = _numbers(predictor.task.measure(truth, prediction.image.spacing_mm))
    except ImageError as error:
        return CaseResult(image, group, Status.FAILED, str(error), **kind)
    measurement = prediction.measurement
    numbers = _numbers(measurement)
    reference = annotation | {name: value for name, value in item.items() if name in measurement.values}
    return CaseResult(
        image,
        group,
        measurement.status,
        measurement.message,
        dice=dice(prediction.mask, truth),
        compared={name: Compared(value, reference[name]) for name, value in numbers.items() if name.endswith("_mm") and name in reference},
        annotation=annotation,
        measured=numbers,
        has_structure=bool(truth.any()),
        found=bool(prediction.mask.any()),
        pixel_accuracy=pixel_accuracy(prediction.mask, truth),
        background=background_accuracy(truth),
        outputs={name: numbers[name] for name in predictor.task.outputs if name in numbers},
        confidence=measurement.confidence,
        unlikeness=measurement.unlikeness,
        **kind,
    )


def classified(results: Sequence[CaseResult]) -> list[CaseResult]:
    """The cases by which a network's classes can be judged: a single output is judged by the annotation, several by the known class."""
    return [result for result in results if result.outputs and (len(result.outputs) == 1 or result.category is not None)]


def predict_item(predictor: Predicts, item: Mapping[str, Any]) -> tuple[Prediction, MaskArray]:
    """Predict one item of a datalist, and read its annotation: both ``(rows, cols)`` of the image, or of its ``window``.

    Raises:
        ImageError: image or annotation cannot be used.
    """
    image, spacing = Path(item["image"]), item.get("spacing_mm")
    spacing_mm = None if spacing is None else (float(spacing[0]), float(spacing[1]))
    if item.get("window"):
        source, truth = _window(image, item["label"], tuple(item["window"]))
        return predictor.predict(source, spacing_mm=spacing_mm), truth
    prediction = predictor.predict(image, spacing_mm=spacing_mm)
    return prediction, read_annotation(item["label"], prediction.mask.shape)


def write_evaluation(folder: Path, results: Sequence[CaseResult], summary: Mapping[str, Any]) -> None:
    """Write ``metrics.json``, the summary, and ``cases.csv``, a row a case: its kind, the network's outputs, and every compared value with
    its reference and difference.

    Raises:
        OutputError: the folder cannot be written to.
    """
    names = sorted({name for result in results for name in result.compared})
    columns = [column for name in names for column in (name, f"{name}_reference", f"{name}_difference")]
    outputs = list(dict.fromkeys(name for result in results for name in result.outputs))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["file", "group", "source", "objection", "class", "status", "message", "dice", *outputs, *columns])
    for result in results:
        values: list[float | None] = []
        for name in names:
            pair = result.compared.get(name)
            values += [pair.predicted, pair.reference, pair.difference] if pair else [None] * 3
        said = [result.outputs.get(name) for name in outputs]
        numbers = ["" if value is None else f"{value:.4f}" for value in (result.dice, *said, *values)]
        kind = [result.source, result.objection, result.category]
        writer.writerow([result.image.as_posix(), result.group, *kind, result.status.value, result.message, *numbers])
    write_text(folder / "cases.csv", table.getvalue())
    write_text(folder / "metrics.json", json.dumps(summary, indent=2) + "\n")


def _window(image: Path, label: str | Sequence[str], window: Window) -> tuple[GreyImage, MaskArray]:
    whole = read_image(image)
    truth = cut_window(read_annotation(label, whole.pixels.shape), window)
    return replace(whole, pixels=cut_window(whole.pixels, window)), truth


def _numbers(measurement: Measurement) -> dict[str, float]:
    return {name: float(value) for name, value in measurement.values.items() if isinstance(value, (int, float))}
