"""Our rows of the benchmark, on a tiny set with networks of known errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import public_sets
from tests.benchmarks.accuracy.predictors import Knowing
from tests.datasets.samples import make_hc18
from usseg_monai.datasets import shipped
from usseg_monai.datasets.datalist import read_dataset, to_datalist
from usseg_monai.errors import WeightsError
from usseg_monai.tasks import get_task

NAMES = ("015_HC", "015_2HC", "019_HC", "022_HC", "030_HC", "031_HC")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tiny HC18, all of which is the test section of the list."""
    make_hc18(tmp_path / "hc18", NAMES)
    items = [{"name": name, "group": name.split("_")[0]} for name in NAMES]
    datalist = {"name": "HC18", "task": "fetal_head", "training": [], "validation": [], "test": items}
    monkeypatch.setattr(shipped, "read_shipped", lambda name: datalist)
    return tmp_path


def knowing(data: Path, shift: int, *, blind: bool = False) -> Knowing:
    datalist = to_datalist(read_dataset("hc18", data / "hc18"))
    items = [item for section in ("training", "validation", "test") for item in datalist[section]]
    return Knowing(get_task("fetal_head"), {} if blind else {item["image"]: item["label"] for item in items}, shift)


def test_both_networks_and_their_difference(data: Path) -> None:
    report = public_sets.measure("hc18", data, knowing(data, 0), knowing(data, 6))
    assert (report["task"], report["shipped"]["cases"], report["shipped"]["groups"]) == ("fetal_head", 6, 5)
    assert report["shipped"]["dice"]["mean"] == 1.0 and report["reference"]["dice"]["mean"] < 0.8
    assert report["difference"]["dice"]["mean"] == pytest.approx(1 - report["reference"]["dice"]["mean"])
    text = public_sets.markdown({"hc18": report})
    assert "| `hc18` | **shipped** | 6 of 5 groups | 1.0000 (1.0000 to 1.0000) |" in text
    assert "| | teaching reference | 6 of 5 groups | 0." in text and "| | shipped minus reference | | +0." in text


def test_a_reference_without_masks_has_no_row(data: Path) -> None:
    report = public_sets.measure("hc18", data, knowing(data, 0), knowing(data, 0, blind=True))
    assert set(report) == {"task", "shipped"}
    assert "teaching reference" not in public_sets.markdown({"hc18": report})


def test_structures_without_a_value_are_counted_in_the_table(data: Path) -> None:
    shipped_network = knowing(data, 0)
    shipped_network.labels = {image: label for image, label in shipped_network.labels.items() if "019" not in image}
    text = public_sets.markdown({"hc18": public_sets.measure("hc18", data, shipped_network, knowing(data, 0, blind=True))})
    assert ", 1 without |" in text


def test_the_command_writes_results_and_page(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    page = data / "benchmark.md"
    page.write_text("above\n<!-- benchmark:begin -->\n<!-- benchmark:end -->\n")
    monkeypatch.setattr(public_sets, "PAGE", page)
    monkeypatch.setattr(public_sets, "Predictor", lambda task: knowing(data, 0))
    monkeypatch.setattr(public_sets, "reference_predictor", lambda task: knowing(data, 6))
    command = ["--list", "hc18", "--data", str(data), "--output", str(data / "results.json")]
    assert public_sets.main([*command, "--update-docs"]) == 0
    assert json.loads((data / "results.json").read_text())["hc18"]["shipped"]["dice"]["mean"] == 1.0
    assert "| `hc18` | **shipped** |" in page.read_text() and "| `hc18` | **shipped** |" in capsys.readouterr().out


def test_missing_weights_are_said(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def missing(task: str) -> Knowing:
        raise WeightsError("no weights here")

    monkeypatch.setattr(public_sets, "reference_predictor", missing)
    monkeypatch.setattr(public_sets, "Predictor", missing)
    assert public_sets.main(["--list", "hc18", "--data", str(data), "--output", str(data / "results.json")]) == 2
    assert capsys.readouterr().err == "public_sets: no weights here\n"
