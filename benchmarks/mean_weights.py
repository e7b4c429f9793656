"""Average the weights of trainings that went on from each other, and fit the trust of the mean.

    python -m benchmarks.mean_weights TASK FIRST/model.pt SECOND/model.pt -o OUT [--data DIR]

``OUT/model.pt`` costs what each of them costs and often errs less (M. Wortsman and others, "Model soups: averaging weights of multiple
fine-tuned models improves accuracy without increasing inference time", ICML 2022). Networks that classify are not averaged: the temperature
of their class probabilities is fitted to each.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from monai.bundle import ConfigParser
from torch import Tensor

from benchmarks.data import DATA_ROOT
from benchmarks.tasks import BENCHMARKED
from usseg_monai.errors import UssegError, WeightsError
from usseg_monai.tasks import config_file
from usseg_monai.weights.checkpoints import write_tensors
from usseg_monai.weights.export import load_network


def mean_of(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of state dicts with the same entries, in single precision; counters are those of the last.

    >>> mean_of([{"kernel": torch.tensor([1.0])}, {"kernel": torch.tensor([2.0])}])
    {'kernel': tensor([1.5000])}
    """
    last = states[-1]
    return {
        name: torch.stack([state[name].float() for state in states]).mean(0) if value.is_floating_point() else value
        for name, value in last.items()
    }


def fit(task: str, checkpoint: Path, data: Path) -> None:
    """Fit the trust of weights as the training of the task does at its end, and write it beside them."""
    parser = ConfigParser()
    parser.read_config(str(config_file(task, "train")))
    parser["dataset_dir"], parser["ckpt_dir"] = str(data), str(checkpoint.parent)
    parser.get_parsed_content("trust").fit()


def main(argv: Sequence[str] | None = None) -> int:
    """Write the mean; returns 2 if weights cannot be read or are of another network."""
    parser = argparse.ArgumentParser(description="Average the weights of trainings that went on from each other.")
    parser.add_argument("task", choices=("fetal_head", "left_ventricle"))
    parser.add_argument("weights", type=Path, nargs="+", help="two checkpoints or more")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for model.pt and model.trust")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of all data sets (default: %(default)s)")
    args = parser.parse_args(argv)
    if len(args.weights) < 2:
        parser.error("one checkpoint: a mean needs two or more")
    args.output.mkdir(parents=True, exist_ok=True)
    checkpoint = args.output / "model.pt"
    try:
        if any(file.resolve() == checkpoint.resolve() for file in args.weights):
            raise WeightsError(f"{checkpoint} is one of the weights to be averaged: give another output folder")
        write_tensors(mean_of([load_network(args.task, file)[0].state_dict() for file in args.weights]), checkpoint)
        fit(args.task, checkpoint, args.data / BENCHMARKED[args.task].data)
    except UssegError as error:
        print(f"mean_weights: {error}", file=sys.stderr)
        return 2
    print(f"mean of {len(args.weights)} trainings: {checkpoint}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
