"""``usseg tasks``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from usseg_monai.cli import main
from usseg_monai.tasks import TASKS


def test_every_task_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == list(TASKS)


def test_every_task_says_what_it_finds_how_much_it_measures_and_under_which_licence(capsys: pytest.CaptureFixture[str]) -> None:
    main(["tasks"])
    printed = capsys.readouterr().out
    for task in TASKS.values():
        assert task.title in printed and f"finds: {task.labels[1]}" in printed and f"table: {len(task.columns)} columns" in printed
        assert f"weights: released, {task.weights_sha256[:12]}; {task.weights_license}" in printed
        assert all(name in printed for name in task.classes)


def test_weights_that_are_not_there_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("usseg_monai.tasks.bundle_path", lambda name: tmp_path)
    main(["tasks"])
    assert capsys.readouterr().out.count("weights: not in this installation;") == len(TASKS)
    main(["tasks", "--json"])
    assert not any(record["has_weights"] for record in json.loads(capsys.readouterr().out))


def test_json_holds_the_records_without_their_inner_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "--json"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert [record["name"] for record in records] == list(TASKS)
    columns = [column["name"] for column in records[0]["columns"]]
    assert columns == [column.name for column in TASKS["fetal_head"].columns]
    assert not {"measurement", "bundle"} & records[0].keys()
    assert all(record["has_weights"] for record in records)
