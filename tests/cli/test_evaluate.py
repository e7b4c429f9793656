"""``usseg evaluate`` from the shell's side, with a predictor in place of the network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.data.samples import drawn_disc, make_hc18
from tests.data.test_evaluation import Answers, DiscPredictor
from usseg_monai.cli import main
from usseg_monai.data.datalist import load_datalist

HC = "head_circumference_mm"


@pytest.fixture
def predictors(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Every predictor that the command made: its task and options."""
    made: list[tuple[str, dict[str, Any]]] = []

    def make(task: str, **options: Any) -> DiscPredictor:
        made.append((task, options))
        return DiscPredictor()

    monkeypatch.setattr("usseg_monai.inference.predictor.Predictor", make)
    return made


def test_figures_and_files(predictors: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, output = make_hc18(tmp_path / "hc18"), tmp_path / "out"
    assert main(["evaluate", "fetal_head", str(root), "-o", str(output), "--section", "training", "--threads", "2"]) == 0
    assert predictors == [("fetal_head", {"engine": "auto", "device": "auto", "threads": 2, "weights": None, "configs": []})]
    metrics = json.loads((output / "metrics.json").read_text())
    assert (metrics["task"], metrics["section"], metrics["cases"], metrics["groups"]) == ("fetal_head", "training", 3, 2)
    assert metrics["dice"]["mean"] == 1.0
    assert len((output / "cases.csv").read_text().splitlines()) == 4
    printed = capsys.readouterr().out
    assert "3 images of 2 groups: 3 ok" in printed
    assert "Dice: mean 1.0000, median 1.0000, 95 % interval 1.0000 to 1.0000" in printed
    assert "pixel accuracy: 100.00 %; with empty masks 77.29 %" in printed
    assert f"{HC}: absolute difference mean" in printed


def test_a_failed_image_is_exit_code_1(predictors: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_hc18(tmp_path / "hc18")
    (root / "training_set" / "000_HC_Annotation.png").write_bytes(b"no picture")
    assert main(["evaluate", "fetal_head", str(root), "-o", str(tmp_path / "out"), "--section", "training"]) == 1
    assert "3 images of 2 groups: 1 failed, 2 ok" in capsys.readouterr().out


def test_an_empty_section_is_wrong_use(predictors: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_hc18(tmp_path / "hc18", names=["000_HC"])
    assert main(["evaluate", "fetal_head", str(root), "-o", str(tmp_path / "out")]) == 2
    assert "nothing in its section test" in capsys.readouterr().err


def test_figures_for_machines(predictors: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, output = make_hc18(tmp_path / "hc18"), tmp_path / "out"
    assert main(["evaluate", "fetal_head", str(root), "-o", str(output), "--section", "training", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((output / "metrics.json").read_text())


def test_images_without_a_structure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    items = load_datalist(make_hc18(tmp_path / "hc18"), "training")
    items[0] = {**items[0], "label": []}
    (tmp_path / "list.json").write_text(json.dumps({"test": items}))
    predictor = Answers(drawn_disc(), {"presence_probability": 0.75})
    monkeypatch.setattr("usseg_monai.inference.predictor.Predictor", lambda *_, **__: predictor)
    assert main(["evaluate", "nerve", str(tmp_path / "list.json"), "-o", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "images without a structure in which one was found: 100.0 % of 1" in printed
    assert "Dice of images with a structure: mean 1.0000" in printed
    assert "area under the ROC curve: 0.5000" in printed
