"""The list of tasks; what every task's record promises stands in `tests.contracts.task`."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.contracts.bundle import BundleContract
from tests.contracts.task import TaskContract
from usseg_monai.errors import UsageError
from usseg_monai.tasks import TASKS, bundle_path, config_file, get_task


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_held_to_the_contracts(name: str) -> None:
    tests = vars(importlib.import_module(f"tests.tasks.{name}.test_contract")).values()
    for contract in (TaskContract, BundleContract):
        held = [test for test in tests if isinstance(test, type) and issubclass(test, contract) and test is not contract]
        assert [test.name for test in held] == [name] and held[0].__name__.startswith("Test")


def test_unknown_tasks_and_configs_are_wrong_use() -> None:
    with pytest.raises(UsageError, match="unknown task 'heart'"):
        get_task("heart")
    with pytest.raises(UsageError, match="no config 'nothing' for nerve"):
        config_file("nerve", "nothing")


@pytest.mark.parametrize("task", TASKS)
def test_configs_have_names_in_the_bundle_and_in_rooms_and_are_paths_else(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert config_file(task, "train") == bundle_path(task) / "configs" / "train.json"
    assert config_file(task, "teaching_recipe").parts[-4:] == ("teaching", "configs", task, "recipe.json")
    (tmp_path / "train").touch()
    (tmp_path / "mine.json").touch()
    monkeypatch.chdir(tmp_path)
    assert config_file(task, "train").name == "train.json"  # names go before files
    assert config_file(task, "mine.json") == Path("mine.json")
    with pytest.raises(UsageError, match=r"no config 'recipe' .*inference, .*refit, teaching_inference, teaching_recipe, train"):
        config_file(task, "recipe")
