"""What a task's network must tell from its own pictures: the other tasks' training images, and pictures made here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from monai.bundle import ConfigParser
from monai.data import DataLoader, Dataset
from torch import Tensor

from benchmarks.made_pictures import KNOWN, made_pictures
from benchmarks.tasks import BENCHMARKED
from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.files.sample import evenly
from usseg_monai.imaging import read_image
from usseg_monai.networks.deployed import DeployedFeatures
from usseg_monai.networks.trust import Trust
from usseg_monai.tasks import TASKS, config_file
from usseg_monai.weights.export import load_network
from usseg_monai.weights.trust import fit_kinds, pooled_features

__all__ = ["Pictures", "Sight", "found_without", "known_pictures"]

OWN = 400
"""Number of training images of the task, evenly chosen: each as it is, and once as in training, which imitates other machines."""
OTHERS = 300
"""Number of training images of each other task."""
MADE = 60
"""Number of made pictures of each kind."""
SEED = 7
"""Of the made pictures; ``benchmarks.trust`` takes others."""

Items = Sequence[Mapping[str, Any]]


class Sight:
    """The pooled features that a task's network has of pictures.

    Args:
        task: of the network.
        weights: its state dict.
    """

    def __init__(self, task: str, weights: Path) -> None:
        self.task = task
        self.network, size = load_network(task, weights)
        self.plain = DeployedFeatures(self.network, size).eval()

    def of(self, pictures: Iterable[Any]) -> Tensor:
        """Of grey values ``(rows, cols)``: ``(pictures, features)``."""
        with torch.inference_mode():
            return torch.cat([self.plain(torch.tensor(pixels, dtype=torch.float32))[0] for pixels in pictures])

    def of_images(self, items: Items) -> Tensor:
        """Of the images of a datalist, as they are."""
        return self.of(read_image(item["image"]).pixels for item in items)

    def of_varied(self, items: Items) -> Tensor:
        """Of the images of a datalist under the augmentation of the task's training."""
        parser = ConfigParser()
        parser.read_config(str(config_file(self.task, "train")))
        batches = DataLoader(Dataset(items, parser.get_parsed_content("train#preprocessing")), batch_size=8)
        return torch.cat(list(pooled_features(self.network, batches)))


class Pictures(NamedTuple):
    """Pooled features ``(pictures, features)``: of the task's images; of other tasks' by name; and of made pictures by kind."""

    own: Tensor
    others: Mapping[str, Tensor]
    made: Mapping[str, Tensor]


def known_pictures(sight: Sight, data: Path) -> Pictures:
    """Training images of all tasks and made pictures, as a network sees them; ``data`` is the folder of all data sets."""

    def training(task: str, most: int) -> Items:
        return evenly(load_datalist(data / BENCHMARKED[task].data, "training"), most)

    own = training(sight.task, OWN)
    return Pictures(
        torch.cat([sight.of_images(own), sight.of_varied(own)]),
        {task: sight.of_images(training(task, OTHERS)) for task in TASKS if task != sight.task},
        {kind: sight.of(made_pictures(kind, MADE, SEED, KNOWN)) for kind in KNOWN},
    )


def found_without(trust: Trust, pictures: Pictures) -> dict[str, float]:
    """Share of each kind's pictures that are found by limits fitted without that kind."""
    found = {}
    for kind, seen in {**pictures.others, **pictures.made}.items():
        others, made = ({name: part[name] for name in part if name != kind} for part in (pictures.others, pictures.made))
        found[kind] = float((fit_kinds(trust, pictures.own, others, made).unlikeness(seen) > 1).float().mean())
    return found
