"""A measurement in the words of the page, with the same values as a row of ``results.csv``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.files.table import Value, cell_text
from usseg_monai.geometry.types import Spacing
from usseg_monai.measuring.result import Measurement, Status
from usseg_monai.report.caption import marks
from usseg_monai.report.columns import highlights, one_unit_each, shown_columns
from usseg_monai.report.words import HEADINGS, label, number, quantity
from usseg_monai.runs.table import result_row
from usseg_monai.tasks import Column, Task

__all__ = ["numbers"]


def numbers(
    task: Task, file: str, frame: int, spacing_mm: Spacing | None, measurement: Measurement, said: dict[str, float], *, corrected: bool
) -> dict[str, Any]:
    """All that the page shows of a measured frame, as JSON types.

    Args:
        task: the task.
        file: name of the file.
        frame: index in the file, from 0.
        spacing_mm: that was used, ``None`` if unknown.
        measurement: of the frame's mask.
        said: the network's outputs besides the mask; shown for a corrected mask, too: they belong to the whole image.
        corrected: whether the mask was corrected by hand.
    """
    drawn = marks(measurement)
    shown = () if measurement.status is Status.EMPTY else shown_columns(task, highlights(task), measurement.values)
    return {
        "status": measurement.status.value,
        "severity": measurement.status.severity.name,
        "heading": HEADINGS[measurement.status],
        "message": measurement.message,
        "corrected": corrected,
        "confidence": None if measurement.confidence is None else f"{measurement.confidence:.2f}",
        "spacing_mm": spacing_mm,
        "bars": [{"label": label(name.removesuffix("_probability"))[0], "value": said[name]} for name in task.outputs if name in said],
        "highlights": [_shown(column, measurement.values) for column in shown if measurement.values[column.name] is not None],
        "all": [
            {"name": column.name, "text": cell_text(measurement.values[column.name]), "description": column.description}
            for column in task.columns
        ],
        "parts": _parts(task, measurement) if len(measurement.parts) > 1 else None,
        "outlines": [np.round(outline, 2).tolist() for outline in drawn.outlines],
        "axes": [{"points": np.asarray(axis).tolist(), "text": _length(np.asarray(axis), spacing_mm)} for axis in drawn.axes],
        "numbered": [list(center) for center in drawn.numbered],
        "row": result_row(task, file, frame, spacing_mm, measurement),
        "parts_rows": [dict(part) for part in measurement.parts],
    }


def _shown(column: Column, values: Any) -> dict[str, str]:
    words, _, unit = column.name.rpartition("_")
    value, error = values[column.name], values.get(f"{words}_error_{unit}")
    text = quantity(value, column.name)
    if error is not None:
        text = f"{number(value, column.name)} ± {quantity(error, column.name)}"
    return {
        "label": label(column.name)[0],
        "text": text,
        "description": column.description,
    }


def _parts(task: Task, measurement: Measurement) -> dict[str, Any]:
    """The table of several structures, numbered as in the picture; columns without any value are left out."""
    known = [column for column in task.part_columns if any(part[column.name] is not None for part in measurement.parts)]
    columns = one_unit_each(known, measurement.parts[0])
    cells: list[list[Value]] = [[quantity(part[column.name], column.name) for column in columns] for part in measurement.parts]
    return {"name": task.part_name, "columns": [label(column.name)[0] for column in columns], "rows": cells}


def _length(axis: npt.NDArray[np.float64], spacing_mm: Spacing | None) -> str:
    """The length of a straight axis; empty for the outline of a disc."""
    if len(axis) != 2:
        return ""
    down, across = axis[1] - axis[0]
    if spacing_mm is None:
        return f"{math.hypot(down, across):.1f} px"
    return f"{math.hypot(down * spacing_mm[0], across * spacing_mm[1]):.1f} mm"
