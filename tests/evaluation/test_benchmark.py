"""The report of a benchmark on ellipses whose figures are known in closed form."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.benchmarks.accuracy.predictors import Knowing
from tests.evaluation.ellipses import AXES, SPACING_MM, dice_of_shift, make_items, write_masks
from usseg_monai import __version__
from usseg_monai.datasets.datalist import to_item
from usseg_monai.datasets.sunnybrook import read_sunnybrook
from usseg_monai.evaluation.benchmark import benchmark_report, datalist_digest, paired_differences, patient_numbers
from usseg_monai.evaluation.cases import CaseResult, Compared, evaluate_case
from usseg_monai.evaluation.mask_folder import MaskFolder
from usseg_monai.imaging import Place
from usseg_monai.measuring.result import Status
from usseg_monai.tasks import get_task

HEAD, VENTRICLE = get_task("fetal_head"), get_task("left_ventricle")
HC, EF = "head_circumference_mm", "ejection_fraction_percent"
Items = list[dict[str, Any]]


@pytest.fixture
def items(tmp_path: Path) -> Items:
    return make_items(tmp_path / "data")


def results(items: Items, folder: Path, **masks: Any) -> list[CaseResult]:
    predictor = MaskFolder("fetal_head", write_masks(folder, items, **masks), items)
    return [evaluate_case(predictor, item) for item in items]


def flat(figures: Any) -> list[Any]:
    """All values of nested figures."""
    if isinstance(figures, dict):
        return [value for each in figures.values() for value in flat(each)]
    return [figures]


def test_masks_equal_to_the_truth(items: Items, tmp_path: Path) -> None:
    report = benchmark_report(HEAD, items, results(items, tmp_path / "masks"))
    assert (report["cases"], report["groups"], report["failures"]) == (4, 3, [])
    assert (report["dice"]["mean"], report["dice"]["interval_95"]) == (1.0, (1.0, 1.0))
    for name in ("contour_distance_mm", "hd95_mm"):
        assert (report["contours"][name]["mean"], report["contours"][name]["without_value"]) == (0.0, 0)
    number = report["clinical"][HC]
    assert (number["cases"], number["without_value"], number["bias"]["mean"]) == (4, 0, 0.0)
    assert number["limits_of_agreement"] == {end: {"value": 0.0, "interval_95": (0.0, 0.0)} for end in ("lower", "upper")}
    assert report["versions"]["usseg_monai"] == __version__ and set(report["versions"]) >= {"python", "numpy", "scipy"}
    assert json.loads(json.dumps(report))["dice"]["mean"] == 1.0


@pytest.mark.parametrize("shift", [4, 12, 30])
def test_a_moved_ellipse_has_the_dice_of_two_discs(items: Items, tmp_path: Path, shift: int) -> None:
    report = benchmark_report(HEAD, items, results(items, tmp_path / "masks", shift=shift))
    assert report["dice"]["mean"] == pytest.approx(dice_of_shift(shift), abs=0.002)
    assert report["clinical"][HC]["bias"]["mean"] == pytest.approx(0, abs=0.05)
    # no point of the moved contour is further from the drawn one than the shift; those left and right are as far
    assert report["contours"]["hd95_mm"]["mean"] <= shift * SPACING_MM
    assert report["contours"]["hd95_mm"]["mean"] > 0.8 * shift * SPACING_MM


def test_a_larger_ellipse_is_too_long_by_its_scale(items: Items, tmp_path: Path) -> None:
    scale = 1.1
    report = benchmark_report(HEAD, items, results(items, tmp_path / "masks", scale=scale))
    assert report["dice"]["mean"] == pytest.approx(2 / (1 + scale**2), abs=0.005)
    a, b = (SPACING_MM * axis for axis in AXES)
    h = ((a - b) / (a + b)) ** 2
    circumference = math.pi * (a + b) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))
    assert report["clinical"][HC]["bias"]["mean"] == pytest.approx((scale - 1) * circumference, rel=0.02)
    assert report["clinical"]["biparietal_diameter_mm"]["bias"]["mean"] == pytest.approx((scale - 1) * 2 * a, rel=0.05)


def test_failures_are_named_and_count_as_zero(items: Items, tmp_path: Path) -> None:
    masks = write_masks(tmp_path / "masks", items)
    (masks / "b2.png").unlink()
    predictor = MaskFolder("fetal_head", masks, items)
    report = benchmark_report(HEAD, items, [evaluate_case(predictor, item) for item in items])
    assert report["dice"]["mean"] == report["dice_of_structures"]["mean"] == 0.75
    assert report["failures"] == [{"image": "b2.png", "reason": "no mask for b2.png in masks: expected a file such as b2.png"}]
    assert report["status"] == {"failed": 1, "ok": 3}
    assert report["clinical"][HC]["without_value"] == report["contours"]["hd95_mm"]["without_value"] == 1


def test_distances_in_both_units_stand_apart(items: Items, tmp_path: Path) -> None:
    del items[0]["spacing_mm"], items[1]["spacing_mm"]
    masks = write_masks(tmp_path / "masks", items, shift=8)
    (masks / "c3.png").unlink()
    predictor = MaskFolder("fetal_head", masks, items)
    contours = benchmark_report(HEAD, items, [evaluate_case(predictor, item) for item in items])["contours"]
    assert [(contours[f"hd95_{unit}"]["cases"], contours[f"hd95_{unit}"]["without_value"]) for unit in ("px", "mm")] == [(2, 1), (1, 1)]
    assert contours["hd95_px"]["mean"] == pytest.approx(contours["hd95_mm"]["mean"] / SPACING_MM)


def test_limits_of_agreement_of_known_differences() -> None:
    differences = [-1.0, 0.0, 1.0, 4.0]
    cases = [CaseResult(Path(f"{n}.png"), str(n), Status.OK, "", 1.0, {HC: Compared(200 + d, 200.0)}) for n, d in enumerate(differences)]
    number = benchmark_report(HEAD, [{"image": str(case.image), "group": case.group} for case in cases], cases)["clinical"][HC]
    deviation = 1.96 * np.std(differences, ddof=1)
    limits = number["limits_of_agreement"]
    assert (limits["lower"]["value"], limits["upper"]["value"]) == pytest.approx((1 - deviation, 1 + deviation))
    assert (number["bias"]["mean"], number["absolute_difference"]["mean"]) == (1.0, 1.5)
    low, high = limits["upper"]["interval_95"]
    assert low < 1 + deviation <= high + 1e-9
    alone = benchmark_report(HEAD, [{"image": "0.png"}], cases[:1])["clinical"][HC]
    assert alone["limits_of_agreement"] is None and alone["bias"]["interval_95"] is None


def test_a_set_against_itself_differs_by_nothing(items: Items, tmp_path: Path) -> None:
    masks = results(items, tmp_path / "masks", shift=9, scale=1.05)
    difference = paired_differences(HEAD, masks, masks)
    assert set(difference) >= {"dice", "dice_of_structures", "contour_distance_mm", "hd95_mm", HC}
    for figure in difference.values():
        assert (figure["cases"], figure["mean"], figure["interval_95"]) == (4, 0.0, (0.0, 0.0))


def test_the_better_set_leads_by_what_it_is_better(items: Items, tmp_path: Path) -> None:
    good, bad = results(items, tmp_path / "good", shift=4), results(items, tmp_path / "bad", shift=20)
    difference = paired_differences(HEAD, good, bad)
    assert difference["dice"]["mean"] == pytest.approx(dice_of_shift(4) - dice_of_shift(20), abs=0.004)
    assert difference["contour_distance_mm"]["mean"] < 0 and difference["contour_distance_mm"]["interval_95"][1] < 0
    back = paired_differences(HEAD, bad, good)
    assert back["dice"]["mean"] == -difference["dice"]["mean"]


def test_a_failure_costs_its_dice_but_has_no_distance(items: Items, tmp_path: Path) -> None:
    good = results(items, tmp_path / "good")
    failed = [replace(good[0], status=Status.FAILED, dice=None, contour_distance=None, hd95=None, compared={}), *good[1:]]
    difference = paired_differences(HEAD, good, failed)
    assert difference["dice"]["mean"] == 0.25
    assert difference["hd95_mm"]["cases"] == difference[HC]["cases"] == 3


def test_other_images_are_refused(items: Items, tmp_path: Path) -> None:
    masks = results(items, tmp_path / "masks")
    with pytest.raises(ValueError, match="different images"):
        paired_differences(HEAD, masks, masks[::-1])


def test_the_digest_is_of_names_and_groups(items: Items) -> None:
    digest = datalist_digest(items)
    assert digest == hashlib.sha256(b"a0\ta\na1\ta\nb2\tb\nc3\tc\n").hexdigest()
    moved = [item | {"image": f"/elsewhere/{Path(item['image']).stem}.dcm"} for item in reversed(items)]
    assert datalist_digest(moved) == digest
    assert datalist_digest([*items[1:], items[0] | {"group": "z"}]) != digest
    assert datalist_digest(items[1:]) != digest


def slices(found: float, patient: str = "p", *, failed: bool = False) -> list[CaseResult]:
    """Two slices, 8 mm apart, of 1000 and 500 mm² at end diastole, half of it at end systole; found are ``found`` times as much there."""
    cases: list[CaseResult] = []
    for position, area in ((0.0, 1000.0), (8.0, 500.0)):
        for phase, share, off in ((0, 1.0, 1.0), (8, 0.5, found)):
            place = Place(position_mm=(0.0, 0.0, position), normal=(0.0, 0.0, 1.0))
            drawn = {"area_mm2": area * share, "area_px": area * share}
            measured = {name: value * off for name, value in drawn.items()}
            case = CaseResult(Path(f"{patient}{position}{phase}.png"), patient, Status.OK, "", 1.0, annotation=drawn, measured=measured)
            cases.append(replace(case, phase=phase, place=place))
    if failed:
        cases[0] = replace(cases[0], status=Status.FAILED, dice=None, measured={}, annotation={})
    return cases


def test_volumes_and_fraction_of_patients() -> None:
    numbers = patient_numbers(VENTRICLE, [*slices(1.0), *slices(1.2, "q")])
    assert numbers["end_diastolic_volume_ml"] == {"p": (12.0, 12.0), "q": (12.0, 12.0)}
    assert numbers["end_systolic_volume_ml"]["q"] == pytest.approx((7.2, 6.0))
    assert numbers[EF]["q"] == pytest.approx((40.0, 50.0))
    report = benchmark_report(VENTRICLE, [], [*slices(1.0), *slices(1.2, "q")])
    assert report["clinical"][EF]["bias"]["mean"] == pytest.approx(-5.0)
    assert patient_numbers(HEAD, slices(1.0)) == {}


def test_a_patient_with_a_failed_image_has_no_fraction() -> None:
    cases = [*slices(1.0), *slices(1.0, "q", failed=True), *slices(1.0, "r")]
    number = benchmark_report(VENTRICLE, [], cases)["clinical"][EF]
    assert (number["cases"], number["without_value"]) == (2, 1)
    assert benchmark_report(VENTRICLE, [], cases)["clinical"]["end_diastolic_volume_ml"]["without_value"] == 1
    difference = paired_differences(VENTRICLE, cases, [*slices(1.2), *slices(1.0, "q"), *slices(1.0, "r")])
    assert (difference[EF]["cases"], difference[EF]["mean"]) == (2, pytest.approx(-5.0))


def test_the_fractions_of_real_patients(data_root: Path) -> None:
    """Drawn contours of whole stacks: 25 % and 32 % follow from the areas by hand, and volumes are those of failing hearts."""
    cases = read_sunnybrook(data_root / "sunnybrook", images="dicom").cases
    items = [to_item(case, ()) for case in cases if case.group in ("SC-HF-I-01", "SC-HF-I-05")]
    truth = Knowing(VENTRICLE, {item["image"]: item["label"] for item in items})
    numbers = patient_numbers(VENTRICLE, [evaluate_case(truth, item) for item in items])
    for (found, drawn), expected in zip(numbers[EF].values(), (25, 32), strict=True):
        assert found == drawn == pytest.approx(expected, abs=0.5)
    assert all(150 < drawn < 300 for _, drawn in numbers["end_diastolic_volume_ml"].values())
