"""Base of the metrics that look at one case after the other."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.metrics import CumulativeIterationMetric
from torch import Tensor

from usseg_monai.geometry.types import MaskArray, Spacing

__all__ = ["CaseMetric", "known_spacing"]


def known_spacing(mask: Tensor) -> Spacing | None:
    """``(row, col)`` in mm of an array that `usseg_monai.data.image_reader.UssegReader` read, or that took on its metadata.

    >>> known_spacing(MetaTensor(torch.zeros(1, 4, 4), meta={"spacing_mm": np.array([0.2, 0.3])}))
    (0.2, 0.3)
    >>> known_spacing(torch.zeros(1, 4, 4)) is None
    True
    """
    if not isinstance(mask, MetaTensor):
        return None
    row, col = np.broadcast_to(np.asarray(mask.meta.get("spacing_mm", np.nan), np.float64).ravel(), 2)
    return (float(row), float(col)) if np.isfinite([row, col]).all() else None


class CaseMetric(CumulativeIterationMetric):
    """Keeps two numbers for each case; subclasses say which, and what becomes of them."""

    @abstractmethod
    def row(self, found: MaskArray, true: MaskArray, spacing_mm: Spacing | None) -> tuple[float, float]:
        """The numbers of one case; nan where one is unknown.

        Args:
            found: ``(rows, cols)`` of 0 and 1.
            true: likewise.
            spacing_mm: ``(row, col)``, or ``None`` where it is unknown.
        """

    def _compute_list(
        self,
        y_pred: Sequence[Tensor] | Tensor,
        y: Sequence[Tensor] | Tensor | None = None,
        spacing_mm: Sequence[Spacing | None] | None = None,
        **_: Any,
    ) -> Tensor:
        if y is None or len(y) != len(y_pred):
            raise ValueError(f"{len(y_pred)} predicted masks have {0 if y is None else len(y)} true ones: give one each")
        spacings = [known_spacing(mask) for mask in y] if spacing_mm is None else list(spacing_mm)
        if len(spacings) != len(y):
            raise ValueError(f"{len(y)} cases have {len(spacings)} pixel sizes: give one each, None where it is unknown")
        masks = [[(torch.as_tensor(mask)[-1] != 0).cpu().numpy().T.astype(np.uint8) for mask in cases] for cases in (y_pred, y)]
        return torch.tensor([self.row(*case) for case in zip(*masks, spacings, strict=True)], dtype=torch.float64)

    def _compute_tensor(
        self, y_pred: Tensor, y: Tensor | None = None, spacing_mm: Sequence[Spacing | None] | None = None, **_: Any
    ) -> Tensor:
        return self._compute_list(y_pred, y, spacing_mm)

    def rows(self) -> Tensor:
        """The numbers of all cases since the last reset, float64 ``(cases, 2)``."""
        rows: Tensor = self.get_buffer()  # type: ignore[no-untyped-call]  # untyped in MONAI
        return rows
