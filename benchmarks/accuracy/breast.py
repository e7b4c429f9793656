"""Breast lesions on test groups of BUSI, BUS-BRA and BrEaST: overlap, sizes, classes, calibration, and shortcuts of the classifier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy.cases import evaluate, macro_area_advantage, probabilities, read_sections, worst
from benchmarks.accuracy.shortcuts import measure_shortcuts
from benchmarks.accuracy.tables import advantage_bar, area_of, bar, difference_line, figure, overlap_cells, overview_rows, percent, table
from usseg_monai.datasets.windows import with_windows
from usseg_monai.evaluation.cases import CaseResult, Predicts
from usseg_monai.evaluation.classification import (
    area_under_curve,
    confusion_matrix,
    expected_calibration_error,
    macro_area_under_curve,
    roc_curve,
    threshold_of_sensitivity,
)
from usseg_monai.evaluation.summary import groups_of, share, spread, summarize, with_interval
from usseg_monai.measuring.result import Status

CLASSES = ("normal", "benign", "malignant")
NORMAL, BENIGN, MALIGNANT = range(3)
SOURCES = ("BUSI", "BUS-BRA", "BrEaST")
SENSITIVITY = 0.9
"""Sensitivity for malignant on validation images, which defines the operating point."""
OPERATING_POINT = 0.2007
"""Its malignant probability, of all sources together (``python -m benchmarks.operating_point``)."""
WINDOW_SIDE = 0.6
"""Side of the windows, as a share of the image's sides."""

CONFIDENT = 0.8
"""Probability of normal from which a lesion called normal counts as a confident error: the worst case, since nobody looks again."""
SIZES = {"long_axis_mm": ("long axis", "mm", 2), "area_mm2": ("area", "mm²", 0)}
"""Compared columns of the largest lesion: their names, units and digits in tables."""

BUSI_DICE_AT_LEAST = 0.78
BUSI_DICE_OF_ALL_AT_LEAST = 0.75
BUSI_AREA_AT_LEAST = 0.94
BUSBRA_DICE_AT_LEAST = 0.89
BUSBRA_MALIGNANT_AREA_AT_LEAST = 0.93
BREAST_DICE_AT_LEAST = 0.78
BREAST_MALIGNANT_AREA_AT_LEAST = 0.85


def measure(data: Path, shipped: Predicts, reference: Predicts | None) -> dict[str, Any]:
    """All figures; ``data`` holds the folders of BUSI, BUS-BRA and BrEaST."""
    sections = read_sections("breast", data)
    items = sections["test"]
    results = evaluate(shipped, items)
    report: dict[str, Any] = {
        "test": summarize(results),
        "sources": {source: measure_source(of_source(results, source), OPERATING_POINT) for source in SOURCES},
        "without_objection": {"BUSI": summarize([result for result in of_source(results, "BUSI") if not result.objection])},
        "sizes": {"BrEaST": measure_sizes(of_source(results, "BrEaST"))},
        "threshold": {"malignant_probability": OPERATING_POINT, "sensitivity_on_validation": SENSITIVITY},
        "knows_only_the_source": source_baseline(sections["training"], results),
        "source_shortcut": source_shortcut(results),
        "windows": measure_windows(shipped, items),
        "shortcuts": measure_shortcuts(shipped, [item for item in items if item["source"] == "BUSI"]),
        "worst": worst(results),
    }
    if reference:
        others = evaluate(reference, items)
        report |= {
            "reference": summarize(others),
            "reference_sources": {source: measure_source(of_source(others, source), None) for source in SOURCES},
            "advantage": macro_area_advantage(results, others),
            "advantage_busi": macro_area_advantage(of_source(results, "BUSI"), of_source(others, "BUSI")),
        }
    return report


def of_source(results: Sequence[CaseResult], source: str) -> list[CaseResult]:
    """The cases of one data set."""
    return [result for result in results if result.source == source]


