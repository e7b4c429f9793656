"""How far a measurement of the found mask is from that of the drawn one."""

from __future__ import annotations

from torch import Tensor

from usseg_monai.errors import UsageError
from usseg_monai.geometry.types import MaskArray, Spacing
from usseg_monai.metrics.cases import CaseMetric
from usseg_monai.tasks import get_task

__all__ = ["MeasurementMetric"]


class MeasurementMetric(CaseMetric):
    """Mean absolute difference of one measurement between found and drawn masks, in the column's unit.

    It says what overlap does not: how far off the number is that is reported in the end. Each call returns, of shape ``(batch, 2)``, the
    values of the found and of the drawn mask, nan where there is none; ``aggregate`` the mean difference of the cases where both are known,
    nan without one.

    Pixel sizes are taken from ``spacing_mm`` of the call, ``(row, col)`` or ``None`` for each case, or else from the metadata of the drawn
    masks (`usseg_monai.data.image_reader.UssegReader`). Without one, a column in millimetres is unknown and one in pixels is not.

    Args:
        task: whose measurement it is.
        column: of the task's results.

    Raises:
        UsageError: no such task, or the task has no such column.

    >>> import torch
    >>> disc = (torch.cartesian_prod(*2 * [torch.arange(128.0)]) - 64).norm(dim=1).reshape(1, 1, 128, 128)
    >>> metric = MeasurementMetric("fetal_head", "head_circumference_mm")
    >>> values = metric(disc < 42, disc < 40, spacing_mm=[(0.5, 0.5)])
    >>> round(float(metric.aggregate()), 1)  # two pixels of radius are about 2 pi mm
    6.2
    """

    def __init__(self, task: str, column: str) -> None:
        super().__init__()
        self.task, self.column = get_task(task), column
        columns = [known.name for known in self.task.columns]
        if column not in columns:
            raise UsageError(f"no column {column!r} in {task}: one of {', '.join(columns)}")

    def row(self, found: MaskArray, true: MaskArray, spacing_mm: Spacing | None) -> tuple[float, float]:
        """The measurement of both masks."""
        first, second = (self.task.measure(mask, spacing_mm).values[self.column] for mask in (found, true))
        return _number(first), _number(second)

    def aggregate(self) -> Tensor:
        """Mean absolute difference, a float64 scalar."""
        rows = self.rows()
        return (rows[:, 0] - rows[:, 1]).abs().nanmean()


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else float("nan")
