"""Train a task with several seeds, one after the other, and say what each reached:

    python -m benchmarks.seeds TASK --data DATA -o RUNS [--seeds 3] [key=value ...]

The training with seed N = 1, 2 ... is that of ``usseg train TASK --data DATA -o RUNS/seed_N seed=N key=value ...``, on a GPU if PyTorch
finds one; the same command resumes, and more seeds continue the list. ``DATA`` is what ``usseg train`` takes, such as a copy by
``python -m benchmarks.small_copy``. A difference between two recipes that is within the spread of the seeds shows nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.accuracy.tables import table
from usseg_monai.cli.engine_log import engine_log
from usseg_monai.cli.progress import progress
from usseg_monai.errors import UsageError, UssegError
from usseg_monai.tasks import TASKS
from usseg_monai.training.overrides import parse_overrides
from usseg_monai.training.run import TrainingResult, train


def markdown(results: dict[int, TrainingResult]) -> str:
    """One row per seed, and the spread of the seeds in words.

    >>> results = {seed: TrainingResult(Path("model.pt"), 8, "val_mean_dice", dice, 25.0) for seed, dice in ((1, 0.96), (2, 0.98))}
    >>> print(markdown(results))
    | seed | epochs | best val_mean_dice | images per second |
    |---|---|---|---|
    | 1 | 8 | 0.9600 | 25 |
    | 2 | 8 | 0.9800 | 25 |
    <BLANKLINE>
    Mean of 2 seeds 0.9700, standard deviation 0.0141.
    """
    name = next(iter(results.values())).metric_name
    rows = [
        (str(seed), str(result.epochs), _number(result.metric, ".4f"), _number(result.images_a_second, ".0f"))
        for seed, result in results.items()
    ]
    reached = [result.metric for result in results.values() if result.metric is not None]
    spread = f", standard deviation {statistics.stdev(reached):.4f}" if len(reached) > 1 else ""
    words = [f"Mean of {len(reached)} seeds {statistics.mean(reached):.4f}{spread}."] if reached else []
    return "\n\n".join([table(("seed", "epochs", f"best {name}", "images per second"), rows), *words])


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def main(argv: Sequence[str] | None = None) -> int:
    """Train and print the table; returns 2 if data or packages are missing."""
    parser = argparse.ArgumentParser(description="Train a task with several seeds, one after the other.")
    parser.add_argument("task", choices=tuple(TASKS))
    parser.add_argument("--data", type=Path, required=True, help="data set, datalist, or folder of images and masks")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the trainings, one per seed")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds, 1 or more (default: %(default)s)")
    parser.add_argument("overrides", metavar="key=value", nargs="*", help="new values for configs/train.json, as of usseg train")
    args = parser.parse_intermixed_args(argv)
    if args.seeds < 1:
        parser.error(f"--seeds is {args.seeds}: it must be 1 or more")
    results = {}
    try:
        overrides = parse_overrides(args.overrides)
        if "seed" in overrides:
            raise UsageError("seed is set by --seeds: use that")
        for seed in range(1, args.seeds + 1):
            with progress("iterations") as report, engine_log():
                results[seed] = train(args.task, args.data, args.output / f"seed_{seed}", {**overrides, "seed": seed}, report=report)
    except UssegError as error:
        print(f"seeds: {error}", file=sys.stderr)
        return 2
    print(markdown(results))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
