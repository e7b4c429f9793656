"""The command with a predictor that is easily put off, and the marks on made-up figures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.robustness import __main__ as robustness
from benchmarks.robustness.degradations import DEGRADATIONS
from benchmarks.robustness.measure import choose, measure
from benchmarks.robustness.pictures import draw
from benchmarks.robustness.report import markdown, missed_bars
from tests.datasets.samples import make_hc18
from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.errors import ImageError
from usseg_monai.imaging import GreyImage
from usseg_monai.predict.predictor import Prediction
from usseg_monai.tasks import TASKS, get_task


class Threshold:
    """Takes all that is brighter than 70 for a head: 120 in the tiny data set, on a ground of 20."""

    task = get_task("fetal_head")

    def predict(self, source: Path | GreyImage, *, spacing_mm: tuple[float, float] | None = None) -> Prediction:
        assert isinstance(source, GreyImage)
        mask = (source.pixels > 70).astype(np.uint8)
        image = replace(source, spacing_mm=spacing_mm)
        return Prediction(image, mask, mask.astype(np.float32), self.task.measure(mask, spacing_mm), self.task)


class Strict(Threshold):
    """Refuses pictures that are not of the usual size."""

    def predict(self, source: Path | GreyImage, *, spacing_mm: tuple[float, float] | None = None) -> Prediction:
        if not isinstance(source, GreyImage) or source.pixels.shape != (40, 60):
            raise ImageError("another size")
        return super().predict(source, spacing_mm=spacing_mm)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    make_hc18(tmp_path / "data" / "hc18", names=["015_HC", "015_2HC", "025_HC", "000_HC"])
    return tmp_path / "data"


def report(*mild: float) -> dict[str, Any]:
    """A report whose Dice falls from 0.9 by ``mild`` at the mildest strength of the first degradations, and by 0.2 at all stronger ones."""

    def entry(strength: float, fall: float) -> dict[str, Any]:
        difference = {"value": -fall, "interval_95": (-fall - 0.01, -fall + 0.01)}
        return {"strength": strength, "dice": spread(0.9 - fall), "difference": difference, "status": {"empty": 1, "ok": 3}}

    def spread(mean: float) -> dict[str, Any]:
        return {"cases": 4, "mean": mean, "interval_95": (mean - 0.01, mean + 0.01)}

    found = {
        each.name: [entry(strength, 0.2 if number else mild[at] if at < len(mild) else 0) for number, strength in enumerate(each.strengths)]
        for at, each in enumerate(DEGRADATIONS)
    }
    return {"cases": 4, "groups": 3, "undisturbed": {"dice": spread(0.9), "status": {"ok": 4}}, "degradations": found}


def test_what_falls_too_far_at_the_mildest_strength_is_missed() -> None:
    assert missed_bars(report(0.04, 0.06)) == ["gamma 1.2: Dice 0.8400 is 0.0600 below the undisturbed, allowed are 0.05"]
    assert missed_bars(report(-0.06)) == []  # a gain is no fall


def test_the_table_marks_them() -> None:
    text = markdown({"nerve": report(0.04, 0.06), "breast": report()})
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert "missed** below: 1.\n- `nerve`: gamma 1.2" in text
    assert [row for row in rows if "missed" in row] == [
        "| gamma | 1.2 | 0.8400 (0.8300 to 0.8500) | -0.0600 (-0.0700 to -0.0500) **missed** | 75 % `ok`, 25 % `empty` |"
    ]
    assert "| none | | 0.9000 (0.8900 to 0.9100) | | 100 % `ok` |" in rows
    assert len(rows) == 2 + len(DEGRADATIONS) + 2 * (3 + 3 * len(DEGRADATIONS))
    assert "missed** below: nowhere." in markdown({"breast": report()})


def test_without_a_structure_there_are_dashes_and_nothing_to_miss(tmp_path: Path) -> None:
    nothing = report()
    for entries in nothing["degradations"].values():
        entries[0] |= {"dice": None, "difference": None}
    assert missed_bars(nothing) == []
    assert "| brightness | 10 | - | - | 75 % `ok`, 25 % `empty` |" in markdown({"breast": nothing})
    draw({"breast": nothing}, tmp_path / "picture.png")


def test_the_picture(tmp_path: Path) -> None:
    for name, falling in (("missed", 0.06), ("met", 0.04)):
        draw(dict.fromkeys(TASKS, report(falling)), tmp_path / f"{name}.png")
    missed, met = (np.asarray(Image.open(tmp_path / f"{name}.png").convert("L")) for name in ("missed", "met"))
    assert missed.shape == met.shape and missed.shape[1] > missed.shape[0] > 500
    assert (missed < 100).sum() > (met < 100).sum() + 20  # the ring


def test_a_measurement_of_known_errors(data: Path) -> None:
    measured = measure(Threshold(), load_datalist(data / "hc18", "test"))
    assert (measured["cases"], measured["groups"]) == (3, 2)
    assert measured["undisturbed"]["dice"]["mean"] == 1.0 and measured["undisturbed"]["status"] == {"ok": 3}
    for name, entries in measured["degradations"].items():
        for entry in entries:
            assert entry["difference"]["value"] == pytest.approx(entry["dice"]["mean"] - 1)
            assert sum(entry["status"].values()) == 3
            if name in ("crop", "JPEG"):
                assert entry["dice"]["mean"] > 0.99
    assert [entry["dice"]["mean"] for entry in measured["degradations"]["rotation"]] == pytest.approx([0.98, 0.98, 0.98], abs=0.02)
    brightness, contrast = (measured["degradations"][name] for name in ("brightness", "contrast"))
    assert brightness[0]["dice"]["mean"] == 1.0 > brightness[2]["dice"]["mean"] >= 0.5  # 120 less 50 is not above 70
    assert contrast[2]["dice"]["mean"] < 1  # halved about mid-grey, the ground of 20 is 74
    assert measured["degradations"]["calipers"][0]["dice"]["mean"] < 1


def test_a_refused_picture_counts_as_not_found(data: Path) -> None:
    measured = measure(Strict(), load_datalist(data / "hc18", "test"))
    assert measured["degradations"]["rotation"][0]["status"] == {"ok": 3}
    crop = measured["degradations"]["crop"][2]
    assert (crop["status"], crop["dice"]["mean"], crop["difference"]["value"]) == ({"failed": 3}, 0, -1)


def test_items_are_chosen_by_their_names_alone() -> None:
    items = [{"image": f"{number}.png"} for number in range(50)]
    moved = [{"image": f"elsewhere/{item['image']}"} for item in reversed(items)]
    chosen, others = ([Path(item["image"]).name for item in choose(each, 10)] for each in (items, moved))
    assert chosen == others and len(set(chosen)) == 10
    assert chosen != [item["image"] for item in items[:10]]
    assert len(choose(items, 100)) == 50


def test_a_run(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    docs, file = tmp_path / "robustness.md", tmp_path / "results" / "robustness.json"
    docs.write_text("above\n<!-- robustness:begin -->\nold\n<!-- robustness:end -->\nbelow\n")
    monkeypatch.setattr(robustness, "Predictor", lambda *_, **__: Threshold())
    monkeypatch.setattr(robustness, "DOCS", docs)
    monkeypatch.setattr(robustness, "PICTURE", tmp_path / "picture.png")
    file.parent.mkdir()
    file.write_text(json.dumps({"nerve": report(), "gone": {}}))
    command = ["--task", "fetal_head", "--cases", "2", "--data", str(data), "--output", str(file), "--update-docs"]
    assert robustness.main(command) == 1
    written = json.loads(file.read_text())
    assert list(written) == ["fetal_head", "nerve"] and written["nerve"] == json.loads(json.dumps(report()))
    assert written["fetal_head"]["weights_sha256"] == TASKS["fetal_head"].weights_sha256 and written["fetal_head"]["cases"] == 2
    printed = capsys.readouterr()
    assert printed.out.strip() in docs.read_text() and "old" not in docs.read_text()
    assert "robustness: missed: fetal_head: burnt-in text 1: Dice" in printed.err and "nerve" not in printed.err
    assert (tmp_path / "picture.png").is_file()


def test_without_data_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert robustness.main(["--task", "nerve", "--data", str(tmp_path / "nowhere"), "--output", str(tmp_path / "x.json")]) == 2
    assert "nowhere" in capsys.readouterr().err
    assert not (tmp_path / "x.json").exists()


def test_the_figures_in_the_documentation_are_those_that_were_measured() -> None:
    file = robustness.RESULTS / "robustness.json"
    if not file.is_file():
        pytest.skip(f"{file} is not there: make robustness")
    assert markdown(json.loads(file.read_text())) in robustness.DOCS.read_text()
