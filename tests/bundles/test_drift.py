"""The configs of one kind differ only where the tasks differ."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import pytest

from tests.bundles.conftest import BUNDLES
from tests.bundles.drift import covers, differences, unexpected

ALLOWED = {
    "train.json": frozenset(
        {
            "bundle_root",
            "dataset_dir",
            "image_size",
            "max_epochs",
            "learning_rate",
            "network_def",
            "loss",
            "train#random_transforms",
            # masks of one channel, or one-hot
            "train#deterministic_transforms#AsDiscreted",
            "train#postprocessing#transforms#Activationsd",
            "train#postprocessing#transforms#AsDiscreted",
            "train#key_metric#train_mean_dice#include_background",
            "validate#key_metric#val_mean_dice#include_background",
            # a second head, for what the image is as a whole
            "imports#$import usseg_monai.training.batches as usseg_batches",
            "train#postprocessing#transforms#SplitHeadsd",
            "train#postprocessing#transforms#Activationsd:2",
            "train#postprocessing#transforms#AsDiscreted:2",
            "train#additional_metrics#train_auc",
            "validate#additional_metrics#val_auc",
            "train#trainer#prepare_batch",
            "validate#evaluator#prepare_batch",
            "train#deterministic_transforms#SelectItemsd",
            "train#dataloader#sampler",
            "train#dataloader#shuffle",
            "calibration",
            "initialize#$@calibration.attach(@train#trainer)",
            # windows of images, with and without the structure
            "imports#$import usseg_monai.datasets.windows as usseg_windows",
            "train#deterministic_transforms#AntialiasedResized",
            "train#deterministic_transforms#CropWindowd",
            "validate#preprocessing#transforms",
            "validate#dataset#data",
            "trust#validation#dataset#data",
        }
    ),
    "inference.json": frozenset(
        {
            "bundle_root",
            "dataset_dir",
            "image_size",
            "network_def",
            "handlers#ResultsHandler#task",
            "postprocessing#transforms#Activationsd",
            "postprocessing#transforms#AsDiscreted",
            "presence_threshold",
            "postprocessing#transforms#Activationsd:2",
            "postprocessing#transforms#NameOutputsd#names#empty_confidence",
            "postprocessing#transforms#NameOutputsd:2",
            "postprocessing#transforms#EmptyUnlessPresentd",
            "ckpt_path",
        }
    ),
    "evaluate.json": frozenset(
        {
            "ckpt_path",
            "validate#preprocessing#transforms#AsDiscreted",
            "validate#postprocessing#transforms#Activationsd",
            "validate#postprocessing#transforms#AsDiscreted",
            "presence_threshold",
            "validate#postprocessing#transforms#SplitHeadsd",
            "validate#postprocessing#transforms#Activationsd:2",
            "validate#postprocessing#transforms#AsDiscreted:2",
            "validate#postprocessing#transforms#EmptyUnlessPresentd",
        }
    ),
    "refit.json": frozenset({"init_from"}),
    "multi_gpu_train.json": frozenset({"initialize#$@calibration.attach(@train#trainer) if dist.get_rank() == 0 else None"}),
}
"""Keys that a task decides, by file; whatever lies below such a key may differ too."""


def pairs(name: str) -> list[tuple[Any, Any]]:
    """Each two of the bundles' configs of one kind."""
    return list(combinations([json.loads((bundle / "configs" / name).read_text()) for bundle in BUNDLES], 2))


@pytest.mark.parametrize("name", ALLOWED)
def test_bundles_differ_only_where_tasks_do(name: str) -> None:
    for first, second in pairs(name):
        assert unexpected(first, second, ALLOWED[name]) == set()


@pytest.mark.parametrize("name", ALLOWED)
def test_every_allowed_key_is_needed(name: str) -> None:
    found = {key for first, second in pairs(name) for key in differences(first, second)}
    assert {allowed for allowed in ALLOWED[name] if not any(covers(allowed, key) for key in found)} == set()


def test_logging_is_the_same_everywhere() -> None:
    assert len({(bundle / "configs" / "logging.conf").read_text() for bundle in BUNDLES}) == 1


def test_finds_changed_added_and_removed_keys() -> None:
    first = {"a": 1, "b": {"c": [1, {"d": 2}], "e": None}, "gone": 0}
    second = {"a": 1, "b": {"c": [1, {"d": 3}], "e": None}, "new": {"x": 1}}
    assert differences(first, second) == {"b#c#1#d", "gone", "new"}
    assert differences(first, first) == set()
    assert differences({"a": [1]}, {"a": [1, 2]}) == {"a"}


def test_an_allowed_key_covers_what_lies_below_it_and_no_longer_name() -> None:
    first = {"net": {"depth": 1}, "network": 1, "run": [1, 2]}
    second = {"net": {"depth": 2}, "network": 2, "run": [1, 3]}
    assert unexpected(first, second, frozenset({"net"})) == {"network", "run#1"}
    assert unexpected(first, second, frozenset({"net", "network", "run#1"})) == set()


def test_a_chain_is_compared_step_by_step_and_in_order() -> None:
    load, first, second = {"_target_": "Load"}, {"_target_": "x.Act", "keys": "a"}, {"_target_": "Act", "keys": "b"}
    assert differences([load, first], [load, first, second]) == {"Act:2"}
    assert differences({"c": [load, first]}, {"c": [load, second]}) == {"c#Act#_target_", "c#Act#keys"}
    assert differences({"c": [load, first]}, {"c": [first, load]}) == {"c"}
    assert differences({"imports": ["$a", "$b"]}, {"imports": ["$a", "$c"]}) == {"imports#$b", "imports#$c"}
