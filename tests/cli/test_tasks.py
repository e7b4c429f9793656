"""``usseg tasks``."""

from __future__ import annotations

import json

import pytest

from usseg_monai.cli import main
from usseg_monai.tasks import TASKS


def test_every_task_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == list(TASKS)


def test_json_holds_the_records_without_their_inner_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "--json"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert [record["name"] for record in records] == list(TASKS)
    columns = [column["name"] for column in records[0]["columns"]]
    assert columns == [column.name for column in TASKS["fetal_head"].columns]
    assert not {"measurement", "bundle"} & records[0].keys()
