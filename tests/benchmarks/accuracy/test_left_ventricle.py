"""Accuracy on a tiny Sunnybrook set with cavities of known areas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.accuracy import left_ventricle
from tests.benchmarks.accuracy.predictors import Knowing
from tests.datasets.samples import disc, write_png
from tests.datasets.test_sunnybrook import make_dicom
from usseg_monai.datasets.datalist import read_dataset, to_datalist
from usseg_monai.datasets.sunnybrook import read_sunnybrook
from usseg_monai.tasks.left_ventricle.record import LEFT_VENTRICLE

RADII = {1: 12, 21: 10, 9: 6, 29: 5}
"""Number of a picture -> radius: two slices at phases 0 and 8."""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for patient in ("SC-HF-NI-33", "SC-HYP-01"):
        for number, radius in RADII.items():
            name = f"{patient}-IM-0001-{number:04d}.dcm.png"
            mask = disc(radius=radius)
            write_png(tmp_path / "png" / "training" / "images" / name, mask * 100 + 20)
            write_png(tmp_path / "png" / "training" / "labels" / name, mask * 255)
    monkeypatch.setattr(left_ventricle, "command_ejection_fraction", lambda folder: 4.0)
    return make_dicom(tmp_path)


def predictor(data: Path, shift: int) -> Knowing:
    items = to_datalist(read_dataset("sunnybrook", data))["test"]
    labels = {item["image"]: item["label"] for item in items}
    labels |= {str(case.image): case.label for case in read_sunnybrook(data, images="dicom").cases}
    return Knowing(LEFT_VENTRICLE, labels, shift)


@pytest.fixture
def report(data: Path) -> dict[str, Any]:
    return left_ventricle.measure(data, predictor(data, 0), predictor(data, 9))


def test_figures_of_known_errors(report: dict[str, Any]) -> None:
    assert (report["test"]["cases"], report["test"]["groups"]) == (8, 2)
    assert report["test"]["dice"]["mean"] == 1.0
    assert report["poor"]["mean"] == 0 and report["reference_poor"]["mean"] == 0.75  # all but the largest
    fractions = report["ejection_fraction"]["SC-HYP-01"]
    assert fractions["manual"] == fractions["found"] == pytest.approx(100 * (1 - (6**2 + 5**2) / (12**2 + 10**2)), abs=1.5)
    assert report["advantage"]["interval_95"][0] > 0
    assert left_ventricle.missed_bars(report) == []
    assert left_ventricle.eval_metrics(report)["ejection_fraction_mean_absolute_difference_points"] == 0


def test_stacks_have_millimetres_and_a_part(report: dict[str, Any]) -> None:
    stack = report["stacks"]["SC-HF-I-01"]
    assert (stack["part"], stack["found"]) == ("validation", 4.0)
    assert stack["manual"] == pytest.approx(0.0)  # the same contour in two phases
    assert stack["contours"]["contours"] == 2
    assert stack["contours"]["good_share"] == stack["contours"]["dice_all"] == 1.0
    assert stack["contours"]["apd_mm"] == 0.0


def test_the_fraction_that_is_found_follows_the_masks(data: Path) -> None:
    half = predictor(data, 0)
    half.labels = {name: label for name, label in half.labels.items() if "-0009." not in name}  # a systolic slice is missed
    found = left_ventricle.measure(data, half, None)["ejection_fraction"]["SC-HYP-01"]
    assert found["found"] == pytest.approx(100 * (1 - 5**2 / (12**2 + 10**2)), abs=1.5)
    assert found["manual"] < found["found"]


def test_the_tables(report: dict[str, Any]) -> None:
    text = left_ventricle.markdown(report)
    assert (
        "| SC-HF-I-01 | validation | `usseg predict`, whole stack | 0.0 % | 4.0 % | 100 % of 2 | 0.00 mm | 0.00 mm | 1.000 / 1.000 |"
        in text
    )
    assert "| reference: strided CNN | 8 |" in text
    assert "of DICOM stacks 4.0 points" in left_ventricle.overview(report)[0][4]


def test_bars(report: dict[str, Any]) -> None:
    report["stacks"]["SC-HF-I-01"]["found"] = 5.5
    assert left_ventricle.missed_bars(report) == ["ejection fraction of the DICOM patients is 5.5 points off, allowed are 5"]
    report["stacks"] = {}
    assert left_ventricle.missed_bars(report)[0].startswith("no ejection fraction of the DICOM patients")
