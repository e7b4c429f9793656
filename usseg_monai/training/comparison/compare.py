"""Train variants of a task under one protocol, so that only the varied settings differ.

Every combination sees the same data, split, seeds, augmentation and number of epochs; early stopping is off. The averaged
weights after the last epoch are evaluated (the best epoch is chosen on the validation part, so its figures there flatter unsteady
trainings), in their deployed form: Dice by case on each image's own grid, over the validation part. The test part stays unseen.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import itertools
import json
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.errors import UsageError
from usseg_monai.evaluation.overlap import dice
from usseg_monai.files.write import write_text
from usseg_monai.imaging import read_image
from usseg_monai.tasks import bundle_path
from usseg_monai.training.comparison.report import Comparison, Variant, write_comparison
from usseg_monai.training.comparison.short_names import short_names
from usseg_monai.training.overrides import check_overrides, parse_value
from usseg_monai.training.records import recorded
from usseg_monai.training.run import train

if TYPE_CHECKING:
    from torch import nn

__all__ = ["compare", "parse_vary"]

_PROTOCOL = ("max_epochs", "patience")
"""Keys that the protocol sets for all variants."""


@dataclass(frozen=True)
class _Combination:
    """One training: the varied settings as given, and all resulting overrides."""

    settings: Mapping[str, str]
    overrides: Mapping[str, Any]

    @property
    def folder(self) -> str:
        # MONAI's configs cannot hold a path with "#"; "$" and "@" would be evaluated.
        return re.sub(r"[^\w.,=+-]+", "-", ",".join(f"{key}={value}" for key, value in self.settings.items()))


def parse_vary(words: Sequence[str]) -> dict[str, list[str]]:
    """Split ``KEY=A,B`` words; a comma within brackets belongs to a value.

    Raises:
        UsageError: a word without key or values, or a key or value given twice.

    >>> parse_vary(["network=plain_unet,encoder_decoder", "image_size=[96,64],[192,128]"])
    {'network': ['plain_unet', 'encoder_decoder'], 'image_size': ['[96,64]', '[192,128]']}
    """
    vary: dict[str, list[str]] = {}
    for word in words:
        key, _, text = word.partition("=")
        key, values = key.replace("::", "#"), _split_values(text)
        if not (key and all(values)):
            raise UsageError(f"{word!r} varies nothing: write KEY=A,B, for example learning_rate=0.002,0.01")
        if key in vary or len(set(values)) < len(values):
            raise UsageError(f"{word!r} gives {key if key in vary else 'a value'} twice: give each once")
        vary[key] = values
    return vary


def _split_values(text: str) -> list[str]:
    values, depth = [""], 0
    for sign in text:
        depth += (sign in "[{(") - (sign in "]})")
        if sign == "," and depth == 0:
            values.append("")
        else:
            values[-1] += sign
    return values


def compare(
    task: str,
    data: Path,
    out: Path,
    vary: Mapping[str, Sequence[str]],
    epochs: int,
    overrides: Mapping[str, Any] | None = None,
    *,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Comparison:
    """Train every combination and write ``compare.csv``, ``compare.json``, ``compare.md`` and two plots into ``out``.

    Each combination has its own folder in ``out``, named after its settings. A finished one is not trained again; an interrupted one
    resumes after its last whole epoch.

    Args:
        task: name of a task.
        data: data set: a datalist's JSON file, an official data set, or a folder of images and masks.
        out: folder for the results.
        vary: key -> values as words; keys are ``network``, ``optimizer`` (`usseg_monai.training.comparison.short_names`) and those of the
            bundle's ``configs/train.json`` (``a#b`` for nested).
        epochs: number of epochs of every training.
        overrides: new values for keys of the config that all combinations share.
        report: called with the number of epochs trained so far and in total.

    Raises:
        UsageError: unknown task, key or value, fewer than two combinations, unusable data, or a folder of another comparison.
        UssegError: a package that training needs is missing, or the config cannot be run with these values.
        OutputError: ``out`` cannot be written.
    """
    if epochs < 1:
        raise UsageError(f"epochs is {epochs}: it must be at least 1")
    config_file = bundle_path(task) / "configs" / "train.json"
    shared = dict(overrides or {})
    combinations = list(_combinations(json.loads(config_file.read_text(encoding="utf-8")), vary, shared))
    training, validation = (load_datalist(data, section) for section in ("training", "validation"))
    protocol = {
        "task": task,
        "epochs": epochs,
        "overrides": shared,
        "config_sha256": _sha256(config_file.read_bytes()),
        "datalist_sha256": _sha256(json.dumps([training, validation]).encode()),
    }
    _claim(out, protocol)

    variants = []
    for number, combination in enumerate(combinations):
        report(number * epochs, len(combinations) * epochs)

        def report_epochs(done: int, total: int, before: int = number * epochs) -> None:
            report(before + done * epochs // total, len(combinations) * epochs)

        variants.append(_finish(task, data, out, combination, epochs, validation, report_epochs))
    report(len(combinations) * epochs, len(combinations) * epochs)

    comparison = Comparison(
        task,
        epochs,
        images=tuple(item["image"] for item in validation),
        groups=tuple(str(item.get("group", item["image"])) for item in validation),
        variants=tuple(variants),
    )
    write_comparison(comparison, out)
    return comparison


def _combinations(config: Mapping[str, Any], vary: Mapping[str, Sequence[str]], shared: Mapping[str, Any]) -> Iterator[_Combination]:
    """All combinations, checked against the bundle's config before any training."""
    for key in _PROTOCOL:
        if key in vary or key in shared:
            raise UsageError(f"{key} is the same for all in a comparison: {'use --epochs' if key == 'max_epochs' else 'leave it out'}")
    if all(len(values) < 2 for values in vary.values()):
        raise UsageError("nothing to compare: give at least one key two values, for example --vary optimizer=Adam,SGD")
    names = short_names(config["network_def"])
    for choice in itertools.product(*([(key, value) for value in values] for key, values in vary.items())):
        chosen = {name: new for key, value in choice for name, new in _overrides_of(key, value, names).items()}
        yield _Combination(dict(choice), _fold(config, {**shared, **chosen}))


