"""Federated training of a bundle with MONAI's own client, in one process: two hospitals, averaged by a server after every round."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from monai.fl.client import MonaiAlgo
from monai.fl.utils.constants import ExtraItems
from monai.fl.utils.exchange_object import ExchangeObject

__all__ = ["Federation", "Items", "average", "by_group", "federate"]

Items = Sequence[Mapping[str, Any]]
Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Federation:
    """Outcome of a federated training.

    Attributes:
        averaged: the server's weights after the last round.
        sent: what each client sent in the last round.
        kept: the ``models/model.pt`` of each client's bundle, its best by validation.
        validation: each client's images for validation.
    """

    averaged: Path
    sent: tuple[Path, ...]
    kept: tuple[Path, ...]
    validation: tuple[Items, ...]


def federate(bundles: Sequence[Path], items: Items, epochs: int, rounds: int, *, seed: int = 0, **overrides: Any) -> Federation:
    """Train copies of one bundle, each on groups of its own, beginning with the first copy's ``models/model.pt``.

    Args:
        bundles: one copy for each client; the weights of all rounds are written beside them.
        items: images and labels with their ``group``; groups are dealt out to the clients in turn.
        epochs: of a client in one round.
        rounds: after each of which the server averages, weighted by the number of training images.
        seed: of all that is random.
        overrides: of ``train.json`` and ``evaluate.json``.
    """
    parts = by_group(items, len(bundles))
    weights = torch.load(bundles[0] / "models" / "model.pt", weights_only=True)
    clients, divided = [], []
    for bundle, part in zip(bundles, parts, strict=True):
        training, validation = divide(part)
        divided.append((training, validation))
        datalist = bundle.parent / f"{bundle.name}_datalist.json"
        datalist.write_text(json.dumps({"name": bundle.name, "training": training, "validation": validation, "test": validation}))
        values = {"dataset_dir": str(datalist), "device": "$torch.device('cpu')"} | overrides
        # the configuration's own first step sets a seed, in every process that trains
        seeded = values | {"initialize#0": f"$monai.utils.set_determinism(seed={seed})"}
        client = MonaiAlgo(str(bundle), local_epochs=epochs, send_weight_diff=False, train_kwargs=seeded, eval_kwargs=dict(values))
        client.initialize({ExtraItems.CLIENT_NAME: bundle.name})
        clients.append(client)
    for number in range(rounds):
        answers: list[Weights] = []
        for client in clients:
            torch.manual_seed(seed + number)  # of dropout, and of the order of the images
            client.train(ExchangeObject(weights=weights))
            # a server gets a copy over the network
            answers.append({name: torch.as_tensor(value).clone() for name, value in client.get_weights().weights.items()})
        weights = average(answers, [len(training) for training, _ in divided])
    for client in clients:
        client.finalize()
    sent = [_saved(answer, bundle.parent / f"{bundle.name}_sent.pt") for bundle, answer in zip(bundles, answers, strict=True)]
    averaged = _saved(weights, bundles[0].parent / "averaged.pt")
    kept = [bundle / "models" / "model.pt" for bundle in bundles]
    return Federation(averaged, tuple(sent), tuple(kept), tuple(validation for _, validation in divided))


def average(answers: Sequence[Weights], counts: Sequence[int]) -> Weights:
    """Mean of the weights by the number of images; counters, which are integers, are the first client's.

    >>> average([{"a": torch.tensor(1.0)}, {"a": torch.tensor(4.0)}], [2, 1])
    {'a': tensor(2.)}
    """
    shares = [count / sum(counts) for count in counts]
    return {
        name: torch.stack([answer[name] * share for answer, share in zip(answers, shares, strict=True)]).sum(0)
        if value.is_floating_point()
        else value
        for name, value in answers[0].items()
    }


def by_group(items: Items, clients: int) -> list[list[Mapping[str, Any]]]:
    """Items dealt out so that no group is with two clients.

    >>> [[item["group"] for item in part] for part in by_group([{"group": g} for g in "aabbc"], 2)]
    [['a', 'a', 'c'], ['b', 'b']]
    """
    groups = list(dict.fromkeys(item["group"] for item in items))
    return [[item for item in items if groups.index(item["group"]) % clients == client] for client in range(clients)]


def divide(items: Items) -> tuple[Items, Items]:
    """Training and validation items of one client: every fourth group validates, at least one; of a single group every fourth image.

    >>> [[item["group"] for item in part] for part in divide([{"group": g} for g in "aabcde"])]
    [['b', 'c', 'd'], ['a', 'a', 'e']]
    >>> [len(part) for part in divide([{"group": "a"}] * 8)]
    [6, 2]
    """
    if len({item["group"] for item in items}) == 1:
        return [item for number, item in enumerate(items) if number % 4], items[::4]
    parts = by_group(items, 4)
    return [item for part in parts[1:] for item in part], parts[0]


def _saved(weights: Weights, file: Path) -> Path:
    torch.save(weights, file)
    return file
