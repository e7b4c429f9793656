"""The report of a benchmark: all figures of one set of masks, and paired differences between two, ready for JSON.

One protocol for every set of masks, whether a network of this package made them or somebody else:

- An image whose mask is missing, unreadable or not of its size is a failure. It is named, and its Dice counts as 0.
- Distances and clinical numbers exist only where both masks have a structure; images that lack them are counted as ``without_value``.
- Intervals are 95 % bootstrap intervals that draw whole groups (`usseg_monai.evaluation.bootstrap`).
"""

from __future__ import annotations

import hashlib
import platform
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np

from usseg_monai import __version__
from usseg_monai.datasets.datalist import item_key
from usseg_monai.evaluation.cases import CaseResult
from usseg_monai.evaluation.summary import FloatArray, groups_of, spread, summarize, with_interval
from usseg_monai.measuring.result import Status
from usseg_monai.tasks import Task, load
from usseg_monai.tasks.patient import PatientImage

__all__ = ["benchmark_report", "datalist_digest", "paired_differences", "patient_numbers", "versions"]

_LIMIT = 1.96  # standard deviations, Bland and Altman 1986
_DISTANCES = ("contour_distance", "hd95")  # attributes of a `CaseResult`


class _Pair(NamedTuple):
    """One clinical number as found and as drawn, of an image or a patient."""

    group: str
    found: float
    drawn: float


def benchmark_report(task: Task, items: Sequence[Mapping[str, Any]], results: Sequence[CaseResult]) -> dict[str, Any]:
    """All figures of one set of masks.

    Args:
        task: of the masks.
        items: of the datalist's section.
        results: of the items, in the same order.

    Returns:
        Ready for JSON: ``versions``, ``datalist_sha256``, all that `usseg_monai.evaluation.summary.summarize` returns, with failures as
        Dice 0, and

        - ``failures``: image and reason of each;
        - ``contours``: ``contour_distance_mm`` and ``hd95_mm``, or ``_px`` where no pixel size is known, with ``without_value``;
        - ``clinical``: lengths of images in mm, and numbers of whole patients. Each has ``cases``, ``without_value``, ``bias`` (found minus
            drawn), ``absolute_difference``, and ``limits_of_agreement`` with intervals of their own.
    """
    scored = [_with_failure_as_zero(result) for result in results]
    return {
        "versions": versions(),
        "datalist_sha256": datalist_digest(items),
        **summarize(scored),
        "failures": [{"image": result.image.name, "reason": result.message} for result in results if result.status is Status.FAILED],
        "contours": _contours(scored),
        "clinical": _clinical(task, scored),
    }


def versions() -> dict[str, str]:
    """Versions of all that figures depend on, when masks are given."""
    libraries = {name: version(name) for name in ("numpy", "pillow", "scipy")}
    return {"usseg_monai": __version__, "python": platform.python_version(), **libraries}


