"""Train the released bundles as other programs do, and compare the Dice with that of the released weights on the same images.

    python -m benchmarks.foreign_trainers [--tasks fetal_head,breast] [--images 40] [--epochs 2] [--data DIR] [-o WORK]

Each task's bundle is copied, and its copy is trained on images of the test part, which the released network has not seen:

- as MONAI Label's stock app does: a ``CheckpointLoader`` on ``models/model.pt`` before the bundle's own handlers; bundle folder, device,
  items (a fifth for validation) and number of epochs set from outside. What counts is the ``models/model.pt`` that the training leaves.
- as a federated client does: MONAI's ``MonaiAlgo`` takes the released weights for the global ones and trains a round. What counts is
  what it sends back, and the ``models/model.pt`` that it leaves.

Exits with 1 where a Dice is below that of the released weights.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import run
from monai.data import partition_dataset
from monai.fl.client import MonaiAlgo
from monai.fl.utils.constants import ExtraItems
from monai.fl.utils.exchange_object import ExchangeObject

from benchmarks.accuracy.cases import evaluate
from benchmarks.data import DATA_ROOT
from benchmarks.references import DATA
from usseg_monai.data.datalist import load_datalist
from usseg_monai.inference.predictor import Predictor
from usseg_monai.tasks import bundle_path

Items = Sequence[Mapping[str, Any]]

VALIDATION_SHARE = 0.2
"""As in MONAI Label."""


def stock_overrides(bundle: Path, items: Items, epochs: int) -> dict[str, Any]:
    """What MONAI Label's stock app lays over a bundle's ``train.json``: it knows image and mask of each item, and nothing else."""
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
    """Train a copy of a bundle as MONAI Label's stock app does, and return the weights that are left."""
    configs = bundle / "configs"
    run(
        run_id="run",
        meta_file=str(configs / "metadata.json"),
        config_file=str(configs / "train.json"),
        **(stock_overrides(bundle, items, epochs) | overrides),
    )
    return bundle / "models" / "model.pt"


def federated_round(bundle: Path, items: Items, epochs: int, rounds: int = 1, **overrides: Any) -> tuple[Path, Path]:
    """Rounds of a federated training with one client, whose weights are thereby the next global ones.

    Returns:
        The weights that were sent back at last, and those that the client keeps as its best.
    """
    training, validation = partition_dataset(list(items), ratios=[1 - VALIDATION_SHARE, VALIDATION_SHARE])
    datalist = bundle.parent / f"{bundle.name}_datalist.json"
    datalist.write_text(json.dumps({"name": "client", "training": training, "validation": validation, "test": validation}))
    values = {"dataset_dir": str(datalist), "device": "$torch.device('cpu')"} | overrides
    client = MonaiAlgo(str(bundle), local_epochs=epochs, send_weight_diff=False, train_kwargs=dict(values), eval_kwargs=dict(values))
    client.initialize({ExtraItems.CLIENT_NAME: "client"})
    weights = torch.load(bundle / "models" / "model.pt", weights_only=True)
    for _ in range(rounds):
        client.train(ExchangeObject(weights=weights))
        # a server gets a copy, by way of the network
        weights = {name: torch.as_tensor(value).clone() for name, value in client.get_weights().weights.items()}
    sent = bundle.parent / f"{bundle.name}_sent.pt"
    torch.save(weights, sent)
    client.finalize()
    return sent, bundle / "models" / "model.pt"


def mean_dice(task: str, weights: Path, items: Items) -> float:
    """Over the images with a structure, of the network by the engine torch."""
    results = evaluate(Predictor(task, engine="torch", device="cpu", weights=weights), items)
    return float(np.mean([result.dice or 0.0 for result in results if result.has_structure]))


def copied(task: str, folder: Path) -> Path:
    """A copy of the released bundle."""
    return Path(shutil.copytree(bundle_path(task), folder / task))


def chosen(task: str, data: Path, count: int) -> list[dict[str, Any]]:
    """Images of the test part, spread over its groups."""
    items = load_datalist(data / DATA[task], "test")
    return [items[index] for index in np.linspace(0, len(items) - 1, min(count, len(items))).astype(int)]


def compare(task: str, data: Path, count: int, epochs: int, work: Path, **overrides: Any) -> dict[str, float]:
    """Mean Dice by what made the weights."""
    items = chosen(task, data, count)
    found = {"released": mean_dice(task, bundle_path(task) / "models" / "model.pt", items)}
    found["stock training"] = mean_dice(task, stock_training(copied(task, work / "stock"), items, epochs, **overrides), items)
    sent, kept = federated_round(copied(task, work / "federated"), items, 1, **overrides)
    found["federated round, sent"], found["federated round, kept"] = mean_dice(task, sent, items), mean_dice(task, kept, items)
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Print a row of figures for each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default="fetal_head,breast", help="separated by commas (default: %(default)s)")
    parser.add_argument("--images", type=int, default=40, help="of each task (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=2, help="of the stock training (default: %(default)s)")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of the data sets (default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, help="where the copies go (default: a temporary folder)")
    args = parser.parse_args(words)
    torch.set_num_threads(2)
    logging.disable(logging.WARNING)  # of the trainings: what counts is printed below
    worse = 0
    with tempfile.TemporaryDirectory() as temporary:
        for task in args.tasks.split(","):
            found = compare(task, args.data, args.images, args.epochs, args.output or Path(temporary))
            for name, dice in found.items():
                below = dice < found["released"]
                worse += below
                print(f"{task:15} {name:22} Dice {dice:.4f}{'  below the released weights' if below else ''}", flush=True)
    return int(worse > 0)


if __name__ == "__main__":
    sys.exit(main())
