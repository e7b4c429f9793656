"""What stands below the picture of a result, and what is drawn over it."""

from __future__ import annotations

from collections.abc import Mapping

from usseg_monai.imaging.colors import GOOD, LOOK, NEUTRAL, UNBELIEVABLE, Color
from usseg_monai.imaging.overlay import Marks
from usseg_monai.imaging.strip import Caption
from usseg_monai.measurements.result import Measurement, Severity, Value
from usseg_monai.tasks import UNITS, Task

__all__ = ["SEVERITY_COLORS", "caption", "describe", "marks"]

SEVERITY_COLORS: Mapping[Severity, Color] = {
    Severity.GOOD: GOOD,
    Severity.NEUTRAL: NEUTRAL,
    Severity.LOOK: LOOK,
    Severity.UNBELIEVABLE: UNBELIEVABLE,
}
"""Colours of statuses, by what they ask of the reader."""

_NAMES = {"hadlock": "(Hadlock)", "intergrowth": "(INTERGROWTH-21st)"}


def caption(task: Task, measurement: Measurement) -> Caption:
    """The text below a picture: status in its colour, expected Dice, numbers, message.

    >>> from usseg_monai.measurements.result import Status
    >>> from usseg_monai.tasks import get_task
    >>> task = get_task("nerve")
    >>> found = Measurement(dict.fromkeys(column.name for column in task.columns), Status.LOW_CONFIDENCE, "too small", confidence=0.312)
    >>> text = caption(task, found)
    >>> text.heading, text.note, text.message
    ('low confidence', 'expected Dice 0.31', 'too small')
    """
    note = "" if measurement.confidence is None else f"expected Dice {measurement.confidence:.2f}"
    heading = measurement.status.value.replace("_", " ")
    return Caption(heading, SEVERITY_COLORS[measurement.status.severity], note, describe(task, measurement), measurement.message)


def marks(measurement: Measurement) -> Marks:
    """The lines of a measurement; structures are numbered, as in the table of parts, where there are several."""
    several = measurement.parts if len(measurement.parts) > 1 else ()
    centres = [(part["center_row_px"], part["center_col_px"]) for part in several]
    numbered = [(row, col) for row, col in centres if isinstance(row, float) and isinstance(col, float)]
    return Marks(measurement.outlines, measurement.axes, numbered=numbered)


def describe(task: Task, measurement: Measurement) -> list[str]:
    """What a person wants to read of a measurement, value by value: lengths in pixels only where millimetres are not known.

    The most probable class comes first, with the others behind it. Positions, directions and ratios are left to the table.

    >>> from usseg_monai.measurements.result import Status
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
            continue  # in the picture, behind its value, or known in millimetres
        of_all = words.startswith("total_")
        if of_all and not several:
            continue
        if unit in UNITS and isinstance(value, (int, float)):
            error = values.get(f"{words}_error_{unit}")
            bounds = f" ± {_number(error)}" if isinstance(error, float) else ""
            items.append(f"{'largest: ' if several and not of_all else ''}{_name(words)} {_number(value)}{bounds} {UNITS[unit]}")
            several = several and of_all  # the word once is enough
        elif unit == "probability" and not task.classes and isinstance(value, float):
            items.append(f"{_name(column.name)} {value:.2f}")
    return items


def _classes(task: Task, values: Mapping[str, Value]) -> list[str]:
    """The most probable class with its probability, then the others."""
    known = {name: value for name in task.classes if isinstance(value := values[f"{name}_probability"], float)}
    first, *others = sorted(known, key=lambda name: -known[name]) or [""]
    if not first:
        return []
    return [f"predicted class {first} {known[first]:.2f} (" + ", ".join(f"{name} {known[name]:.2f}" for name in others) + ")"]


def _name(words: str) -> str:
    return " ".join(_NAMES.get(word, word) for word in words.split("_"))


def _number(value: float) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)
