"""Accuracy on tiny copies of BUSI, BUS-BRA and BrEaST, with classifiers that know the class, the source, or the marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image

from benchmarks.accuracy import breast, shortcuts
from benchmarks.accuracy.cases import evaluate, read_sections
from benchmarks.accuracy.pictures import draw_confusion, draw_roc
from tests.benchmarks.accuracy.predictors import Knowing
from tests.datasets.samples import disc, make_breast_lesions_usg, make_busbra, make_busi
from usseg_monai.datasets.datalist import read_dataset, to_datalist
from usseg_monai.evaluation.cases import CaseResult
from usseg_monai.imaging import GreyImage
from usseg_monai.measuring.result import Status
from usseg_monai.tasks.breast.record import BREAST

BUSI: Mapping[str, Sequence[str]] = {
    **{f"benign ({number})": ["_mask"] for number in (1, 2, 3, 21, 23, 25)},
    **{f"malignant ({number})": ["_mask"] for number in (1, 8, 20, 6, 10)},
    **{f"normal ({number})": ["_mask"] for number in (2, 8, 1, 13)},
}
BUSBRA = {"0001-l": "benign", "0004-l": "malignant", "0028-l": "benign", "0032-l": "malignant", "0035-l": "benign"}
BREAST_LESIONS_USG = {
    **{"case002": ("benign", 1), "case003": ("malignant", 1), "case004": ("normal", 0)},
    "case001": ("malignant", 1),
    **{"case012": ("benign", 1), "case021": ("malignant", 1), "case032": ("normal", 0), "case039": ("benign", 2)},
}
"""Training, validation and test images."""
TABLE = "benign (21).png,benign (21),,measurement\nbenign (23).png,benign (23),axilla,\nmalignant (6).png,malignant (6),,text\n"
CERTAIN = 0.9


@pytest.fixture
def data(tmp_path: Path) -> Path:
    make_busi(tmp_path / "busi", BUSI, TABLE)
    make_busbra(tmp_path / "busbra", BUSBRA)
    make_breast_lesions_usg(tmp_path / "breast_lesions_usg", BREAST_LESIONS_USG)
    return tmp_path


def items_of(data: Path) -> list[dict[str, Any]]:
    datalist = to_datalist(read_dataset("breast", data))
    return [item for section in ("training", "validation", "test") for item in datalist[section]]


def predictor(data: Path, right: bool = True, shift: int = 1) -> Knowing:
    """One that knows the classes, or takes every lesion for the other kind."""
    items = items_of(data)
    outputs = {}
    for item in items:
        said = item["class"] if right or item["class"] == 0 else 3 - item["class"]
        outputs[item["image"]] = [CERTAIN if index == said else (1 - CERTAIN) / 2 for index in range(3)]
    return Knowing(BREAST, {item["image"]: item["label"] for item in items}, shift, outputs)


@pytest.fixture
def report(data: Path) -> dict[str, Any]:
    return breast.measure(data, predictor(data), predictor(data, right=False))


def test_sources_are_kept_apart(report: dict[str, Any]) -> None:
    busi, busbra, poland = (report["sources"][source] for source in breast.SOURCES)
    assert (busi["cases"], busbra["cases"], poland["cases"]) == (7, 3, 4)
    assert busi["confusion_matrix"] == [[2, 0, 0], [0, 3, 0], [0, 0, 2]]
    assert busbra["confusion_matrix"] == [[0, 0, 0], [0, 2, 0], [0, 0, 1]]
    assert poland["confusion_matrix"] == [[1, 0, 0], [0, 2, 0], [0, 0, 1]]
    assert poland["malignant_against_benign"]["value"] == 1.0 and poland["false_positives"]["cases"] == 1
    assert busi["classes"]["area_under_curve"]["value"] == busbra["malignant_against_benign"]["value"] == 1.0
    assert busbra["classes"]["area_under_curve"] is None  # no normals
    assert busi["dice"]["mean"] == pytest.approx((2 + 5 * busi["dice_of_structures"]["mean"]) / 7)
    assert busi["false_positives"]["cases"] == 2 and busbra["false_positives"] is None
    assert report["without_objection"]["BUSI"]["cases"] == 6


def test_the_operating_point_finds_the_malignant_validation_images(data: Path) -> None:
    validation = evaluate(predictor(data), read_sections("breast", data)["validation"])
    assert breast.operating_point(validation) == pytest.approx(CERTAIN)


def sized(image: str, found: Mapping[str, float], true: Mapping[str, float], unit: Literal["mm", "px"] = "mm") -> CaseResult:
    return CaseResult(Path(image), image, Status.OK, dice=0.5, measured=found, annotation=true, unit=unit, has_structure=bool(true))


def test_sizes_are_compared_where_pixels_have_one() -> None:
    results = [
        sized("a", {"long_axis_mm": 12.0, "area_mm2": 90.0}, {"long_axis_mm": 10.0, "area_mm2": 100.0}),
        sized("b", {"long_axis_mm": 20.0, "area_mm2": 250.0}, {"long_axis_mm": 24.0, "area_mm2": 300.0}),
        sized("missed", {"total_area_mm2": 0.0}, {"long_axis_mm": 8.0, "area_mm2": 40.0}),
        sized("normal", {"long_axis_mm": 5.0, "area_mm2": 10.0}, {}),
        sized("pixels", {"long_axis_px": 5.0}, {"long_axis_px": 15.0}, "px"),
    ]
    sizes = breast.measure_sizes(results)
    assert (sizes["long_axis_mm"]["mean"], sizes["area_mm2"]["mean"]) == (3.0, 30.0)
    assert sizes["long_axis_mm"]["interval_95"] == (2.0, 4.0)
    assert {figure["without_value"] for figure in sizes.values()} == {1}
    assert breast.measure_sizes(results[-2:]) == {}


def test_a_size_is_that_of_the_shipped_measurement(data: Path) -> None:
    items = [item for item in to_datalist(read_dataset("breast", data))["test"] if item["source"] == "BrEaST"]
    ((column, figure), area) = breast.measure_sizes(evaluate(predictor(data, shift=-30), items)).items()
    assert column == "long_axis_mm" and figure["cases"] == 3
    assert 0 < figure["mean"] < 3.1  # discs of 3.1 mm, cut by the edge where they are moved out of the picture
    assert area[0] == "area_mm2" and 0 < area[1]["mean"] < 7.1


def test_a_lesion_called_normal_with_confidence_is_counted(data: Path) -> None:
    knowing = predictor(data)
    outputs = {name: [0.85, 0.1, 0.05] if "case021" in name else [0.7, 0.2, 0.1] for name in knowing.outputs}
    items = [item for item in to_datalist(read_dataset("breast", data))["test"] if item["source"] == "BrEaST"]
    results = evaluate(replace(knowing, outputs=outputs), items)
    assert breast.measure_source(results, None)["confident_false_normals"]["mean"] == pytest.approx(1 / 3)
    assert breast.source_shortcut(results)["BrEaST lesions called normal"]["mean"] == 1.0


def test_eval_metrics_name_their_source(report: dict[str, Any]) -> None:
    metrics = breast.eval_metrics(report)
    assert metrics["breast_lesions_usg_malignant_area_under_curve"] == 1.0
    assert metrics["breast_lesions_usg_long_axis_mean_absolute_difference_mm"] == 0.0
    assert all(name.startswith(("busi_", "busbra_", "breast_lesions_usg_")) for name in metrics)


def test_classes_are_judged(report: dict[str, Any]) -> None:
    busi = report["sources"]["BUSI"]
    assert busi["sensitivity"]["mean"] == busi["specificity"]["mean"] == 1.0
    assert busi["expected_calibration_error"] == pytest.approx(1 - CERTAIN)
    assert report["reference_sources"]["BUSI"]["malignant_against_benign"]["value"] == 0.0
    assert report["advantage"]["value"] > 0.5 and report["advantage"]["interval_95"][0] > 0
    assert breast.missed_bars(report) == []


def test_bars(data: Path) -> None:
    missed = breast.missed_bars(breast.measure(data, predictor(data, right=False, shift=20), predictor(data)))
    assert [line.split(" is ")[0].rstrip(" 0123456789.") for line in missed] == [
        "BUSI: Dice of lesions",
        "BUSI: Dice of all images",
        "BUSI: macro-AUC",
        "BUS-BRA: Dice of lesions",
        "BUS-BRA: AUC malignant against benign",
        "BrEaST: Dice of lesions",
        "BrEaST: AUC malignant against benign",
        "shipped minus reference",
    ]


def test_the_source_alone_tells_little(report: dict[str, Any]) -> None:
    baseline = report["knows_only_the_source"]
    assert baseline["says"]["BUSI"] == pytest.approx([1 / 4, 2 / 4, 1 / 4])
    assert baseline["says"]["BUS-BRA"] == [0, 1, 0]
    assert baseline["says"]["BrEaST"] == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    assert 0.5 < baseline["macro_area_under_curve"]["value"] < 0.8
    figures = report["source_shortcut"]
    assert all(figures[f"{source} lesions called normal"]["mean"] == 0 for source in breast.SOURCES)
    assert figures["normal against lesions within BUSI"]["value"] == 1.0


@dataclass
class Everywhere:
    """Finds a lesion wherever it looks, with a status."""

    status: Status
    task = BREAST

    def predict(self, source: GreyImage | Path, *, spacing_mm: tuple[float, float] | None = None) -> Any:
        said = Knowing(BREAST, {}, outputs={"": [0.0, 1.0, 0.0]}).predict(source)
        return replace(said, mask=np.ones_like(said.mask), measurement=replace(said.measurement, status=self.status))


def test_windows_tell_what_is_found_where_nothing_is(data: Path) -> None:
    items = to_datalist(read_dataset("breast", data))["test"]  # its lesions leave no room beside them, normal images do
    for finds, found, unwarned in ((Everywhere(Status.OK), 1, 1), (Everywhere(Status.LOW_CONFIDENCE), 1, 0), (predictor(data), 0, 0)):
        windows = breast.measure_windows(finds, items)
        assert {source: summary["dice_of_structures"]["cases"] for source, summary in windows.items()} == {
            "BUSI": 5,
            "BUS-BRA": 3,
            "BrEaST": 3,
        }
        assert (windows["BUSI"]["false_positives"]["cases"], windows["BUSI"]["false_positives"]["mean"]) == (2, found)
        assert windows["BUSI"]["false_positives_without_a_warning"]["mean"] == unwarned
        assert windows["BUS-BRA"]["false_positives"] is None


def test_tables_and_pictures(report: dict[str, Any], tmp_path: Path) -> None:
    text = breast.markdown(report)
    for words in (
        "| **shipped network**, BUSI | 7 |",
        "| knows only the source, all sources | 14 |",
        "| BUSI, malignant | 0 | 0 | 2 |",
        "| long axis | 3 | 0 | 0.00 mm",
        "| BrEaST | 3 | 0.0 % (0.0 to 0.0) | 0.0 % (0.0 to 0.0) |",
    ):
        assert words in text
    for table in text.split("\n\n"):
        rows = [line for line in table.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1
    assert [row[0] for row in breast.overview(report)] == ["`breast`, BUSI", "", "`breast`, BUS-BRA", "", "`breast`, BrEaST", ""]
    assert " nan" not in text
    for draw in (draw_confusion, draw_roc):
        draw(report, tmp_path / "picture.png")
        assert np.asarray(Image.open(tmp_path / "picture.png").convert("L")).std() > 10


@dataclass
class Gullible:
    """Calls malignant what has a bright stroke, and normal what has none."""

    task = BREAST

    def predict(self, source: GreyImage | Path, *, spacing_mm: tuple[float, float] | None = None) -> Any:
        assert isinstance(source, GreyImage)
        marked = float(source.pixels.max() > 250)
        return Knowing(BREAST, {}, outputs={"": [1 - marked, 0.0, marked]}).predict(source)


def test_who_listens_to_marks_is_found_out(data: Path) -> None:
    items = [item for item in items_of(data) if item["source"] == "BUSI"]
    for item in items:  # pictures that leave room for brighter strokes
        pixels = np.asarray(Image.open(item["image"])) // 2
        marked = shortcuts.paint_calipers(np.where(np.indices(pixels.shape).sum(0) < 3, 255, pixels).astype(np.float32), disc(92, 128))
        Image.fromarray((marked if item["annotation"] else pixels).astype(np.uint8)).save(item["image"])
    found = shortcuts.measure_shortcuts(Gullible(), items)
    painted_in = found["letters painted in"]
    assert painted_in["images"] == len(BUSI) - 2
    assert painted_in["other_class"] == 0  # white is the brightest of the picture: nothing new for this one
    painted_out = found["burnt-in marks painted out"]
    assert painted_out["images"] == 2
    assert painted_out["malignant_probability"]["benign"] == [1.0, 0.0]
    assert painted_out["other_class"] == 1.0


def test_painting() -> None:
    mask = disc(92, 128, (40, 60), 20)
    ground = np.full((92, 128), 60, np.float32)
    ground[0, 0] = 200
    calipers, letters = shortcuts.paint_calipers(ground, mask), shortcuts.paint_letters(ground, mask)
    rows, cols = np.nonzero(calipers == 200)
    assert calipers[40, 80] == calipers[40, 40] == calipers[20, 60] == calipers[60, 60] == 200
    assert rows.max() == 64 and cols.max() == 84
    assert (letters != ground).sum() > 50 and (letters[:46] == ground[:46]).all()
    for marked in (calipers, letters):
        assert np.abs(shortcuts.paint_out(marked, mask)[2:, 2:] - 60).max() < 25
    assert np.array_equal(shortcuts.paint_out(ground[10:, 10:], mask), ground[10:, 10:])
    nothing = shortcuts.paint_calipers(ground, np.zeros_like(mask))
    assert (nothing[26:66, 38:90] == 200).any()
