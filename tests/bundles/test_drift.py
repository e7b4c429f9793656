"""The configs of one kind differ only where the tasks differ."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from tests.bundles.drift import differences, unexpected
from usseg_monai import bundle_path
from usseg_monai.tasks import TASKS

ALLOWED = {
    "train.json": frozenset({"bundle_root", "dataset_dir", "image_size", "max_epochs", "network_def"}),
    "inference.json": frozenset({"bundle_root", "dataset_dir", "image_size", "network_def", "handlers#2#task"}),
    "evaluate.json": frozenset[str](),
    "multi_gpu_train.json": frozenset[str](),
}
"""Keys that a task decides, by file; whatever lies below such a key may differ too."""


@pytest.mark.parametrize("name", ALLOWED)
def test_bundles_differ_only_where_tasks_do(name: str) -> None:
    configs = [json.loads((bundle_path(task) / "configs" / name).read_text()) for task in TASKS]
    for first, second in pairwise(configs):
        assert unexpected(first, second, ALLOWED[name]) == set()


@pytest.mark.parametrize("name", ALLOWED)
def test_allowed_keys_are_there(name: str) -> None:
    for task in TASKS:
        config = json.loads((bundle_path(task) / "configs" / name).read_text())
        assert {key for key in ALLOWED[name] if not differences(config, _without(config, key))} == set()


def test_logging_is_the_same_everywhere() -> None:
    assert len({(bundle_path(task) / "configs" / "logging.conf").read_text() for task in TASKS}) == 1


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


def _without(config: object, key: str) -> object:
    """The config without one of its keys."""
    name, _, rest = key.partition("#")
    if isinstance(config, list):
        return [_without(item, rest) if str(i) == name else item for i, item in enumerate(config)]
    assert isinstance(config, dict)
    if not rest:
        return {other: value for other, value in config.items() if other != name}
    return {other: _without(value, rest) if other == name else value for other, value in config.items()}