def _overrides_of(key: str, value: str, names: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Mapping[str, Any]:
    if key not in names:
        return {key: parse_value(value)}
    if value not in names[key]:
        raise UsageError(f"no {key} {value!r} for this task: choose among {', '.join(names[key])}, or vary a key of the config itself")
    return names[key][value]


def _fold(config: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Merge overrides of an object's parts into an override of the object (``network=...`` with ``network_def#widths=...``).

    >>> _fold({"net": {"depth": 3}, "lr": 1}, {"net#width": 9, "net": {"width": 8}, "lr": 2})
    {'net': {'width': 9}, 'lr': 2}
    """
    result = {key: copy.deepcopy(value) for key, value in overrides.items() if "#" not in key}
    check_overrides(config, result)
    parts = {key: value for key, value in overrides.items() if "#" in key}
    check_overrides({**config, **result}, parts)
    for key, value in parts.items():
        first, *between, last = key.split("#")
        if first not in result:
            result[key] = value
            continue
        target = result[first]
        for name in between:
            target = target[int(name) if isinstance(target, list) else name]
        target[int(last) if isinstance(target, list) else last] = value
    return result


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _claim(out: Path, protocol: Mapping[str, Any]) -> None:
    """Write the protocol into a fresh folder; in a used one it must be the same."""
    earlier = recorded(out / "protocol.json", protocol)
    other = [key for key in protocol if earlier.get(key) != protocol[key]]
    if other:
        raise UsageError(f"{out} holds a comparison with other {', '.join(other)}: repeat it with the same, or give another -o")


def _finish(
    task: str,
    data: Path,
    out: Path,
    combination: _Combination,
    epochs: int,
    items: Sequence[Mapping[str, Any]],
    report: Callable[[int, int], None],
) -> Variant:
    """The result of one combination: read if it was finished earlier, else trained and evaluated."""
    folder = out / combination.folder
    record = folder / "result.json"
    if not record.is_file():
        overrides = {**combination.overrides, "max_epochs": epochs, "patience": epochs}
        train(task, data, folder, overrides, report=report)
        network, image_size = _trained_network(task, folder, overrides)
        variant = Variant(
            settings=combination.settings,
            dice=tuple(_dice_by_case(task, network, image_size, items)),
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            milliseconds=_milliseconds(network, image_size),
            curves=tuple(json.loads((folder / "curves.json").read_text(encoding="utf-8"))),
        )
        write_text(record, json.dumps(dataclasses.asdict(variant), indent=1) + "\n")
    return Variant(**json.loads(record.read_text(encoding="utf-8")))


def _trained_network(task: str, folder: Path, overrides: Mapping[str, Any]) -> tuple[nn.Module, tuple[int, int]]:
    """The averaged network after the last epoch, in evaluation mode, and its image size ``(W, H)``."""
    import torch
    from monai.bundle import ConfigParser

    from usseg_monai.weights.checkpoints import newest_checkpoint

    parser = ConfigParser()
    parser.read_config(str(bundle_path(task) / "configs" / "train.json"))
    parser.update(dict(overrides))
    network: nn.Module = parser.get_parsed_content("network_def")
    state = torch.load(str(newest_checkpoint(str(folder))), map_location="cpu", weights_only=True)
    network.load_state_dict(state["average"])
    width, height = parser.get_parsed_content("image_size")
    return network.eval(), (width, height)


def _dice_by_case(task: str, network: nn.Module, image_size: tuple[int, int], items: Sequence[Mapping[str, Any]]) -> Iterator[float]:
    """Dice of each item on its image's own grid, with the deployed module."""
    import torch

    from usseg_monai.networks.deployed import Deployed
    from usseg_monai.weights.export import presence_threshold

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    deployed = Deployed(copy.deepcopy(network), image_size, presence_threshold(task)).eval().to(device)
    for item in items:
        pixels = read_image(Path(item["image"])).pixels
        truth = read_annotation(item["label"], pixels.shape)
        with torch.inference_mode():
            _, mask, *_ = deployed(torch.from_numpy(pixels.astype(np.float32)).to(device))
        yield dice(mask.numpy(force=True), truth)


def _milliseconds(network: nn.Module, image_size: tuple[int, int], runs: int = 15) -> float:
    """Median time of the network alone for one image, in float32 on one thread of the CPU."""
    import torch

    image = torch.zeros(1, 1, *image_size)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        times = []
        with torch.inference_mode():
            network(image)  # the first run also prepares the kernels
            for _ in range(runs):
                start = time.perf_counter()
                network(image)
                times.append(time.perf_counter() - start)
    finally:
        torch.set_num_threads(threads)
    return 1000 * statistics.median(times)
