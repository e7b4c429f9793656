"""The list of data sets: names, recognition, and the table of docs/data.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.contracts.dataset import DatasetContract
from tests.datasets import test_contract
from usseg_monai.datasets.registry import SOURCES, get_source, recognise
from usseg_monai.errors import UsageError
from usseg_monai.tasks import TASKS


def test_the_documentation_has_a_row_for_each() -> None:
    text = (REPOSITORY / "docs" / "data.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (?:`(\w+)`|any) \| (.+) \|$", text, re.MULTILINE)
    assert rows == [(source.name, source.content, source.task or "", source.terms) for source in SOURCES.values()]


def test_every_task_has_a_data_set() -> None:
    assert {source.task for source in SOURCES.values()} - {None} == TASKS.keys()


def test_every_data_set_is_held_to_the_contract() -> None:
    tests = (test for test in vars(test_contract).values() if isinstance(test, type) and issubclass(test, DatasetContract))
    held = [test.name for test in tests if test is not DatasetContract]
    assert sorted(held) == sorted(SOURCES)


def test_unknown_names_are_wrong_use() -> None:
    with pytest.raises(UsageError, match=r"unknown data set 'hc19': the data sets are hc18, .*; did you mean 'hc18'\?"):
        get_source("hc19")


def test_what_no_layout_is_is_any_folder(tmp_path: Path) -> None:
    assert recognise(tmp_path).name == recognise(tmp_path / "nowhere").name == "folder"
