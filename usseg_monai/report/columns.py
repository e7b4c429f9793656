"""Which columns of a task a page shows, each quantity in one unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from usseg_monai.files.table import Value
from usseg_monai.report.words import label
from usseg_monai.tasks import Column, Task, load
from usseg_monai.tasks.showcase import Showcase

__all__ = ["highlights", "one_unit_each", "shown_columns"]


def highlights(task: Task) -> Sequence[str]:
    """Columns that a task shows first: those of its showcase, or all.

    >>> from usseg_monai.tasks import get_task
    >>> highlights(get_task("fetal_head"))[0]
    'head_circumference_mm'
    """
    showcase: Showcase | None = load(task.showcase) if task.showcase else None
    return showcase.highlights if showcase else [column.name for column in task.columns]


def shown_columns(task: Task, names: Sequence[str], values: Mapping[str, Value]) -> list[Column]:
    """The quantities of some columns, in their order, each in the first of the task's units whose value is known, else in the first.

    >>> from usseg_monai.tasks import get_task
    >>> [column.name for column in shown_columns(get_task("nerve"), ["area_mm2"], {"area_mm2": None, "area_px": 12})]
    ['area_px']
    """
    quantities = list(dict.fromkeys(label(name)[0] for name in names))
    alike = [column for column in task.columns if label(column.name)[0] in quantities]
    return one_unit_each(sorted(alike, key=lambda column: quantities.index(label(column.name)[0])), values)


def one_unit_each(columns: Sequence[Column], values: Mapping[str, Value]) -> list[Column]:
    """The columns with one unit per quantity: the first one whose value is known, else the first.

    >>> columns = [Column(name, "") for name in ("area_mm2", "area_px", "angle_deg")]
    >>> [column.name for column in one_unit_each(columns, {"area_px": 12})]
    ['area_px', 'angle_deg']
    """
    alike: dict[str, list[Column]] = {}
    for column in columns:
        alike.setdefault(label(column.name)[0], []).append(column)
    return [next((column for column in same if values.get(column.name) is not None), same[0]) for same in alike.values()]
