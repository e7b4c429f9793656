"""The command: what it writes, prints and returns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.accuracy import __main__ as accuracy
from benchmarks.accuracy import fetal_head
from tests.datasets.samples import make_hc18
from tests.evaluation.test_cases import DiscPredictor
from usseg_monai.errors import WeightsError
from usseg_monai.tasks import TASKS


@pytest.fixture
def data(tmp_path: Path) -> Path:
    make_hc18(tmp_path / "data" / "hc18", names=["015_HC", "015_2HC", "025_HC", "000_HC"])
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy, "Predictor", lambda *_, **__: DiscPredictor(15))
    monkeypatch.setattr(accuracy, "reference_predictor", lambda *_, **__: DiscPredictor(18))


def test_a_run(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "results" / "accuracy.json"
    assert accuracy.main(["--task", "fetal_head", "--data", str(data), "--output", str(file)]) == 1
    written = json.loads(file.read_text())
    assert list(written) == ["fetal_head"]
    assert written["fetal_head"]["weights_sha256"] == TASKS["fetal_head"].weights_sha256
    printed = capsys.readouterr()
    assert "| `fetal_head` | **shipped** | 3 of 2 exams |" in printed.out and "| **shipped network** | 3 |" in printed.out
    assert "missed: fetal_head: Dice" in printed.err and "missed: fetal_head: ADF" in printed.err


def test_figures_of_other_tasks_are_kept(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "accuracy.json"
    monkeypatch.setattr(accuracy, "TASKS", {"fetal_head": None, "nerve": None})
    monkeypatch.setattr(accuracy, "overview", lambda reports: "table")
    file.write_text(json.dumps({"nerve": {"kept": True}, "gone": {}}))
    accuracy.main(["--task", "fetal_head", "--data", str(data), "--output", str(file)])
    written = json.loads(file.read_text())
    assert list(written) == ["fetal_head", "nerve"] and written["nerve"] == {"kept": True}


def test_pages_and_metadata_get_the_figures(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "bundle"
    for file in (tmp_path / "README.md", tmp_path / "accuracy.md", bundle / "docs" / "README.md"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("above\n<!-- accuracy:begin -->\nold\n<!-- accuracy:end -->\nbelow\n")
    (bundle / "configs").mkdir()
    (bundle / "configs" / "metadata.json").write_text(json.dumps({"version": "1.0.0", "eval_metrics": {}}))
    monkeypatch.setattr(accuracy, "README", tmp_path / "README.md")
    monkeypatch.setattr(accuracy, "PAGE", tmp_path / "accuracy.md")
    monkeypatch.setattr(accuracy, "bundle_path", lambda task: bundle)
    file = tmp_path / "accuracy.json"
    accuracy.main(["--task", "fetal_head", "--data", str(data), "--output", str(file), "--update-readme"])
    files = (bundle / "docs" / "README.md", tmp_path / "README.md", tmp_path / "accuracy.md")
    page, readme, site = (path.read_text() for path in files)
    assert "old" not in page + readme + site and page.endswith("below\n")
    assert "| `fetal_head` |" in readme and "| **shipped network** |" not in readme + site
    assert "**shipped**" in site and "**shipped**" not in readme
    assert all("Bars of the project that are missed: " in text for text in (readme, site))
    assert "| **shipped network** |" in page
    report: dict[str, Any] = json.loads(file.read_text())["fetal_head"]
    assert json.loads((bundle / "configs" / "metadata.json").read_text()) == {
        "version": "1.0.0",
        "eval_metrics": fetal_head.eval_metrics(report),
    }


def test_without_a_reference_the_rest_is_measured(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(task: str) -> Any:
        raise WeightsError("no weights at here")

    monkeypatch.setattr(accuracy, "reference_predictor", missing)
    assert accuracy.main(["--task", "fetal_head", "--data", str(data), "--output", str(tmp_path / "x.json")]) == 1
    errors = capsys.readouterr().err
    assert "fetal_head has no reference: no weights at here" in errors
    assert "missed: fetal_head: no reference network" in errors


def test_without_data_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert accuracy.main(["--task", "fetal_head", "--data", str(tmp_path / "nowhere"), "--output", str(tmp_path / "x.json")]) == 2
    assert "nowhere" in capsys.readouterr().err
    assert not (tmp_path / "x.json").exists()


def test_every_task_has_a_benchmark() -> None:
    assert set(TASKS) <= set(accuracy.BENCHMARKS)
