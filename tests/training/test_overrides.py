"""Overrides are held against the config before anything is trained."""

from __future__ import annotations

import json
from typing import Any

import pytest

from usseg_monai.errors import UsageError
from usseg_monai.tasks import TASKS, bundle_path
from usseg_monai.training.overrides import check_overrides, config_keys, parse_overrides

CONFIG: dict[str, Any] = {
    "max_epochs": 10,
    "learning_rate": 1e-3,
    "bfloat16": True,
    "image_size": [288, 192],
    "device": "$torch.device('cpu')",
    "optimizer": {"_target_": "torch.optim.AdamW", "lr": "@learning_rate", "weight_decay": 0.01},
    "train": {"trainer": {"max_epochs": "@max_epochs"}, "handlers": [{"_target_": "StatsHandler"}]},
}


def test_nested_keys_and_values() -> None:
    words = ["train::trainer::max_epochs=3", "learning_rate=1e-4", "device=cuda:1", "network=a=b", "note="]
    expected = {"train#trainer#max_epochs": 3, "learning_rate": 1e-4, "device": "cuda:1", "network": "a=b", "note": ""}
    assert parse_overrides(words) == expected


@pytest.mark.parametrize("words", [["max_epochs"], ["=3"], ["a=1", "a=2"], ["a::b=1", "a#b=2"]])
def test_words_that_are_no_overrides(words: list[str]) -> None:
    with pytest.raises(UsageError):
        parse_overrides(words)


def test_keys_reach_into_dictionaries_and_lists() -> None:
    assert {"train", "train#handlers#0#_target_", "image_size#1"} <= dict(config_keys(CONFIG)).keys()


@pytest.mark.parametrize(
    "word",
    [
        "max_epochs=3",
        "learning_rate=1",
        "bfloat16=false",
        "image_size=144,96",
        "image_size#0=144",
        "device=cuda:1",
        "max_epochs=$2 * 3",
        "optimizer#_target_=torch.optim.SGD",
        "optimizer#lr=0.1",
        "train#handlers#0#_target_=ValidationHandler",
    ],
)
def test_accepted(word: str) -> None:
    check_overrides(CONFIG, parse_overrides([word]))


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("max_epoch=3", "did you mean max_epochs"),
        ("lr=0.1", "did you mean optimizer#lr"),
        ("trainer#max_epochs=3", "train#trainer#max_epochs"),
        ("optimizer#momentum=0.9", "no key 'optimizer#momentum'"),
        ("image_size#2=1", "no key 'image_size#2'"),
        ("max_epochs=ten", "must be a number"),
        ("max_epochs=true", "must be a number"),
        ("bfloat16=1", "must be true or false"),
        ("image_size=288", "must be a list"),
    ],
)
def test_refused(word: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refusal:
        check_overrides(CONFIG, parse_overrides([word]))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("task", TASKS)
def test_keys_that_every_bundle_offers(task: str) -> None:
    config = json.loads((bundle_path(task) / "configs" / "train.json").read_text())
    check_overrides(config, parse_overrides(["max_epochs=1", "learning_rate=0.1", "batch_size=2", "num_workers=0", "optimizer#lr=0.1"]))
