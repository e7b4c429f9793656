"""The page of an evaluation, ``report.html``: how measurements agree with the truth, and the cases, the worst first."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from usseg_monai.evaluation.cases import CaseResult, Predicts, predict_item
from usseg_monai.evaluation.figures import plots, worst_first
from usseg_monai.files.write import write_text
from usseg_monai.measuring.result import Status
from usseg_monai.report.columns import highlights
from usseg_monai.report.model import Case, Chapter, Picture, Report, Section
from usseg_monai.report.page import outlined, render_report
from usseg_monai.tasks import Task

__all__ = ["MOST_PICTURES", "write_evaluation_page"]

MOST_PICTURES = 48
"""Cases with a picture, the worst of all; each is predicted again for it."""


def write_evaluation_page(
    file: Path,
    predictor: Predicts,
    items: Sequence[Mapping[str, Any]],
    results: Sequence[CaseResult],
    *,
    notes: Sequence[str] = (),
    facts: Sequence[tuple[str, str]] = (),
) -> None:
    """Write the page.

    Args:
        file: to write.
        predictor: that made the results.
        items: of the datalist.
        results: of the items, in the same order.
        notes: paragraphs at the end, such as the figures in words.
        facts: ``(name, value)`` for the footer.

    Raises:
        OutputError: the file cannot be written.
    """
    task, names = predictor.task, _names([result.image for result in results])
    cases = []
    for place, index in enumerate(worst_first(results)):
        picture = _picture(predictor, items[index]) if place < MOST_PICTURES and results[index].dice is not None else None
        cases.append(_case(task, names[index], results[index], picture))
    agreement = Section(
        "Agreement with the truth",
        "Bias is the mean of measured minus true value; the limits of agreement are 1.96 standard deviations below and above it (Bland and "
        "Altman, 1986).",
        [],
        figures=list(plots(task, results).values()),
    )
    few = f" The worst {MOST_PICTURES} have a picture; the table has all." if len(results) > MOST_PICTURES else ""
    worst = Section(
        "Pictures, the worst first", f"Failures come first, then the smallest overlap (Dice) with the true outline.{few}", cases
    )
    sections = [agreement, worst] if agreement.figures else [worst]
    report = Report(
        f"{task.heading}: {len(results)} picture{'' if len(results) == 1 else 's'} and the truth",
        "What was found or given, beside what an expert drew. Point at a picture to see it without outlines.",
        [Chapter(task, "Compared with the truth", highlights(task), sections, notes)],
        facts=facts,
    )
    write_text(file, render_report(report))


def _names(images: Sequence[Path]) -> list[str]:
    """Names of the images, with as many of their folders as they do not share; windows of one image are numbered."""
    paths = [image.absolute() for image in images]
    drives = {path.drive for path in paths}  # several of Windows share no folder
    shared = Path(os.path.commonpath([path.parent for path in paths])) if len(drives) == 1 else None
    counts: Counter[str] = Counter()
    names = []
    for path in paths:
        name = path.relative_to(shared or path.anchor).as_posix()
        counts[name] += 1
        names.append(name if counts[name] == 1 else f"{name}, {counts[name]}")
    return names


def _picture(predictor: Predicts, item: Mapping[str, Any]) -> Picture:
    prediction, truth = predict_item(predictor, item)
    return outlined(prediction.image, prediction.mask, prediction.measurement.outlines, truth)


def _case(task: Task, name: str, result: CaseResult, picture: Picture | None) -> Case:
    truth = {**result.annotation, **{column: pair.reference for column, pair in result.compared.items()}}
    if result.category is not None and len(task.classes) > 1:
        truth |= {column: float(index == result.category) for index, column in enumerate(task.outputs)}
    overlap = 0.0 if result.status is Status.FAILED else result.dice  # as in the figures
    return Case(name, result.status, result.message, result.measured, result.confidence, truth, overlap, picture)
