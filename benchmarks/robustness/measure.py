"""Predict degraded test images, and compare with the same images undisturbed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.accuracy.cases import THREADS, dice_advantage
from benchmarks.robustness.degradations import DEGRADATIONS, Sample, degrade
from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.errors import ImageError
from usseg_monai.evaluation.cases import CaseResult, Predicts
from usseg_monai.evaluation.overlap import dice
from usseg_monai.evaluation.summary import groups_of, spread
from usseg_monai.imaging import GreyImage, read_image
from usseg_monai.measuring.result import Status

__all__ = ["choose", "measure"]

Item = Mapping[str, Any]


def choose(items: Sequence[Item], count: int) -> list[Item]:
    """The ``count`` items whose file names have the smallest SHA-256: always the same choice, at random over groups.

    >>> [item["image"] for item in choose([{"image": "a/1.png"}, {"image": "a/2.png"}, {"image": "a/3.png"}], 2)]
    ['a/2.png', 'a/1.png']
    """
    return sorted(items, key=lambda item: hashlib.sha256(Path(item["image"]).name.encode()).digest())[:count]


def measure(predictor: Predicts, items: Sequence[Item]) -> dict[str, Any]:
    """Overlap and statuses of the items, undisturbed and under each degradation.

    Returns:
        Ready for JSON: ``undisturbed`` and, by name, a list of ``degradations`` with one entry per strength. Each has ``dice`` over images
        with a structure and ``status``, the count of each; degraded ones also their ``strength`` and the ``difference`` in Dice to the
        undisturbed images, image by image, with its bootstrap interval by group, over images in which a structure is left.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        cases = list(pool.map(partial(_evaluate, predictor), items))
    undisturbed = [case[""] for case in cases]
    return {
        "cases": len(items),
        "groups": len(set(groups_of(undisturbed))),
        "undisturbed": _sum_up(undisturbed),
        "degradations": {
            degradation.name: [
                {"strength": strength, **_sum_up(results), "difference": dice_advantage(results, undisturbed)}
                for strength in degradation.strengths
                if (results := [case[degradation.name, strength] for case in cases])
            ]
            for degradation in DEGRADATIONS
        },
    }


def _evaluate(predictor: Predicts, item: Item) -> dict[Any, CaseResult]:
    """One item, undisturbed (key ``""``) and degraded (keys ``(name, strength)``)."""
    path = Path(item["image"])
    image = read_image(path)
    sample = Sample(image.pixels, read_annotation(item["label"], image.pixels.shape), item.get("spacing_mm"))
    group = str(item.get("group", path))
    results: dict[Any, CaseResult] = {"": _compare(predictor, sample, path, group)}
    for degradation in DEGRADATIONS:
        for strength in degradation.strengths:
            degraded = degrade(sample, degradation, strength, path.name)
            results[degradation.name, strength] = _compare(predictor, degraded, path, group)
    return results


def _compare(predictor: Predicts, sample: Sample, path: Path, group: str) -> CaseResult:
    has_structure = bool(sample.truth.any())
    try:
        prediction = predictor.predict(GreyImage(sample.pixels), spacing_mm=sample.spacing_mm)
    except ImageError as error:
        return CaseResult(path, group, Status.FAILED, str(error), has_structure=has_structure)
    return CaseResult(
        path,
        group,
        prediction.measurement.status,
        prediction.measurement.message,
        dice=dice(prediction.mask, sample.truth),
        has_structure=has_structure,
        found=bool(prediction.mask.any()),
    )


def _sum_up(results: Sequence[CaseResult]) -> dict[str, Any]:
    shown = [result for result in results if result.has_structure]
    return {
        "dice": spread([result.dice or 0.0 for result in shown], groups_of(shown)),
        "status": dict(sorted(Counter(result.status.value for result in results).items())),
    }
