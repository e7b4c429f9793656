"""Evaluation against a predictor whose errors are known."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.datasets.samples import PIXEL_SIZE_MM, RADIUS, disc, drawn_disc, make_hc18, write_png
from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.errors import ImageError
from usseg_monai.evaluation.cases import CaseResult, Compared, evaluate_case, write_evaluation
from usseg_monai.evaluation.summary import summarize
from usseg_monai.files.table import read_table
from usseg_monai.imaging import GreyImage, read_image
from usseg_monai.measuring.result import Measurement, Status
from usseg_monai.tasks import get_task

HC = "head_circumference_mm"


@dataclass
class DiscPredictor:
    """Answers every image with a disc."""

    radius: float = RADIUS
    task = get_task("fetal_head")

    def predict(self, source: Path | GreyImage, *, spacing_mm: tuple[float, float] | None = None) -> Any:
        if not (isinstance(source, Path) and source.is_file()):
            raise ImageError(f"{source} is not there")
        mask = drawn_disc(self.radius) if self.radius else np.zeros((40, 60), np.uint8)
        image = GreyImage(np.zeros((40, 60), np.float32), spacing_mm)
        return SimpleNamespace(mask=mask, image=image, measurement=self.task.measure(mask, spacing_mm))


@pytest.fixture
def item(tmp_path: Path) -> dict[str, Any]:
    return load_datalist(make_hc18(tmp_path), "test")[0]


def test_a_perfect_prediction(item: dict[str, Any]) -> None:
    result = evaluate_case(DiscPredictor(), item)
    assert (result.status, result.group, result.dice) == (Status.OK, "015", 1.0)
    assert set(result.compared) == {HC, "biparietal_diameter_mm", "occipitofrontal_diameter_mm"}
    assert result.compared["biparietal_diameter_mm"].difference == 0
    assert result.compared[HC].reference == item[HC]  # the published value, not the measured one
    assert result.annotation[HC] == pytest.approx(item[HC], rel=0.01)
    assert (result.contour_distance, result.hd95, result.unit) == (0.0, 0.0, "mm")


def test_a_larger_prediction(item: dict[str, Any]) -> None:
    result = evaluate_case(DiscPredictor(15), item)
    assert result.dice == pytest.approx(2 * drawn_disc().sum() / (drawn_disc().sum() + drawn_disc(15).sum()))
    assert result.contour_distance == pytest.approx(3 * PIXEL_SIZE_MM, abs=PIXEL_SIZE_MM / 2)
    bpd = result.compared["biparietal_diameter_mm"]
    assert bpd.difference == pytest.approx(2 * 3 * PIXEL_SIZE_MM, abs=0.5 * PIXEL_SIZE_MM)


def test_an_empty_prediction_counts_for_overlap_only(item: dict[str, Any]) -> None:
    result = evaluate_case(DiscPredictor(0), item)
    assert (result.status, result.dice, result.compared) == (Status.EMPTY, 0.0, {})


def test_without_spacing_and_reference_only_overlap_is_compared(item: dict[str, Any]) -> None:
    bare = {key: item[key] for key in ("image", "label")}
    result = evaluate_case(DiscPredictor(), bare)
    assert result.dice == 1.0
    assert result.compared == {}
    assert result.group == item["image"]
    assert (result.contour_distance, result.unit) == (0.0, "px")


def test_what_cannot_be_read_is_a_failed_case(item: dict[str, Any], tmp_path: Path) -> None:
    result = evaluate_case(DiscPredictor(), item | {"image": str(tmp_path / "gone.png")})
    assert (result.status, result.dice) == (Status.FAILED, None)
    assert "gone.png is not there" in result.message
    other = write_png(tmp_path / "other.png", disc(rows=41))
    result = evaluate_case(DiscPredictor(), item | {"label": str(other)})
    assert "41 rows x 60 columns: its image has 40 x 60" in result.message


@dataclass
class Answers:
    """Answers with what was prepared for a task with further outputs."""

    mask: Any
    outputs: dict[str, float]
    task: Any = None

    def __post_init__(self) -> None:
        nerve = vars(get_task("nerve")) | {"outputs": ("presence_probability",), "measure": self.measure}
        self.task = SimpleNamespace(**nerve)

    def measure(self, mask: Any, spacing_mm: Any, **outputs: float) -> Measurement:
        unknown = dict.fromkeys(column.name for column in get_task("nerve").columns)
        return Measurement({**unknown, **outputs}, Status.OK if mask.any() else Status.EMPTY)

    def predict(self, source: Any, *, spacing_mm: tuple[float, float] | None = None) -> Any:
        self.shown = source
        image = GreyImage(np.zeros(self.mask.shape, np.float32), spacing_mm)
        return SimpleNamespace(mask=self.mask, image=image, measurement=self.measure(self.mask, None, **self.outputs))


def test_outputs_and_kinds_are_carried(item: dict[str, Any]) -> None:
    predictor = Answers(np.zeros((40, 60), np.uint8), {"presence_probability": 0.25})
    result = evaluate_case(predictor, item | {"label": [], "class": 2, "source": "BUSI", "objection": "axilla"})
    assert result.outputs == {"presence_probability": 0.25}
    assert (result.category, result.source, result.objection) == (2, "BUSI", "axilla")
    assert (result.dice, result.has_structure, result.found) == (1.0, False, False)
    gone = evaluate_case(DiscPredictor(), item | {"image": "gone.png", "class": 1})
    assert (gone.status, gone.category, gone.has_structure) == (Status.FAILED, 1, True)


def test_a_failure_knows_whether_there_was_a_structure(item: dict[str, Any]) -> None:
    class Failing(DiscPredictor):
        def predict(self, source: Path | GreyImage, *, spacing_mm: tuple[float, float] | None = None) -> Any:
            raise ImageError("no mask")

    assert evaluate_case(Failing(), item).has_structure
    failed = evaluate_case(Failing(), item | {"label": [], "phase": 3})
    assert (failed.status, failed.has_structure, failed.phase) == (Status.FAILED, False, 3)


def test_a_window_is_all_that_is_shown(item: dict[str, Any]) -> None:
    predictor = Answers(np.ones((20, 30), np.uint8), {"presence_probability": 0.9})
    result = evaluate_case(predictor, item | {"window": [0, 0, 20, 30]})
    assert np.array_equal(predictor.shown.pixels, read_image(item["image"]).pixels[:20, :30])
    truth = read_annotation(item["label"], (40, 60))[:20, :30]
    assert result.dice == pytest.approx(2 * truth.sum() / (truth.sum() + 600))
    assert result.pixel_accuracy == pytest.approx(truth.mean())
    assert result.background == pytest.approx(1 - truth.mean())


def cases() -> list[CaseResult]:
    def case(name: str, group: str, overlap: float, difference: float) -> CaseResult:
        return CaseResult(Path(name), group, Status.OK, "", overlap, {HC: Compared(100 + difference, 100.0)})

    return [
        case("a1", "a", 0.9, 1.0),
        case("a2", "a", 0.8, -7.0),
        case("b1", "b", 1.0, 3.0),
        CaseResult(Path("b2"), "b", Status.EMPTY, "", 0.0),
        CaseResult(Path("c"), "c", Status.FAILED, "text, with a comma"),
    ]


def test_the_files(tmp_path: Path) -> None:
    write_evaluation(tmp_path / "out", cases(), summarize(cases()))
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["status"]["ok"] == 3
    with (tmp_path / "out" / "cases.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["file"] for row in rows] == ["a1", "a2", "b1", "b2", "c"]
    assert (rows[1][HC], rows[1][f"{HC}_reference"], rows[1][f"{HC}_difference"]) == ("93.0000", "100.0000", "-7.0000")
    assert (rows[3]["dice"], rows[3][HC]) == ("0.0000", "")
    assert (rows[4]["dice"], rows[4]["message"]) == ("", "text, with a comma")


def test_outputs_have_columns_of_their_own(tmp_path: Path) -> None:
    result = CaseResult(Path("a"), "a", Status.OK, "", 0.5, outputs={"presence_probability": 0.25}, category=1, source="BUSI", hd95=2.5)
    write_evaluation(tmp_path, [result], {})
    with (tmp_path / "cases.csv").open(newline="") as stream:
        row = next(csv.DictReader(stream))
    assert (row["dice"], row["contour_distance"], row["hd95"], row["unit"]) == ("0.5000", "", "2.5000", "px")
    assert (row["presence_probability"], row["class"], row["source"], row["objection"]) == ("0.2500", "1", "BUSI", "")


def test_names_and_messages_are_no_formulas_of_a_spreadsheet(tmp_path: Path) -> None:
    write_evaluation(tmp_path, [CaseResult(Path("=1+1.png"), "+b", Status.FAILED, "=cmd")], {})
    (row,) = read_table(tmp_path / "cases.csv")
    assert (row["file"], row["message"]) == ("=1+1.png", "=cmd")
    assert (tmp_path / "cases.csv").read_text().splitlines()[1].startswith("'=1+1.png,'+b,")
