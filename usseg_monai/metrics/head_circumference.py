"""How far measured head circumferences are off, in MONAI's form."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.metrics import CumulativeIterationMetric

from usseg_monai.measurements.fetal_head import measure

__all__ = ["HeadCircumferenceError"]


class HeadCircumferenceError(CumulativeIterationMetric):
    """Difference of the head circumferences of predicted and true masks.

    Call it with binary masks ``(batch, channels, spatial, spatial)`` or lists of ``(channels, spatial, spatial)``; the last channel is
    the head. With ``spacing``, the millimetres along the two spatial axes for all cases or one pair a case, differences are millimetres,
    else pixels. Each call returns them, signed, shape ``(batch, 1)``; nan where one of the two masks could not be measured.

    Args:
        large: differences above this, in the same unit, are counted as large.

    >>> disc = (torch.cartesian_prod(*2 * [torch.arange(64.0)]) - 32).norm(dim=1).reshape(1, 1, 64, 64)
    >>> metric = HeadCircumferenceError()
    >>> round(metric(disc < 22, disc < 20, spacing=(0.5, 0.5)).item())  # pi x 4 pixels x 0.5 mm
    6
    """

    def __init__(self, large: float = 5.0) -> None:
        super().__init__()
        self.large = large

    def _compute_list(
        self,
        y_pred: Sequence[torch.Tensor] | torch.Tensor,
        y: Sequence[torch.Tensor] | torch.Tensor | None = None,
        spacing: Sequence[float] | Sequence[Sequence[float]] | None = None,
    ) -> torch.Tensor:
        if y is None or len(y) != len(y_pred):
            raise ValueError(f"{len(y_pred)} predicted masks have {0 if y is None else len(y)} true ones: give one each")
        spacings = _one_each(spacing, len(y_pred))
        pairs = zip(y_pred, y, spacings, strict=True)
        return torch.tensor([[_circumference(predicted, each) - _circumference(true, each)] for predicted, true, each in pairs])

    def _compute_tensor(
        self,
        y_pred: torch.Tensor,
        y: torch.Tensor | None = None,
        spacing: Sequence[float] | Sequence[Sequence[float]] | None = None,
    ) -> torch.Tensor:
        return self._compute_list(y_pred, y, spacing)

    def aggregate(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mean absolute difference, mean signed difference (positive: predicted too large), share of large ones; without nan."""
        differences = self.get_buffer()
        known = differences[~differences.isnan()]
        return known.abs().mean(), known.mean(), (known.abs() > self.large).double().mean()


def _one_each(spacing: Sequence[float] | Sequence[Sequence[float]] | None, count: int) -> list[tuple[float, float] | None]:
    if spacing is None:
        return [None] * count
    pairs = torch.as_tensor(spacing, dtype=torch.float64)
    if pairs.shape not in {(2,), (count, 2)}:
        raise ValueError(f"spacing has shape {tuple(pairs.shape)}: it must be (2,) or ({count}, 2), one pair a case")
    return [(float(first), float(second)) for first, second in pairs.expand(count, 2)]


def _circumference(mask: torch.Tensor, spacing: tuple[float, float] | None) -> float:
    values = measure(mask[-1].detach().cpu().numpy(), spacing).values
    value = values["head_circumference_px" if spacing is None else "head_circumference_mm"]
    return value if isinstance(value, float) else float("nan")