def datalist_digest(items: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 of names and groups of a section's images, the same wherever and in whatever layout the images lie.

    The text that is hashed has one line ``NAME<tab>GROUP`` for each image, sorted, in UTF-8, each ended by a line feed.

    >>> items = [{"image": "a/2.png", "group": "x"}, {"image": "b/1.dcm", "group": "y"}]
    >>> datalist_digest(items) == datalist_digest(items[::-1]) == hashlib.sha256(b"1\\ty\\n2\\tx\\n").hexdigest()
    True
    """
    lines = sorted(f"{item_key(item)}\t{item.get('group', item_key(item))}\n" for item in items)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def paired_differences(task: Task, results: Sequence[CaseResult], others: Sequence[CaseResult]) -> dict[str, Any]:
    """Differences of two sets of masks on the same images, first minus second, with intervals by group.

    Returns:
        Figure -> number of pairs, mean, standard deviation, median and ``interval_95``; ``None`` without pairs. ``dice`` and
        ``dice_of_structures`` are over all such images, failures as 0; distances, and the absolute errors of clinical numbers, over images
        or patients where both sets have them. A positive difference is better for Dice and worse for all others.

    Raises:
        ValueError: the results are not of the same images in the same order.
    """
    if [result.image for result in results] != [other.image for other in others]:
        raise ValueError("the two sets of results are of different images: evaluate both on the same items")
    pairs = [(_with_failure_as_zero(first), _with_failure_as_zero(second)) for first, second in zip(results, others, strict=True)]
    structures = [pair for pair in pairs if pair[0].has_structure]
    return {
        "dice": _dice_difference(pairs),
        "dice_of_structures": _dice_difference(structures),
        **{
            f"{name}_{unit}": _difference(pairs, name, unit)
            for name in _DISTANCES
            for unit in ("mm", "px")
            if any(getattr(result, name) is not None and result.unit == unit for pair in pairs for result in pair)
        },
        **_clinical_differences(task, results, others),
    }


def patient_numbers(task: Task, results: Sequence[CaseResult]) -> dict[str, dict[str, tuple[float | None, float]]]:
    """Numbers of whole patients, such as an ejection fraction: column -> group -> (found, drawn); empty for tasks without them."""
    if not task.patient:
        return {}
    members: dict[str, list[CaseResult]] = defaultdict(list)
    for result in results:
        members[result.group].append(result)
    numbers: dict[str, dict[str, tuple[float | None, float]]] = defaultdict(dict)
    compare = load(task.patient)
    for group, images in members.items():
        for name, values in compare([_patient_image(image) for image in images]).items():
            numbers[name][group] = values
    return dict(numbers)


def _patient_image(result: CaseResult) -> PatientImage:
    failed = result.status is Status.FAILED
    return PatientImage(result.measured, result.annotation, failed, result.phase, result.place)


def _with_failure_as_zero(result: CaseResult) -> CaseResult:
    return replace(result, dice=0.0) if result.dice is None else result


def _contours(results: Sequence[CaseResult]) -> dict[str, Any]:
    structures = [result for result in results if result.has_structure]
    figures = {}
    for name in _DISTANCES:
        without_value = sum(getattr(result, name) is None for result in structures)
        for unit in ("mm", "px"):
            known = [result for result in structures if getattr(result, name) is not None and result.unit == unit]
            if known:
                distances = spread([getattr(result, name) for result in known], groups_of(known))
                figures[f"{name}_{unit}"] = {**(distances or {}), "without_value": without_value}
    return figures


def _clinical(task: Task, results: Sequence[CaseResult]) -> dict[str, Any]:
    structures = sum(result.has_structure for result in results)
    figures = {}
    for name in sorted({name for result in results for name in result.compared}):
        known = [(result.group, result.compared[name]) for result in results if name in result.compared]
        figures[name] = _agreement([_Pair(group, each.predicted, each.reference) for group, each in known], structures - len(known))
    for name, patients in patient_numbers(task, results).items():
        pairs = [_Pair(group, found, drawn) for group, (found, drawn) in patients.items() if found is not None]
        figures[name] = _agreement(pairs, len(patients) - len(pairs))
    return figures


def _agreement(pairs: Sequence[_Pair], without_value: int) -> dict[str, Any]:
    """Bias, absolute difference and limits of agreement of one number."""
    groups = [pair.group for pair in pairs]
    differences = np.array([pair.found - pair.drawn for pair in pairs], np.float64)
    limits = None
    if len(pairs) > 1:
        limits = {name: with_interval(partial(_limit, differences, sign), groups) for name, sign in (("lower", -_LIMIT), ("upper", _LIMIT))}
    return {
        "cases": len(pairs),
        "without_value": without_value,
        "bias": spread(differences, groups),
        "absolute_difference": spread(np.abs(differences), groups),
        "limits_of_agreement": limits,
    }


def _limit(differences: FloatArray, deviations: float, weights: FloatArray) -> FloatArray:
    """Mean plus so many standard deviations, for each row of weights; nan where only one difference has weight."""
    total = weights.sum(axis=-1)
    mean = weights @ differences / total
    squares = (weights * (differences - mean[..., None]) ** 2).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = np.sqrt(squares / (total - 1))
    limit: FloatArray = np.where(total > 1, mean + deviations * deviation, np.nan)
    return limit


def _dice_difference(pairs: Sequence[tuple[CaseResult, CaseResult]]) -> dict[str, Any] | None:
    return spread([(first.dice or 0.0) - (second.dice or 0.0) for first, second in pairs], [first.group for first, _ in pairs])


def _difference(pairs: Sequence[tuple[CaseResult, CaseResult]], name: str, unit: str) -> dict[str, Any] | None:
    known = [pair for pair in pairs if all(getattr(result, name) is not None and result.unit == unit for result in pair)]
    values = [getattr(first, name) - getattr(second, name) for first, second in known]
    return spread(values, [first.group for first, _ in known])


def _clinical_differences(task: Task, results: Sequence[CaseResult], others: Sequence[CaseResult]) -> dict[str, Any]:
    """Differences of absolute errors, of images and of patients."""
    figures: dict[str, Any] = {}
    for name in sorted({name for result in (*results, *others) for name in result.compared}):
        both = [(a, b) for a, b in zip(results, others, strict=True) if name in a.compared and name in b.compared]
        errors = [abs(a.compared[name].difference) - abs(b.compared[name].difference) for a, b in both]
        figures[name] = spread(errors, [a.group for a, _ in both])
    ours, theirs = patient_numbers(task, results), patient_numbers(task, others)
    for name in ours:
        errors_of_group = {}
        for group, (found, drawn) in ours[name].items():
            other, other_drawn = theirs.get(name, {}).get(group, (None, drawn))
            if found is not None and other is not None:
                errors_of_group[group] = abs(found - drawn) - abs(other - other_drawn)
        figures[name] = spread(list(errors_of_group.values()), list(errors_of_group))
    return figures
