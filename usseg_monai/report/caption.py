"""The caption below the picture of a result, and the lines drawn over it."""

from __future__ import annotations

from collections.abc import Mapping

from usseg_monai.files.table import Value
from usseg_monai.imaging.drawing.colors import GOOD, LOOK, NEUTRAL, UNBELIEVABLE, Color
from usseg_monai.imaging.drawing.overlay import Marks
from usseg_monai.imaging.drawing.strip import Caption
from usseg_monai.measuring.result import Measurement, Severity
from usseg_monai.report.words import in_sentence, label, number, quantity, status_words
from usseg_monai.tasks import UNITS, Task

__all__ = ["SEVERITY_COLORS", "caption", "describe", "marks"]

SEVERITY_COLORS: Mapping[Severity, Color] = {
    Severity.GOOD: GOOD,
    Severity.NEUTRAL: NEUTRAL,
    Severity.LOOK: LOOK,
    Severity.UNBELIEVABLE: UNBELIEVABLE,
}
"""Colours of statuses, by severity."""


def caption(task: Task, measurement: Measurement) -> Caption:
    """The text below a picture: coloured status, expected Dice, measurements, message.

    >>> from usseg_monai.measuring.result import Status
    >>> from usseg_monai.tasks import get_task
    >>> task = get_task("nerve")
    >>> found = Measurement(dict.fromkeys(column.name for column in task.columns), Status.LOW_CONFIDENCE, "too small", confidence=0.312)
    >>> text = caption(task, found)
    >>> text.heading, text.note, text.message
    ('low confidence', 'expected Dice 0.31', 'too small')
    """
    note = "" if measurement.confidence is None else f"expected Dice {measurement.confidence:.2f}"
    heading = status_words(measurement.status)
    return Caption(heading, SEVERITY_COLORS[measurement.status.severity], note, describe(task, measurement), measurement.message)


def marks(measurement: Measurement) -> Marks:
    """The lines of a measurement; several structures are numbered as in the parts table."""
    several = measurement.parts if len(measurement.parts) > 1 else ()
    centres = [(part["center_row_px"], part["center_col_px"]) for part in several]
    numbered = [(row, col) for row, col in centres if isinstance(row, float) and isinstance(col, float)]
    return Marks(measurement.outlines, measurement.axes, numbered=numbered)


def describe(task: Task, measurement: Measurement) -> list[str]:
    """The values of a measurement for human readers, one text per value; lengths in pixels only if millimetres are unknown.

    The most probable class comes first, followed by the others. Positions, directions and ratios are only in the table.

    >>> from usseg_monai.measuring.result import Status
    >>> from usseg_monai.tasks import get_task
    >>> task = get_task("fetal_head")
    >>> values = {column.name: None for column in task.columns} | {"head_circumference_mm": 251.26, "head_circumference_px": 2000.0}
    >>> values |= {"gestational_age_hadlock_weeks": 28.04, "gestational_age_hadlock_error_weeks": 2.06}
    >>> describe(task, Measurement(values, Status.TOUCHES_BORDER))
    ['head circumference 251.3 mm', 'gestational age (Hadlock) 28.0 ± 2.1 weeks']
    """
    values = measurement.values
    items = _classes(task, values)
    several = len(measurement.parts) > 1
    if several:
        items.append(f"{len(measurement.parts)} {task.part_name}s")
    for column in task.columns:
        value = values[column.name]
        words, _, unit = column.name.rpartition("_")
        in_mm = next((name for name in (f"{words}_mm", f"{words}_mm2") if name in values), None)
        if unit == "deg" or words.endswith("_error") or (unit == "px" and (in_mm is None or values[in_mm] is not None)):
            continue  # drawn in the picture, shown after its value, or known in millimetres
        of_all = words.startswith("total_")
        if of_all and not several:
            continue
        if unit in UNITS and isinstance(value, (int, float)):
            error = values.get(f"{words}_error_{unit}")
            shown = quantity(value, column.name)
            if isinstance(error, float):
                shown = f"{number(value, column.name)} ± {quantity(error, column.name)}"
            items.append(f"{'largest: ' if several and not of_all else ''}{in_sentence(label(column.name)[0])} {shown}")
            several = several and of_all  # once is enough
        elif unit == "probability" and not task.classes and isinstance(value, float):
            items.append(f"{in_sentence(label(column.name)[0])} {number(value, column.name)}")
    return items


def _classes(task: Task, values: Mapping[str, Value]) -> list[str]:
    """The most probable class with its probability, then the others."""
    known = {name: value for name in task.classes if isinstance(value := values[f"{name}_probability"], float)}
    first, *others = sorted(known, key=lambda name: -known[name]) or [""]
    if not first:
        return []
    return [f"predicted class {first} {known[first]:.2f} (" + ", ".join(f"{name} {known[name]:.2f}" for name in others) + ")"]
