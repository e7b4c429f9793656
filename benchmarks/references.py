"""Train the reference network of each task by its teaching recipe, and store it for the accuracy table.

    python -m benchmarks.references [--task TASK] [--data DIR] [--runs DIR]

The training is that of ``usseg train TASK --config teaching_recipe``, on the same training part as the shipped network; the best weights
go to ``benchmarks/references/TASK.pt``, in half precision: rounded to three decimal digits, which halves the file and changes no figure
in the table. After an interruption, the same command resumes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.data import DATA_ROOT
from benchmarks.tasks import BENCHMARKED
from usseg_monai.cli.engine_log import engine_log
from usseg_monai.cli.progress import progress
from usseg_monai.errors import UssegError
from usseg_monai.files.write import atomic_path
from usseg_monai.predict.predictor import Predictor
from usseg_monai.tasks import TASKS
from usseg_monai.training.run import train

REPOSITORY = Path(__file__).resolve().parents[1]
REFERENCES = REPOSITORY / "benchmarks" / "references"


def reference_predictor(task: str, threads: int = 2) -> Predictor:
    """The reference network of a task with the teaching recipe's pre- and post-processing, as a predictor like the shipped one.

    Raises:
        WeightsError: it has not been trained yet.
    """
    return Predictor(task, engine="torch", device="cpu", threads=threads, weights=REFERENCES / f"{task}.pt", configs=["teaching_inference"])


def keep(checkpoint: Path, file: Path) -> None:
    """Write a checkpoint's weights in half precision."""
    import torch

    weights: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
    halved = {name: value.half() if value.is_floating_point() else value for name, value in weights.items()}
    file.parent.mkdir(exist_ok=True)
    with atomic_path(file) as temporary:
        torch.save(halved, temporary)


def main(argv: Sequence[str] | None = None) -> int:
    """Train and store; returns 2 if something is missing."""
    parser = argparse.ArgumentParser(description="Train the reference network of each task by its teaching recipe.")
    parser.add_argument("--task", choices=tuple(TASKS), action="append", help="one task only; may be repeated")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of all data sets (default: %(default)s)")
    parser.add_argument(
        "--runs", type=Path, default=REPOSITORY / "out" / "references", help="folder for the trainings (default: %(default)s)"
    )
    args = parser.parse_args(argv)
    try:
        for task in args.task or TASKS:
            with progress("iterations") as report, engine_log():
                result = train(task, args.data / BENCHMARKED[task].data, args.runs / task, configs=["teaching_recipe"], report=report)
            keep(result.checkpoint, REFERENCES / f"{task}.pt")
            print(f"{task}: {result.epochs} epochs, best {result.metric_name} {result.metric}: {REFERENCES / f'{task}.pt'}")
    except UssegError as error:
        print(f"references: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
