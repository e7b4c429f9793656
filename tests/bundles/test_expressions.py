"""What the configs execute. A config is a program: ``$`` is evaluated and ``_target_`` imported, so each is on a reviewed list."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ComponentLocator

from tests.bundles.conftest import BUNDLES
from tests.conftest import REPOSITORY

REVIEWED = Path(__file__).with_name("reviewed_expressions.txt")
ALLOWED_LIBRARIES = ("ignite.", "torch.optim.", "torch.nn.", "torch.utils.data.")


def strings(config: Any) -> Iterator[tuple[str, str]]:
    """Every string of a config with the last key above it."""
    for key, value in config.items() if isinstance(config, dict) else enumerate(config):
        if isinstance(value, str):
            yield str(key), value
        elif isinstance(value, (dict, list)):
            yield from strings(value)


def config_strings() -> Iterator[tuple[str, str]]:
    """Every string of every config of every bundle, and of those that rooms add; the name of its own bundle replaced by ``{task}``."""
    for bundle in BUNDLES:
        for file in sorted([*(bundle / "configs").glob("*.json"), *REPOSITORY.glob(f"usseg_monai/*/configs/{bundle.name}/*.json")]):
            if file.name != "metadata.json":
                for key, value in strings(json.loads(file.read_text())):
                    yield key, value.replace(f"'{bundle.name}'", "'{task}'")


def test_every_expression_was_reviewed_and_every_reviewed_one_is_used() -> None:
    lines = (line.strip() for line in REVIEWED.read_text().splitlines())
    reviewed = {line for line in lines if line and not line.startswith("#")}
    used = {value for _, value in config_strings() if value.startswith("$")}
    assert used - reviewed == set(), "read these, then add them to reviewed_expressions.txt"
    assert reviewed - used == set(), "remove these from reviewed_expressions.txt"


@pytest.mark.parametrize("target", sorted({value for key, value in config_strings() if key == "_target_"}))
def test_targets_are_public_and_ours_or_well_known(target: str) -> None:
    if target.startswith("usseg_monai."):
        module, _, name = target.rpartition(".")
        assert hasattr(importlib.import_module(module), name) and not name.startswith("_")
    elif "." in target:
        assert target.startswith(ALLOWED_LIBRARIES)
    else:
        assert ComponentLocator().get_component_module_name(target)


def test_names_nothing_of_any_machine() -> None:
    """No absolute path, no address, no file of another bundle."""
    assert [value for _, value in config_strings() if re.match(r"/|[A-Z]:\\|~|\w+://|%", value)] == []
