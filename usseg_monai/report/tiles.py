"""Summarises a chapter of the page in a few large numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from usseg_monai.report.model import Case, Chapter, Section
from usseg_monai.report.words import in_sentence, label, number, quantity

__all__ = ["Tile", "tiles"]

Tile = tuple[str, str]
"""A large number and its description."""


def tiles(chapter: Chapter) -> list[Tile]:
    """Number of pictures, differences from the known truth, and misses."""
    task = chapter.task
    found = [(str(sum(section.frames or len(section.cases) for section in chapter.sections)), "pictures measured")]
    several = sum(bool(section.cases) for section in chapter.sections) > 1
    for section in chapter.sections:
        title = f": {in_sentence(section.title)}" if several else ""
        found += _of_section(section, title, chapter.highlights, task.outputs if task.classes else ())
    return found


def _of_section(section: Section, title: str, columns: Sequence[str], classes: Sequence[str]) -> Iterator[Tile]:
    if overlaps := [case.dice for case in section.cases if case.dice is not None]:
        yield f"{np.mean(overlaps):.3f}", f"mean Dice{title}"
    for column in columns:
        differences = [abs(difference) for case in section.cases if (difference := case.difference(column)) is not None]
        if differences:
            yield quantity(float(np.mean(differences)), column), f"mean absolute difference of {in_sentence(label(column)[0])}{title}"
            break
    if section.misses is not None:
        yield f"{len(section.misses.missed)} of {section.misses.pictures}", f"missed{title}"
    for figure in section.figures:
        for name, true in figure.truth.items():
            yield quantity(figure.values[name], name), f"{label(name)[0]}, true {number(true, name)}"
    if section.tolerance is not None:
        held = sum(case.keeps(section.tolerance) for case in section.cases)
        yield f"{held} of {len(section.cases)}", f"within {section.tolerance.percent:g} % of the truth{title}"
    if known := [case for case in section.cases if _true_class(case, classes)]:
        right = sum(_likeliest_class(case, classes) == _true_class(case, classes) for case in known)
        yield f"{right} of {len(known)}", f"most probable class is the true one{title}"


def _true_class(case: Case, classes: Sequence[str]) -> str | None:
    """The true class of the image, ``None`` if unknown."""
    return next((name for name in classes if case.truth.get(name) == 1), None)


def _likeliest_class(case: Case, classes: Sequence[str]) -> str | None:
    """The class with the highest probability, ``None`` if there are no probabilities."""
    shares = {name: value for name in classes if isinstance(value := case.values.get(name), float)}
    return max(shares, key=shares.__getitem__) if shares else None