def operating_point(validation: Sequence[CaseResult]) -> float:
    """Threshold of the malignant probability that finds `SENSITIVITY` of the malignant validation images."""
    known = [result for result in validation if result.outputs]
    return threshold_of_sensitivity(probabilities(known)[:, MALIGNANT], _classes(known) == MALIGNANT, SENSITIVITY)


def measure_source(results: Sequence[CaseResult], threshold: float | None) -> dict[str, Any]:
    """The figures of one data set's test images; at the operating point, if given."""
    summary = summarize(results)
    known = [result for result in results if result.outputs]
    if not known:
        return summary
    values, classes = probabilities(known), _classes(known)
    lesions = classes != NORMAL
    members = [result for result in known if result.category != NORMAL]
    area = partial(area_under_curve, values[lesions, MALIGNANT], classes[lesions] == MALIGNANT)
    summary |= {
        "malignant_against_benign": with_interval(area, groups_of(members)),
        "expected_calibration_error": expected_calibration_error(values, classes),
        "confusion_matrix": confusion_matrix(classes.tolist(), values.argmax(axis=1).tolist(), len(CLASSES)).tolist(),
        "roc": {
            name: [rates.round(4).tolist() for rates in roc_curve(values[:, index], classes == index)]
            for index, name in enumerate(CLASSES)
            if 0 < (classes == index).sum() < len(classes)
        },
    }
    summary["confident_false_normals"] = share(values[lesions, NORMAL] >= CONFIDENT, groups_of(members))
    if threshold is not None:
        called = values[:, MALIGNANT] >= threshold
        for name, chosen, right in (("sensitivity", classes == MALIGNANT, called), ("specificity", classes != MALIGNANT, ~called)):
            summary[name] = share(right[chosen], np.array(groups_of(known))[chosen].tolist())
    return summary


def measure_sizes(results: Sequence[CaseResult]) -> dict[str, Any]:
    """Absolute differences between the sizes of found and true lesions, over images with a lesion and a known pixel size.

    Several lesions in one image: the largest of each mask is compared.

    Returns:
        Column of `SIZES` -> mean and interval by group, in mm or mm2, and ``without_value``, the number of images in which nothing was
        found; empty without such images.
    """
    lesions = [result for result in results if result.has_structure and result.unit == "mm"]
    figures = {}
    for column in SIZES:
        known = [result for result in lesions if column in result.measured and column in result.annotation]
        differences = [abs(result.measured[column] - result.annotation[column]) for result in known]
        if known:
            figures[column] = {**(spread(differences, groups_of(known)) or {}), "without_value": len(lesions) - len(known)}
    return figures


def _classes(results: Sequence[CaseResult]) -> np.ndarray[Any, np.dtype[np.int_]]:
    return np.array([result.category for result in results], int)


def source_baseline(training: Sequence[Mapping[str, Any]], results: Sequence[CaseResult]) -> dict[str, Any]:
    """Figures of a classifier that knows only an image's data set.

    It predicts the frequency of each class among the training images of that data set.
    """
    said = {}
    for source in SOURCES:
        counts = Counter(item["class"] for item in training if item["source"] == source)
        said[source] = [counts[index] / max(counts.total(), 1) for index in range(len(CLASSES))]
    groups, classes = groups_of(results), _classes(results)
    area = partial(macro_area_under_curve, [said[str(result.source)] for result in results], classes)
    right = [int(np.argmax(said[str(result.source)])) == result.category for result in results]
    return {"says": said, "macro_area_under_curve": with_interval(area, groups), "accuracy": share(right, groups)}


