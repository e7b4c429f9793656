"""The left ventricle on test patients of the Sunnybrook data: overlap, ejection fraction, and contours where the spacing is known."""

from __future__ import annotations

import dataclasses
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy.cases import THREADS, dice_advantage, evaluate, read_sections, worst
from benchmarks.accuracy.tables import advantage_bar, bar, difference_line, figure, overview_rows, percent, table
from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.datasets.dataset import Case
from usseg_monai.datasets.splits import split_of
from usseg_monai.datasets.sunnybrook import read_sunnybrook
from usseg_monai.errors import UsageError
from usseg_monai.evaluation.benchmark import patient_numbers
from usseg_monai.evaluation.cases import CaseResult, Predicts
from usseg_monai.evaluation.contours import compare_contours, summarize_contours
from usseg_monai.evaluation.summary import groups_of, share, summarize
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import run_batch
from usseg_monai.tasks.left_ventricle.record import LEFT_VENTRICLE

DICE_AT_LEAST = 0.90
EF_AT_MOST_POINTS = 5.0
POOR_DICE = 0.5


def measure(data: Path, shipped: Predicts, reference: Predicts | None) -> dict[str, Any]:
    """All figures; ``data`` holds the PNG copy, and may hold DICOM files with contours."""
    items = read_sections("sunnybrook", data)["test"]
    results = evaluate(shipped, items)
    report: dict[str, Any] = {
        "test": summarize(results),
        "poor": _poor(results),
        "ejection_fraction": {group: ejection_fractions(results, group) for group in sorted(set(groups_of(results)))},
        "stacks": measure_stacks(data, shipped),
        "worst": worst(results),
    }
    if reference:
        others = evaluate(reference, items)
        report |= {"reference": summarize(others), "reference_poor": _poor(others), "advantage": dice_advantage(results, others)}
    return report


def _poor(results: Sequence[CaseResult]) -> dict[str, Any] | None:
    drawn = [result for result in results if result.has_structure]
    return share([(result.dice or 0.0) < POOR_DICE for result in drawn], groups_of(drawn))


def ejection_fractions(results: Sequence[CaseResult], group: str) -> dict[str, float | None]:
    """Ejection fraction of one patient in percent, from the areas of all slices in the two annotated phases.

    Slices are equally spaced, so neither distance nor pixel size is needed.
    """
    members = [result for result in results if result.group == group]
    found, manual = patient_numbers(LEFT_VENTRICLE, members).get("ejection_fraction_percent", {}).get(group, (None, None))
    return {"manual": manual, "found": found}


def _fraction(diastolic: float, systolic: float) -> float | None:
    return 100 * (1 - systolic / diastolic) if diastolic > 0 else None


def measure_stacks(data: Path, shipped: Predicts) -> dict[str, dict[str, Any]]:
    """Each patient with DICOM files: contours in mm, and the command's ejection fraction for the whole stack.

    Empty if the folder holds no such files.
    """
    try:
        dataset = read_sunnybrook(data, images="dicom")
    except UsageError:
        return {}
    patients: dict[str, list[Case]] = defaultdict(list)
    for case in dataset.cases:
        patients[case.group].append(case)
    return {group: {"part": split_of("left_ventricle", group), **_stack(cases, shipped)} for group, cases in patients.items()}


def _stack(cases: Sequence[Case], shipped: Predicts) -> dict[str, Any]:
    figures = []
    areas: dict[int, float] = defaultdict(float)
    for case in cases:
        prediction = shipped.predict(case.image)
        truth = read_annotation(case.label, prediction.mask.shape)
        if prediction.image.spacing_mm is not None:
            figures.append(compare_contours(prediction.mask, truth, prediction.image.spacing_mm))
        assert case.phase is not None
        areas[case.phase] += float(truth.sum())
    return {
        "contours": dataclasses.asdict(summarize_contours(figures)),
        "manual": _fraction(max(areas.values()), min(areas.values())),
        "found": command_ejection_fraction(cases[0].image.parent),
    }


def command_ejection_fraction(folder: Path) -> float | None:
    """Ejection fraction from ``usseg predict left_ventricle FOLDER`` for a folder with one stack; ``None`` if it reports none."""
    with tempfile.TemporaryDirectory() as output:
        studies = run_batch("left_ventricle", [folder], output, Options(threads=THREADS, save=())).studies
    values = [study["ejection_fraction_percent"] for study in studies]
    return float(values[0]) if len(values) == 1 and isinstance(values[0], (int, float)) else None


