"""``usseg train``: words to overrides, and the summary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from usseg_monai.cli import main
from usseg_monai.training import run
from usseg_monai.training.run import TrainingResult


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Arguments of the trainings that were started; none is done."""
    seen: list[tuple[Any, ...]] = []

    def train(*arguments: Any, configs: list[str], report: Any) -> TrainingResult:
        seen.append((*arguments, *configs))
        print("a line of MONAI's log")
        return TrainingResult(Path("out/model.pt"), 5, "val_mean_dice", 0.97531, 31.5)

    monkeypatch.setattr(run, "train", train)
    return seen


def test_options_and_overrides_in_any_order(calls: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "fetal_head", "max_epochs=5", "--data", "hc18", "-o", "out", "optimizer#weight_decay=0.05"]) == 0
    assert calls == [("fetal_head", Path("hc18"), Path("out"), {"max_epochs": 5, "optimizer#weight_decay": 0.05})]
    output = capsys.readouterr()
    assert output.out == "5 epochs, best val_mean_dice 0.9753: out/model.pt\n"
    assert output.err == "a line of MONAI's log\n"


def test_configs_are_laid_over_in_their_order(calls: list[tuple[Any, ...]]) -> None:
    assert main(["train", "fetal_head", "--data", "hc18", "-o", "out", "--config", "teaching_recipe", "--config", "my.json"]) == 0
    assert calls[0][-2:] == ("teaching_recipe", "my.json")


def test_json_is_all_that_stands_on_standard_output(calls: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "fetal_head", "--data", "hc18", "-o", "out", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["checkpoint"] == "out/model.pt"
    assert summary["images_a_second"] == 31.5


def test_a_word_without_equals_is_wrong_use(calls: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "fetal_head", "--data", "hc18", "-o", "out", "max_epochs"]) == 2
    assert calls == []
    assert capsys.readouterr().err.startswith("usseg: 'max_epochs' is not an override")


def test_an_unknown_key_names_the_nearest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "fetal_head", "--data", str(tmp_path), "-o", str(tmp_path / "out"), "max_epoch=3"]) == 2
    assert "did you mean max_epochs" in capsys.readouterr().err