def source_shortcut(results: Sequence[CaseResult]) -> dict[str, Any]:
    """Whether "normal", which hardly any image beyond BUSI is, is recognised from the picture or from the source.

    A classifier that had learnt the source would call lesions of BUSI normal more often than those of the other sources, and could not
    distinguish normal images from lesions within BUSI.
    """
    figures: dict[str, Any] = {}
    for source in SOURCES:
        lesions = [result for result in of_source(results, source) if result.category != NORMAL and result.outputs]
        if lesions:
            values = probabilities(lesions)
            figures[f"{source} lesions called normal"] = share(values.argmax(axis=1) == NORMAL, groups_of(lesions))
            figures[f"{source} lesions, mean normal probability"] = float(values[:, NORMAL].mean())
    busi = [result for result in of_source(results, "BUSI") if result.outputs]
    if busi:
        area = partial(area_under_curve, probabilities(busi)[:, NORMAL], _classes(busi) == NORMAL)
        figures["normal against lesions within BUSI"] = with_interval(area, groups_of(busi))
    return figures


def measure_windows(shipped: Predicts, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Windows of the test images with a whole lesion, and windows without any, by source.

    Normal images are few and nearly all from one source; the surroundings of a lesion are normal too.
    """
    windows = evaluate(shipped, with_windows(items, side=WINDOW_SIDE)[len(items) :])
    figures = {}
    for source in SOURCES:
        members = of_source(windows, source)
        empty = [result for result in members if not result.has_structure]
        unwarned = share([result.found and result.status is Status.OK for result in empty], groups_of(empty))
        figures[source] = summarize(members) | {"false_positives_without_a_warning": unwarned}
    return figures


def missed_bars(report: Mapping[str, Any]) -> list[str]:
    """One line per bar that the figures miss."""
    busi, busbra, breast = (report["sources"][source] for source in SOURCES)
    return [
        *bar("BUSI: Dice of lesions", busi["dice_of_structures"]["mean"], BUSI_DICE_AT_LEAST),
        *bar("BUSI: Dice of all images", busi["dice"]["mean"], BUSI_DICE_OF_ALL_AT_LEAST),
        *bar("BUSI: macro-AUC", busi["classes"]["area_under_curve"]["value"], BUSI_AREA_AT_LEAST),
        *bar("BUS-BRA: Dice of lesions", busbra["dice_of_structures"]["mean"], BUSBRA_DICE_AT_LEAST),
        *bar("BUS-BRA: AUC malignant against benign", busbra["malignant_against_benign"]["value"], BUSBRA_MALIGNANT_AREA_AT_LEAST),
        *bar("BrEaST: Dice of lesions", breast["dice_of_structures"]["mean"], BREAST_DICE_AT_LEAST),
        *bar("BrEaST: AUC malignant against benign", breast["malignant_against_benign"]["value"], BREAST_MALIGNANT_AREA_AT_LEAST),
        *advantage_bar(report),
    ]


def overview(report: Mapping[str, Any]) -> list[list[str]]:
    """The task's rows of the shared table, one per source."""
    rows = []
    for source in SOURCES:
        part = {"test": report["sources"][source] | {"sizes": report["sizes"].get(source)}}
        if "reference" in report:
            part["reference"] = report["reference_sources"][source]
            part["advantage"] = report["advantage_busi"] if source == "BUSI" else report["advantage"]
        made = overview_rows(
            "breast", part, "groups", partial(_further, source), "macro-AUC" if source == "BUSI" else "macro-AUC, all sources,"
        )
        made[0][0] = f"`breast`, {source}"
        rows += made
    return rows


def _further(source: str, summary: Mapping[str, Any]) -> str:
    if source == "BUSI":
        return f"all images {figure(summary['dice'], 4)}; macro-AUC {figure(area_of(summary), 3)}"
    lengths = (summary.get("sizes") or {}).get("long_axis_mm")
    off = f"; long axis off by {figure(lengths, 2, ' mm')}" if lengths else ""
    return f"malignant against benign, AUC {figure(summary['malignant_against_benign'], 3)}{off}"


def eval_metrics(report: Mapping[str, Any]) -> dict[str, float]:
    """The figures of the bundle's metadata."""
    busi, busbra, breast = (report["sources"][source] for source in SOURCES)
    lengths = report["sizes"]["BrEaST"].get("long_axis_mm")
    return {
        "busi_mean_dice_lesions": round(busi["dice_of_structures"]["mean"], 4),
        "busi_mean_dice_all_images": round(busi["dice"]["mean"], 4),
        "busi_macro_area_under_curve": round(busi["classes"]["area_under_curve"]["value"], 4),
        "busbra_mean_dice": round(busbra["dice_of_structures"]["mean"], 4),
        "busbra_malignant_area_under_curve": round(busbra["malignant_against_benign"]["value"], 4),
        "breast_lesions_usg_mean_dice_lesions": round(breast["dice_of_structures"]["mean"], 4),
        "breast_lesions_usg_malignant_area_under_curve": round(breast["malignant_against_benign"]["value"], 4),
        **({} if lengths is None else {"breast_lesions_usg_long_axis_mean_absolute_difference_mm": round(lengths["mean"], 2)}),
    }


def markdown(report: Mapping[str, Any]) -> str:
    """The task's own tables."""
    return "\n\n".join(
        [
            f"{report['test']['cases']} images of {report['test']['groups']} lesion groups (BUSI) and patients (BUS-BRA, BrEaST) that were "
            "in no training or validation part; in brackets the 95 % bootstrap interval by group. The sources are kept apart, unless a row "
            "says otherwise.",
            _overlap(report),
            _sizes(report["sizes"]["BrEaST"]),
            _classification(report),
            *difference_line(report, "macro-AUC of all sources")[1:],
            _confusion(report),
            _false_normals(report),
            _source(report),
            _windows(report["windows"]),
            _shortcuts(report["shortcuts"]),
        ]
    )


def _overlap(report: Mapping[str, Any]) -> str:
    named = {**report["sources"], "BUSI without objections (axilla, needle)": report["without_objection"]["BUSI"]}
    rows = [[name, str(summary["cases"]), *overlap_cells(summary)] for name, summary in named.items()]
    return table(("", "images", "Dice of lesions", "median", "Dice of all images", "normals in which a lesion is found"), rows)


def _sizes(sizes: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [name, str(sizes[column]["cases"]), str(sizes[column]["without_value"]), figure(sizes[column], digits, f" {unit}")]
        for column, (name, unit, digits) in SIZES.items()
        if column in sizes
    ]
    header = ("BrEaST, largest lesion", "images", "nothing found", "absolute difference, mean")
    return f"Only BrEaST states pixel sizes. Its lesions, measured on the found and on the true mask:\n\n{table(header, rows)}"


def _classification(report: Mapping[str, Any]) -> str:
    point = report["threshold"]["malignant_probability"]
    rows = [_class_row(f"**shipped network**, {source}", report["sources"][source]) for source in SOURCES]
    rows.append(_class_row("shipped, BUSI without objections", report["without_objection"]["BUSI"]))
    if "reference" in report:
        rows += [_class_row(f"reference: teaching classifier, {source}", report["reference_sources"][source]) for source in SOURCES]
    baseline = report["knows_only_the_source"]
    rows += [
        _class_row("shipped, all sources", report["test"]),
        [
            "knows only the source, all sources",
            str(report["test"]["cases"]),
            figure(baseline["macro_area_under_curve"], 3),
            "-",
            percent(baseline["accuracy"]),
            *["-"] * 3,
        ],
    ]
    header = (
        "",
        "images",
        "macro-AUC",
        "AUC malignant against benign",
        "rightly classified",
        "calibration error",
        "sensitivity",
        "specificity",
    )
    legend = (
        f"Sensitivity and specificity are those for malignant at a malignant probability of {point:.3f} and above, the threshold that "
        f"found {100 * SENSITIVITY:g} % of the malignant validation images (`python -m "
        "benchmarks.operating_point`). Calibration error: expected calibration error, 10 bins. "
        "BUS-BRA has no normal images, hence no macro-AUC of three classes; that of BrEaST hangs on a few."
    )
    return f"{table(header, rows)}\n\n{legend}"


def _class_row(name: str, summary: Mapping[str, Any]) -> list[str]:
    error = summary.get("expected_calibration_error")
    return [
        name,
        str(summary["cases"]),
        figure(area_of(summary), 3),
        figure(summary.get("malignant_against_benign"), 3),
        percent(summary["classes"] and summary["classes"]["accuracy"]),
        "-" if error is None else f"{error:.3f}",
        percent(summary.get("sensitivity")),
        percent(summary.get("specificity")),
    ]


def _confusion(report: Mapping[str, Any]) -> str:
    rows = [
        [f"{source}, {name}", *map(str, counts)]
        for source in SOURCES
        for name, counts in zip(CLASSES, report["sources"][source]["confusion_matrix"], strict=True)
        if sum(counts)
    ]
    return (
        table(("true class", *(f"called {name}" for name in CLASSES)), rows)
        + "\n\n![Confusion matrices](confusion.png) ![ROC curves](roc.png)"
    )


def _false_normals(report: Mapping[str, Any]) -> str:
    rows = []
    for source in SOURCES:
        called, confident = (
            report["source_shortcut"].get(f"{source} lesions called normal"),
            report["sources"][source].get("confident_false_normals"),
        )
        rows.append([source, str((called or {"cases": 0})["cases"]), percent(called), percent(confident)])
    header = ("lesions of", "images", "called normal", f"with a probability of normal of {CONFIDENT:g} or more")
    return f"A lesion that is called normal with confidence is the worst error, since nobody looks again:\n\n{table(header, rows)}"


def _source(report: Mapping[str, Any]) -> str:
    rows = []
    for name, value in report["source_shortcut"].items():
        shown = f"{value:.3f}" if isinstance(value, float) else figure(value, 3) if "value" in value else percent(value)
        rows.append([name + (", AUC" if isinstance(value, Mapping) and "value" in value else ""), shown])
    legend = (
        '"Normal" is in BUSI, in a few images of BrEaST, and not in BUS-BRA. A classifier that had learnt the source would call lesions of '
        "BUSI normal far more often than the others', and would not tell normal images from lesions within BUSI:"
    )
    return f"{legend}\n\n{table(('', ''), rows)}"


def _windows(windows: Mapping[str, Any]) -> str:
    rows = [
        [
            source,
            str((summary["dice_of_structures"] or {"cases": 0})["cases"]),
            figure(summary["dice_of_structures"], 4),
            str((summary["false_positives"] or {"cases": 0})["cases"]),
            percent(summary["false_positives"]),
            percent(summary["false_positives_without_a_warning"]),
        ]
        for source, summary in windows.items()
    ]
    header = (
        "windows of",
        "with a lesion",
        "Dice of lesions",
        "with nothing of one",
        "a lesion is found where none is",
        "with the status `ok`",
    )
    return (
        f"Normal images are few. Windows of {WINDOW_SIDE:g} of the sides of the test images, at random places that hold a lesion whole or "
        f"nothing of one, tell more about what is found where nothing is:\n\n{table(header, rows)}"
    )


def _shortcuts(shortcuts: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for name, each in shortcuts.items():
        if "malignant_probability" not in each:
            continue
        means = [_before_after(each["malignant_probability"].get(name)) for name in CLASSES]
        rows.append(
            [name, str(each["images"]), *means, f"{100 * each['other_class']:.1f} %", _before_after(each["macro_area_under_curve"])]
        )
    header = ("BUSI, test images", "images", *(f"malignant probability of {name}" for name in CLASSES), "called otherwise", "macro-AUC")
    return "Calipers and letters, means before to after:\n\n" + table(header, rows)


def _before_after(pair: Sequence[float | None] | None) -> str:
    if pair is None or None in pair:
        return "-"
    return f"{pair[0]:.3f} to {pair[1]:.3f}"
