"""The page of an evaluation: agreement in words and drawing, the worst case first, each with its truth."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.datasets.samples import write_png
from tests.evaluation.ellipses import ellipse, make_items, write_masks
from usseg_monai.cli import main
from usseg_monai.evaluation import page
from usseg_monai.evaluation.cases import CaseResult, evaluate_case
from usseg_monai.evaluation.figures import worst_first
from usseg_monai.evaluation.mask_folder import MaskFolder
from usseg_monai.measuring.result import Status

SHIFTS = {"a0": 0.0, "a1": 24.0, "b2": 8.0, "c3": 0.0}


@pytest.fixture
def items(tmp_path: Path) -> list[dict[str, Any]]:
    """Four images with masks that are shifted to the right, and one without a mask."""
    items = make_items(tmp_path / "data", "aabcd")
    for item in items[:4]:
        write_masks(tmp_path / "masks", [item], shift=SHIFTS[Path(item["image"]).stem], scale=1.1 if "a1" in item["image"] else 1.0)
    (tmp_path / "list.json").write_text(json.dumps({"test": items}))
    return items


def evaluated(tmp_path: Path, *more: str) -> int:
    words = ["evaluate", "fetal_head", str(tmp_path / "list.json"), "--masks", str(tmp_path / "masks"), "-o", str(tmp_path / "out")]
    return main([*words, *more])


def test_the_page_of_masks_that_anybody_made(items: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluated(tmp_path) == 1 and not (tmp_path / "out" / "report.html").exists()
    assert evaluated(tmp_path, "--report") == 1
    assert (tmp_path / "out" / "report.html").as_uri() in capsys.readouterr().out
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    table = text[text.index("<table class=sorts>") :]
    assert re.findall(r"scope=row>(?:<a [^>]*>)?(\w+\.png)", table) == ["d4.png", "a1.png", "b2.png", "a0.png", "c3.png"]
    assert text.count("<svg") == text.count("<polygon class=measured") == text.count("<polygon class=truth") == 4
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert f"<b>{metrics['dice']['mean']:.3f}</b><span>mean Dice</span>" in text
    number = metrics["clinical"]["head_circumference_mm"]
    ends = (number["limits_of_agreement"][end]["value"] for end in ("lower", "upper"))
    low, high = (f"{end:.1f} mm" for end in ends)
    assert f"measured values are {number['bias']['mean']:.1f} mm larger than true ones" in text and f"lie between {low} and {high}" in text
    assert text.count("data:image/png;base64,") == 3  # circumference and both diameters
    assert "no mask for d4.png in masks" in text and "5 images of 4 groups" in text
    assert "masks masks" in text and metrics["datalist_sha256"][:12] in text
    assert "Not a medical device" in text and "http" not in text


def test_only_the_worst_have_a_picture(items: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "MOST_PICTURES", 2)
    assert evaluated(tmp_path, "--report") == 1
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "The worst 2 have a picture; the table has all." in text and text.count("<svg") == 1  # the other one failed


def test_the_page_of_a_run_is_not_overwritten(items: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text("{}")
    assert evaluated(tmp_path, "--report") == 2
    assert "give another folder with -o" in capsys.readouterr().err and len(list((tmp_path / "out").iterdir())) == 1


def test_a_true_class_is_said_and_equal_names_are_told_apart(tmp_path: Path) -> None:
    items = make_items(tmp_path / "data", "aa")
    predictor = MaskFolder("breast", write_masks(tmp_path / "masks", items), items)
    same = [replace(evaluate_case(predictor, item), category=2, outputs={}) for item in items]
    other = write_png(tmp_path / "data" / "others" / "a0.png", ellipse() * 100)
    results = [*same, replace(same[0], image=other), replace(same[0], measured={**same[0].measured, "malignant_probability": 0.9})]
    page.write_evaluation_page(tmp_path / "page.html", predictor, [*items, *items], results)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    names = re.findall("class=name>([^<]*) <", text)
    assert sorted(names) == ["images/a0.png", "images/a0.png, 2", "images/a1.png", "others/a0.png"]
    assert text.count("Malignant <small>true</small>") == 1


def test_nothing_to_compare_has_no_drawings(tmp_path: Path) -> None:
    items = make_items(tmp_path / "data", "a")
    predictor = MaskFolder("nerve", write_masks(tmp_path / "masks", items), items)
    page.write_evaluation_page(tmp_path / "page.html", predictor, items, [evaluate_case(predictor, item) for item in items])
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Agreement with the truth" not in text and "1 picture and the truth" in text


def test_relative_and_absolute_paths_have_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert page._names([Path("a/1.png"), tmp_path / "a" / "2.png", tmp_path / "a" / "b" / "2.png"]) == ["1.png", "2.png", "b/2.png"]


def test_failures_come_before_the_smallest_overlap() -> None:
    overlaps = (0.5, 0.0, None, 1.0, 0.0)
    results = [CaseResult(Path("a"), "a", Status.FAILED if dice is None else Status.OK, dice=dice) for dice in overlaps]
    assert worst_first(results) == [2, 1, 4, 0, 3]
