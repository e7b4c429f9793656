"""``usseg compare``: words to settings, and the verdict."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from usseg_monai.cli import main
from usseg_monai.training.comparison import compare

COMMAND = ["compare", "fetal_head", "--vary", "optimizer=Adam,SGD", "--epochs", "3", "--data", "hc18", "-o", "out"]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Arguments of the comparisons that were started; none is done."""
    seen: list[tuple[Any, ...]] = []

    def fake(*arguments: Any, report: Any) -> SimpleNamespace:
        seen.append(arguments)
        print("a line of MONAI's log")
        return SimpleNamespace(verdict="Adam is ahead of SGD")

    monkeypatch.setattr(compare, "compare", fake)
    return seen


def test_settings_and_shared_overrides(calls: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*COMMAND, "--vary", "learning_rate=1e-3,1e-4", "batch_size=8"]) == 0
    vary = {"optimizer": ["Adam", "SGD"], "learning_rate": ["1e-3", "1e-4"]}
    assert calls == [("fetal_head", Path("hc18"), Path("out"), vary, 3, {"batch_size": 8})]
    assert capsys.readouterr().out == "Adam is ahead of SGD\nwritten to out\n"


def test_json_is_all_that_stands_on_standard_output(calls: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*COMMAND, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"verdict": "Adam is ahead of SGD", "output": "out"}


def test_a_setting_without_values_is_wrong_use(calls: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*COMMAND, "--vary", "learning_rate"]) == 2
    assert calls == []
    assert "KEY=A,B" in capsys.readouterr().err
