"""Train the released bundles as other programs do, and compare their Dice with the released weights on the same images.

    python -m benchmarks.foreign_trainers [--tasks fetal_head,breast] [--images 40] [--epochs 2] [--seeds 1] [--data DIR] [-o WORK]

Each task's bundle is copied, and its copy is trained on images of the test part, which the released network has not seen:

- as MONAI Label's stock app does: a ``CheckpointLoader`` on ``models/model.pt`` before the bundle's own handlers; bundle folder, device,
  items (a fifth for validation) and number of epochs are overridden. The resulting ``models/model.pt`` is evaluated.
- as in a federated training (`benchmarks.federation`): two of MONAI's clients, ``MonaiAlgo``, take the released weights as the global ones,
  each trains on groups of its own, the server averages their weights, and all that once more. The averaged weights and what each client
  keeps as its best are evaluated on all images, and the averaged ones against what the clients sent, on each client's validation images.

Exits with 1 if a Dice is below that of the released weights, or if the averaged weights are worse than those of the worse client.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import run
from monai.data import partition_dataset

from benchmarks.accuracy.cases import evaluate
from benchmarks.data import DATA_ROOT
from benchmarks.federation import Items, federate
from benchmarks.tasks import BENCHMARKED
from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.predict.predictor import Predictor
from usseg_monai.tasks import bundle_path

VALIDATION_SHARE = 0.2
"""As in MONAI Label."""

RESOLUTION = 1e-4
"""Dice, of a handful of images: a pixel or two of each. The average lies between the clients, and there they can be equally good."""


def stock_overrides(bundle: Path, items: Items, epochs: int) -> dict[str, Any]:
    """What MONAI Label's stock app overrides in a bundle's ``train.json``: it knows only image and mask of each item."""
    pairs = [{"image": item["image"], "label": item["label"]} for item in items]
    training, validation = partition_dataset(pairs, ratios=[1 - VALIDATION_SHARE, VALIDATION_SHARE])
    handlers = json.loads((bundle / "configs" / "train.json").read_text())["train"]["handlers"]
    loader = {
        "_target_": "CheckpointLoader",
        "load_path": str(bundle / "models" / "model.pt"),
        "load_dict": {"model": "$@network"},
        "strict": False,
    }
    return {
        "bundle_root": str(bundle),
        "device": "cpu",
        "train#dataset#data": training,
        "validate#dataset#data": validation,
        "train#handlers": [loader, *handlers],
        "train#trainer#max_epochs": epochs,
    }


def stock_training(bundle: Path, items: Items, epochs: int, **overrides: Any) -> Path:
    """Train a copy of a bundle as MONAI Label's stock app does, and return the resulting weights."""
    configs = bundle / "configs"
    run(
        run_id="run",
        meta_file=str(configs / "metadata.json"),
        config_file=str(configs / "train.json"),
        **(stock_overrides(bundle, items, epochs) | overrides),
    )
    return bundle / "models" / "model.pt"


def mean_dice(task: str, weights: Path, items: Items) -> float:
    """Mean Dice over the images with a structure, with the torch engine."""
    results = evaluate(Predictor(task, engine="torch", device="cpu", weights=weights), items)
    return float(np.mean([result.dice or 0.0 for result in results if result.has_structure]))


def copied(task: str, folder: Path) -> Path:
    """A copy of the released bundle."""
    return Path(shutil.copytree(bundle_path(task), folder / task))


def chosen(task: str, data: Path, count: int) -> list[dict[str, Any]]:
    """Images of the test part, spread over its groups."""
    items = load_datalist(data / BENCHMARKED[task].data, "test")
    return [items[index] for index in np.linspace(0, len(items) - 1, min(count, len(items))).astype(int)]


def compare(task: str, data: Path, count: int, epochs: int, work: Path, seeds: int, **overrides: Any) -> Iterator[tuple[str, float]]:
    """Mean Dice over the images by origin of the weights, the released ones first; and the averaged weights against the worse client."""
    items = chosen(task, data, count)
    yield "released", mean_dice(task, bundle_path(task) / "models" / "model.pt", items)
    (work / "stock").mkdir(parents=True, exist_ok=True)
    yield "stock training", mean_dice(task, stock_training(copied(task, work / "stock"), items, epochs, **overrides), items)
    for seed in range(seeds):
        clients = [copied(task, work / f"federated_{seed}" / name) for name in ("one", "two")]
        done = federate(clients, items, 1, rounds=2, seed=seed, num_workers=0, **overrides)
        yield f"federated, averaged, seed {seed}", mean_dice(task, done.averaged, items)
        for name, kept in zip(("one", "two"), done.kept, strict=True):
            yield f"federated, kept by {name}, seed {seed}", mean_dice(task, kept, items)
        for name, validation in zip(("one", "two"), done.validation, strict=True):
            averaged, *sent = (mean_dice(task, file, validation) for file in (done.averaged, *done.sent))
            yield f"averaged minus worse client, images of {name}, seed {seed}", averaged - min(sent)


def main(words: Sequence[str] | None = None) -> int:
    """Print one row of figures per task and origin."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default=",".join(BENCHMARKED), help="separated by commas (default: %(default)s)")
    parser.add_argument("--images", type=int, default=40, help="of each task (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=2, help="of the stock training (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=1, help="number of federated trainings (default: %(default)s)")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of the data sets (default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, help="where the copies go (default: a temporary folder)")
    args = parser.parse_args(words)
    torch.set_num_threads(2)
    logging.disable(logging.WARNING)  # hide the trainings' logs: the results are printed below
    worse = 0
    with tempfile.TemporaryDirectory() as temporary:
        for task in args.tasks.split(","):
            released = None
            for name, figure in compare(task, args.data, args.images, args.epochs, (args.output or Path(temporary)) / task, args.seeds):
                bar = -RESOLUTION if " minus " in name else figure if released is None else released
                released = figure if released is None else released
                worse += figure < bar
                print(f"{task:15} {name:60} {figure:+.4f}{'  below the bar' if figure < bar else ''}", flush=True)
    return int(worse > 0)


if __name__ == "__main__":
    sys.exit(main())
