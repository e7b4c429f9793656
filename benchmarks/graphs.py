"""Compare the deployed graphs of two checkouts image by image, such as before and after a change of storage.

Prints one row per task: number of pixels on which the masks differ, change of Dice, head circumference and confidence, and time per
image. Images are of the test part, and of the validation part where the former has fewer than a hundred:

    python -m benchmarks.graphs OTHER_CHECKOUT [--data DIR] [--task TASK]

The other checkout is any folder with ``bundles/TASK/models/model.onnx``, such as graphs in float32 that ``usseg export TASK`` made.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import DATA_ROOT
from benchmarks.tasks import BENCHMARKED
from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.evaluation.cases import predict_item
from usseg_monai.evaluation.overlap import dice
from usseg_monai.predict.predictor import Predictor
from usseg_monai.tasks import TASKS

REPOSITORY = Path(__file__).resolve().parents[1]
LEAST_IMAGES = 100
REPEATS = 25
"""Timed runs of each graph on one image; the graphs alternate, so that the machine's noise affects both."""

HC = "head_circumference_mm"
COLUMNS = (
    "task",
    "images",
    "differing pixels",
    "Dice",
    "head circumference, mean error",
    "confidence, largest change",
    "unlikeness",
    "time",
)


def compare(task: str, other: Path, here: Path, data: Path) -> list[str]:
    """One row of the table, as in `COLUMNS`."""
    predictors = [Predictor(task, weights=folder / "bundles" / task / "models" / "model.onnx") for folder in (other, here)]
    items = load_datalist(data, "test")
    if len(items) < LEAST_IMAGES:
        items = [*items, *load_datalist(data, "validation")]
    pairs = [[_outcome(predictor, item) for predictor in predictors] for item in items]
    differing = sum(int(np.count_nonzero(before["mask"] != after["mask"])) for before, after in pairs)
    pixels = sum(before["mask"].size for before, _ in pairs)
    pixel_values = predict_item(predictors[0], items[0])[0].image.pixels
    old, new = times([partial(predictor.engine, pixel_values) for predictor in predictors])
    return [
        f"`{task}`",
        str(len(pairs)),
        f"{differing / pixels:.1e}",
        _means(pairs, "dice", "{:.4f}"),
        _means(pairs, "error", "{:.3f} mm"),
        f"{_largest(pairs, 'confidence'):.4f}",
        f"{_largest(pairs, 'unlikeness'):.4f}",
        f"{1000 * old:.1f} -> {1000 * new:.1f} ms ({new / old:.2f})",
    ]


def times(calls: Sequence[Callable[[], object]]) -> list[float]:
    """Median seconds of each call; the calls alternate."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(REPEATS):
        for call, seconds in zip(calls, taken, strict=True):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
    return [statistics.median(seconds) for seconds in taken]


def _outcome(predictor: Predictor, item: Mapping[str, Any]) -> dict[str, Any]:
    prediction, truth = predict_item(predictor, item)
    found, true = prediction.measurements.get(HC), item.get(HC)
    error = abs(found - true) if isinstance(found, float) and isinstance(true, float) else None
    judged = {"confidence": prediction.measurement.confidence, "unlikeness": prediction.measurement.unlikeness}
    return {"mask": prediction.mask, "dice": dice(prediction.mask, truth), "error": error, **judged}


def _means(pairs: Sequence[Sequence[Mapping[str, Any]]], name: str, form: str) -> str:
    """Mean before and after of a quantity, over the images where both are known; empty if there are none."""
    known = [(before[name], after[name]) for before, after in pairs if before[name] is not None and after[name] is not None]
    return " -> ".join(form.format(statistics.mean(values)) for values in zip(*known, strict=True))


def _largest(pairs: Sequence[Sequence[Mapping[str, Any]]], name: str) -> float:
    return max(abs(float(before[name]) - float(after[name])) for before, after in pairs)


def main(argv: Sequence[str] | None = None) -> int:
    """Compare the graphs of every task and print the table."""
    parser = argparse.ArgumentParser(description="Deployed graphs of two checkouts on the same images.")
    parser.add_argument("other", type=Path, help="the other checkout")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of all data sets (default: %(default)s)")
    parser.add_argument("--task", choices=tuple(TASKS), action="append", help="one task only; may be repeated")
    args = parser.parse_args(argv)
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for task in args.task or TASKS:
        print(f"| {' | '.join(compare(task, args.other, REPOSITORY, args.data / BENCHMARKED[task].data))} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
