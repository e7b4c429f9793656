"""The accuracy benchmark on a tiny data set with a predictor whose errors are known."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import accuracy
from tests.data.samples import make_hc18
from tests.data.test_evaluation import DiscPredictor

TRUE_HC_MM = 150.80  # of the tiny data set


def report(**changes: float) -> dict[str, Any]:
    """A report that meets every bar, but for the changes."""
    values = {"dice": 0.98, "adf": 1.9, "truth": 0.02, "statuses": 10} | changes
    spread = {"standard_deviation": 0.1, "interval_95": (0.5, 1.5)}
    summary = {
        "cases": 10,
        "groups": 8,
        "status": {"ok": values["statuses"]},
        "dice": {"mean": values["dice"], "median": 0.981, **spread},
        "columns": {
            accuracy.HC: {
                "cases": 10,
                "absolute_difference": {"mean": values["adf"], "median": 1.5, **spread},
                "difference": {"mean": -0.25, "median": -0.2, **spread},
                "share_above_5_mm": 0.05,
            }
        },
    }
    empty = {"cases": 0, "groups": 0, "status": {}, "dice": None, "columns": {}}
    truth = {"cases": 10, "mean_error": values["truth"], "mean_absolute_error": 0.03}
    return {"test": summary, "truth": truth, "by_size": {"below 100 mm": copy.deepcopy(summary), "100 to 200 mm": empty}}


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({}, []),
        ({"dice": 0.97}, ["Dice 0.9700 is below 0.975"]),
        ({"adf": 2.2}, ["ADF 2.20 mm is above 2.1 mm"]),
        ({"truth": -0.2}, ["HC of the true masks is -0.200 mm off, allowed are 0.1 mm"]),
        ({"statuses": 9}, ["1 images have no status"]),
    ],
)
def test_a_missed_bar_is_named(changes: dict[str, float], missed: list[str]) -> None:
    assert accuracy.missed_bars(report(**changes)) == missed


def test_the_table() -> None:
    rows = [line for line in accuracy.markdown(report()).splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {9}
    assert (
        rows[2] == "| **shipped network** | 10 | 0.9800 (0.5000 to 1.5000) | 0.9810 | 1.90 mm (0.50 to 1.50) | 1.50 mm | -0.25 mm | 5.0 % |"
    )
    assert [row.split("|")[1].strip() for row in rows[3:]] == ["head circumference below 100 mm"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_hc18(tmp_path / "hc18", names=["015_HC", "015_2HC", "025_HC", "000_HC"])


def run(monkeypatch: pytest.MonkeyPatch, radius: float, data: Path, output: Path) -> tuple[int, dict[str, Any]]:
    monkeypatch.setattr(accuracy, "Predictor", lambda *_, **__: DiscPredictor(radius))
    code = accuracy.main(["--data", str(data), "--output", str(output)])
    return code, json.loads(output.read_text())


def test_a_run(monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, written = run(monkeypatch, 15, data, tmp_path / "results" / "accuracy.json")
    assert code == 1
    assert (written["test"]["cases"], written["test"]["groups"]) == (3, 2)  # 000 is a training exam
    assert written["by_size"]["100 to 200 mm"]["cases"] == 3
    adf = written["test"]["columns"][accuracy.HC]["absolute_difference"]["mean"]
    assert adf == pytest.approx(TRUE_HC_MM * (15 / 12 - 1), rel=0.05)
    assert abs(written["truth"]["mean_error"]) < 0.01 * TRUE_HC_MM
    assert written["worst"][0]["difference"] == pytest.approx(adf)
    printed = capsys.readouterr()
    assert "| **shipped network** | 3 |" in printed.out
    assert "missed: Dice" in printed.err and "missed: ADF" in printed.err


def test_what_was_not_measured_is_the_worst(monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path) -> None:
    results = [
        accuracy.evaluate_case(DiscPredictor(radius), item)
        for radius, item in zip((12, 15, 0), accuracy.load_datalist(data, "test"), strict=True)
    ]
    worst = accuracy.worst(results, count=2)
    assert [case["image"] for case in worst] == [results[2].image.name, results[1].image.name]
    assert worst[0]["difference"] is None


def test_without_data_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert accuracy.main(["--data", str(tmp_path / "nowhere"), "--output", str(tmp_path / "x.json")]) == 2
    assert "cannot be read as a datalist" in capsys.readouterr().err
    assert not (tmp_path / "x.json").exists()