def mean_absolute_difference(fractions: Mapping[str, Mapping[str, Any]]) -> float | None:
    """Between found and manual ejection fractions, in points; ``None`` without patients, or if one was not found."""
    pairs = [(each["found"], each["manual"]) for each in fractions.values()]
    if not pairs or any(value is None for pair in pairs for value in pair):
        return None
    return float(np.mean([abs(found - manual) for found, manual in pairs]))


def missed_bars(report: Mapping[str, Any]) -> list[str]:
    """One line per bar that the figures miss."""
    off = mean_absolute_difference(report["stacks"])
    fraction = []
    if off is None:
        fraction.append("no ejection fraction of the DICOM patients: see the message of 'usseg predict left_ventricle' of their folders")
    elif off > EF_AT_MOST_POINTS:
        fraction.append(f"ejection fraction of the DICOM patients is {off:.1f} points off, allowed are {EF_AT_MOST_POINTS:g}")
    return [*bar("Dice", report["test"]["dice_of_structures"]["mean"], DICE_AT_LEAST), *fraction, *advantage_bar(report)]


def overview(report: Mapping[str, Any]) -> list[list[str]]:
    """The task's rows of the shared table."""
    rows = overview_rows("left_ventricle", report, "patients", lambda _: "")
    found, stacks = (_points(mean_absolute_difference(report[kind])) for kind in ("ejection_fraction", "stacks"))
    rows[0][4] = f"{percent(report['poor'])} of the images below {POOR_DICE:g}; ejection fraction off by {found}, of DICOM stacks {stacks}"
    if "reference" in report:
        rows[1][4] = f"{percent(report['reference_poor'])} of the images below {POOR_DICE:g}"
    return rows


def eval_metrics(report: Mapping[str, Any]) -> dict[str, float]:
    """The figures of the bundle's metadata."""
    off = mean_absolute_difference(report["ejection_fraction"])
    return {
        "mean_dice": round(report["test"]["dice_of_structures"]["mean"], 4),
        "share_of_images_with_dice_below_0.5": round(report["poor"]["mean"], 4),
        **({} if off is None else {"ejection_fraction_mean_absolute_difference_points": round(off, 1)}),
    }


def markdown(report: Mapping[str, Any]) -> str:
    """The task's own tables."""
    test = report["test"]
    rows = [_row("**shipped network**", test, report["poor"])]
    if "reference" in report:
        rows.append(_row("reference: strided CNN", report["reference"], report["reference_poor"]))
    fractions = [
        [patient, "test", "areas of the drawn slices", _percent(each["manual"]), _percent(each["found"]), *["-"] * 4]
        for patient, each in report["ejection_fraction"].items()
    ]
    stacks = [
        [
            patient,
            each["part"],
            "`usseg predict`, whole stack",
            _percent(each["manual"]),
            _percent(each["found"]),
            *_contours(each["contours"]),
        ]
        for patient, each in report["stacks"].items()
    ]
    return "\n".join(
        [
            f"Sunnybrook, {test['cases']} slices of {test['groups']} patients that were in no training or validation part; in brackets the "
            "95 % bootstrap interval by patient.",
            "",
            table(("", "slices", "Dice", "median", f"below {POOR_DICE:g}", "pixels right", "empty mask"), rows),
            *difference_line(report),
            "",
            "Ejection fraction (EF), and contours where the spacing is known (DICOM). A contour is good if its average perpendicular "
            "distance (APD) is below 5 mm; APD is the mean over the good ones. The column `part` says where the patient was in training: "
            "only `test` was never seen.",
            "",
            table(
                ("patient", "part", "EF from", "manual EF", "found EF", "good contours", "APD", "HD95", "Dice, good / all"),
                [*fractions, *stacks],
            ),
        ]
    )


def _row(name: str, summary: Mapping[str, Any], poor: Mapping[str, Any]) -> list[str]:
    overlap, accuracy = summary["dice_of_structures"], summary["pixel_accuracy"]
    return [
        name,
        str(summary["cases"]),
        figure(overlap, 4),
        f"{overlap['median']:.4f}",
        percent(poor),
        f"{100 * accuracy['mean']:.2f} %",
        f"{100 * accuracy['of_an_empty_mask']:.2f} %",
    ]


def _contours(contours: Mapping[str, Any]) -> list[str]:
    good = f"{100 * contours['good_share']:.0f} % of {contours['contours']}" if contours["good_share"] is not None else "-"
    overlaps = " / ".join("-" if contours[name] is None else f"{contours[name]:.3f}" for name in ("dice_good", "dice_all"))
    return [good, *("-" if contours[name] is None else f"{contours[name]:.2f} mm" for name in ("apd_mm", "hd95_mm")), overlaps]


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} %"


def _points(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} points"
