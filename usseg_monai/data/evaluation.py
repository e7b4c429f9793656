"""Compare predictions with annotations, case by case and in sum."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from usseg_monai.data.annotation import read_annotation
from usseg_monai.errors import ImageError
from usseg_monai.imaging import Spacing
from usseg_monai.imaging.write import write_text
from usseg_monai.measurements.result import Measurement, Status
from usseg_monai.metrics.bootstrap import bootstrap_mean_interval
from usseg_monai.tasks import Task

if TYPE_CHECKING:
    from usseg_monai.inference.predictor import Prediction

__all__ = ["LARGE_DIFFERENCE_MM", "CaseResult", "Compared", "dice", "evaluate_case", "summarize", "write_evaluation"]

LARGE_DIFFERENCE_MM = 5.0
"""Differences above this are counted: more than twice what two observers of a fetal head differ by."""


class Predicts(Protocol):
    """What is needed of a `usseg_monai.Predictor`."""

    task: Task

    def predict(self, source: Path, *, spacing_mm: Spacing | None = None) -> Prediction: ...


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
        dice: overlap with the annotation, 0 to 1; ``None`` where failed.
        compared: result column in mm -> both values; only columns that are known on both sides.
        annotation: result column -> the same measurement of the annotation, as far as it is a number.
    """

    image: Path
    group: str
    status: Status
    message: str = ""
    dice: float | None = None
    compared: Mapping[str, Compared] = field(default_factory=dict)
    annotation: Mapping[str, float] = field(default_factory=dict)


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
    measurement of the annotation.
    """
    image, group = Path(item["image"]), str(item.get("group", item["image"]))
    spacing = item.get("spacing_mm")
    try:
        prediction = predictor.predict(image, spacing_mm=None if spacing is None else (float(spacing[0]), float(spacing[1])))
        truth = read_annotation(item["label"], prediction.mask.shape)
        annotation = _numbers(predictor.task.measure(truth, prediction.image.spacing_mm))
    except ImageError as error:
        return CaseResult(image, group, Status.FAILED, str(error))
    measurement = prediction.measurement
    reference = annotation | {name: value for name, value in item.items() if name in measurement.values}
    compared = {
        name: Compared(value, reference[name])
        for name, value in _numbers(measurement).items()
        if name.endswith("_mm") and name in reference
    }
    return CaseResult(image, group, measurement.status, measurement.message, dice(prediction.mask, truth), compared, annotation)


def summarize(results: Sequence[CaseResult]) -> dict[str, Any]:
    """Sum up cases; failed ones are counted and left out of the figures.

    Returns:
        Ready for JSON: ``cases``, ``groups``, ``status`` (count of each), ``dice`` and, under ``columns``, each compared column.
        Intervals are 95 % bootstrap intervals of the mean by group, ``None`` with fewer than two groups.
    """
    with_mask = [result for result in results if result.dice is not None]
    names = sorted({name for result in results for name in result.compared})
    return {
        "cases": len(results),
        "groups": len({result.group for result in results}),
        "status": dict(sorted(Counter(result.status.value for result in results).items())),
        "dice": _spread([result.dice for result in with_mask if result.dice is not None], [result.group for result in with_mask]),
        "columns": {name: _summarize_column([result for result in results if name in result.compared], name) for name in names},
    }


def write_evaluation(folder: Path, results: Sequence[CaseResult], summary: Mapping[str, Any]) -> None:
    """Write ``metrics.json``, the summary, and ``cases.csv``, a row a case with every compared value, its reference and difference.

    Raises:
        OutputError: the folder cannot be written to.
    """
    names = sorted({name for result in results for name in result.compared})
    columns = [column for name in names for column in (name, f"{name}_reference", f"{name}_difference")]
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["file", "group", "status", "message", "dice", *columns])
    for result in results:
        values: list[float | None] = []
        for name in names:
            pair = result.compared.get(name)
            values += [pair.predicted, pair.reference, pair.difference] if pair else [None] * 3
        numbers = ["" if value is None else f"{value:.4f}" for value in (result.dice, *values)]
        writer.writerow([result.image.as_posix(), result.group, result.status.value, result.message, *numbers])
    write_text(folder / "cases.csv", table.getvalue())
    write_text(folder / "metrics.json", json.dumps(summary, indent=2) + "\n")


def _numbers(measurement: Measurement) -> dict[str, float]:
    return {name: float(value) for name, value in measurement.values.items() if isinstance(value, (int, float))}


def _summarize_column(results: Sequence[CaseResult], name: str) -> dict[str, Any]:
    groups = [result.group for result in results]
    differences = np.array([result.compared[name].difference for result in results])
    return {
        "cases": len(results),
        "absolute_difference": _spread(np.abs(differences), groups),
        "difference": _spread(differences, groups),
        f"share_above_{LARGE_DIFFERENCE_MM:g}_mm": float(np.mean(np.abs(differences) > LARGE_DIFFERENCE_MM)),
    }


def _spread(values: Sequence[float] | npt.NDArray[np.float64], groups: Sequence[str]) -> dict[str, Any] | None:
    if len(values) == 0:
        return None
    return {
        "mean": float(np.mean(values)),
        "standard_deviation": float(np.std(values)),
        "median": float(np.median(values)),
        "interval_95": bootstrap_mean_interval(values, groups),
    }
