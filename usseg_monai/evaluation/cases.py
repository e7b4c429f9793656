"""Compare predictions with annotations, case by case."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.datasets.windows import Window, cut_window
from usseg_monai.errors import ImageError
from usseg_monai.evaluation.contours import contour_distances
from usseg_monai.evaluation.overlap import dice
from usseg_monai.evaluation.pixel_accuracy import background_accuracy, pixel_accuracy
from usseg_monai.files.table import csv_line, text_cell
from usseg_monai.files.write import write_text
from usseg_monai.geometry.types import MaskArray, Spacing
from usseg_monai.imaging import GreyImage, Place, read_image
from usseg_monai.measuring.result import Measurement, Status
from usseg_monai.tasks import Task

if TYPE_CHECKING:
    from usseg_monai.predict.predictor import Prediction

__all__ = ["CaseResult", "Compared", "classified", "evaluate_case", "predict_item", "write_evaluation"]


class Predicts(Protocol):
    """The part of `usseg_monai.Predictor` that is needed here."""

    task: Task

    def predict(self, source: Path | GreyImage, *, spacing_mm: Spacing | None = None) -> Prediction: ...


@dataclass(frozen=True)
class Compared:
    """One measurement beside its reference, in the unit of its column."""

    predicted: float
    reference: float

    @property
    def difference(self) -> float:
        """Predicted minus reference; positive means too large."""
        return self.predicted - self.reference


@dataclass(frozen=True)
class CaseResult:
    """Comparison of one image's prediction with its annotation.

    Attributes:
        image: the picture.
        group: exam, patient or other group.
        status: of the prediction; `Status.FAILED` where image or annotation could not be used.
        message: of the prediction or the failure.
        dice: overlap with the annotation, 0 to 1; 1 where both are empty, ``None`` where failed.
        compared: result column in mm -> both values; only columns that are known on both sides.
        annotation: result column -> the same measurement of the annotation, if it is a number.
        measured: result column -> the measurement of the prediction, likewise.
        has_structure: whether a structure is annotated; assumed if the annotation cannot be read.
        found: whether the mask is not empty.
        pixel_accuracy: share of correct pixels, 0 to 1.
        background: share of the pixels outside the annotation, which is the pixel accuracy of an empty mask.
        outputs: what the network predicts besides the mask, by name, in the task's order.
        category: index of the true class, if the item states it.
        source: data set that the image came from, if the item states it.
        objection: reason against using the image, if the item states one.
        contour_distance: average perpendicular distance of the contours (`usseg_monai.evaluation.contours`), in ``unit``; ``None`` where a
            mask is empty.
        hd95: 95th percentile of that distance, likewise.
        unit: ``mm`` where the pixel size is known, else ``px``.
        phase: of the heart beat, if the item states it.
        place: where the image was taken, if its file states it.
        confidence: the network's expected Dice.
        unlikeness: of the image and the training images, as the network sees it, above 1 where it is of another kind.
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
    contour_distance: float | None = None
    hd95: float | None = None
    unit: Literal["mm", "px"] = "px"
    phase: int | None = None
    place: Place | None = None
    confidence: float | None = None
    unlikeness: float | None = None


def evaluate_case(predictor: Predicts, item: Mapping[str, Any]) -> CaseResult:
    """Predict one item of a datalist and compare.

    Lengths are compared with the item's own reference value where it has one (``head_circumference_mm`` in HC18), else with the same
    measurement of the annotation. If an item has a ``window`` (`usseg_monai.datasets.windows.with_windows`), only that part is predicted.
    """
    image, group = Path(item["image"]), str(item.get("group", item["image"]))
    kind: dict[str, Any] = {
        "category": item.get("class"),
        "source": item.get("source"),
        "objection": item.get("objection"),
        "phase": item.get("phase"),
    }
    try:
        prediction, truth = predict_item(predictor, item)
        annotation = _numbers(predictor.task.measure(truth, prediction.image.spacing_mm))
    except ImageError as error:
        return CaseResult(image, group, Status.FAILED, str(error), has_structure=_may_have_structure(item), **kind)
    measurement, spacing = prediction.measurement, prediction.image.spacing_mm
    contour_distance, hd95 = contour_distances(prediction.mask, truth, spacing or (1.0, 1.0)) or (None, None)
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
        contour_distance=contour_distance,
        hd95=hd95,
        unit="px" if spacing is None else "mm",
        place=prediction.image.place,
        confidence=measurement.confidence,
        unlikeness=measurement.unlikeness,
        **kind,
    )


def classified(results: Sequence[CaseResult]) -> list[CaseResult]:
    """The cases that the network's classes can be evaluated on: a single output needs an annotation, several need the true class."""
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
    """Write ``metrics.json``, the summary, and ``cases.csv``, one row per case with its kind, its overlap and distances, the network's
    outputs, and every compared value with its reference and difference.

    Raises:
        OutputError: the folder cannot be written to.
    """
    names = sorted({name for result in results for name in result.compared})
    columns = [column for name in names for column in (name, f"{name}_reference", f"{name}_difference")]
    outputs = list(dict.fromkeys(name for result in results for name in result.outputs))
    kind = ("file", "group", "source", "objection", "class", "status", "message")
    lines = [csv_line([*kind, "dice", "contour_distance", "hd95", "unit", *outputs, *columns])]
    for result in results:
        values: list[float | None] = []
        for name in names:
            pair = result.compared.get(name)
            values += [pair.predicted, pair.reference, pair.difference] if pair else [None] * 3
        said = [result.outputs.get(name) for name in outputs]
        overlap = (result.dice, result.contour_distance, result.hd95)
        distances, numbers = (["" if value is None else f"{value:.4f}" for value in each] for each in (overlap, (*said, *values)))
        category = "" if result.category is None else str(result.category)
        words = [
            result.image.as_posix(),
            result.group,
            result.source or "",
            result.objection or "",
            category,
            result.status.value,
            result.message,
        ]
        lines.append(csv_line([*map(text_cell, words), *distances, result.unit, *numbers]))
    write_text(folder / "cases.csv", "".join(lines))
    write_text(folder / "metrics.json", json.dumps(summary, indent=2) + "\n")


def _may_have_structure(item: Mapping[str, Any]) -> bool:
    """Whether a structure is annotated, for an image that could not be evaluated."""
    try:
        return bool(read_annotation(item["label"], read_image(item["image"]).pixels.shape).any())
    except ImageError:
        return True


def _window(image: Path, label: str | Sequence[str], window: Window) -> tuple[GreyImage, MaskArray]:
    whole = read_image(image)
    truth = cut_window(read_annotation(label, whole.pixels.shape), window)
    return replace(whole, pixels=cut_window(whole.pixels, window)), truth


def _numbers(measurement: Measurement) -> dict[str, float]:
    return {name: value for name, value in measurement.values.items() if isinstance(value, (int, float))}
