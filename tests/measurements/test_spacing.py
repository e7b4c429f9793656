"""The range of pixel spacings, at its ends."""

from __future__ import annotations

import math
from typing import Any

import pytest

from usseg_monai.errors import UsageError
from usseg_monai.imaging.image import SPACING_RANGE_MM
from usseg_monai.measurements.spacing import check_spacing

LOW, HIGH = SPACING_RANGE_MM


@pytest.mark.parametrize("spacing_mm", [(LOW, HIGH), (HIGH, LOW), (0.2, 0.3)])
def test_inside(spacing_mm: tuple[float, float]) -> None:
    check_spacing(spacing_mm)


@pytest.mark.parametrize(
    "spacing_mm",
    [
        (LOW * 0.999, 1),
        (1, LOW * 0.999),
        (HIGH * 1.001, 1),
        (1, HIGH * 1.001),
        (0, 1),
        (-1, 1),
        (math.nan, 1),
        (1,),
        (1, 1, 1),
        0.2,
        ("a", 1),
    ],
)
def test_outside(spacing_mm: Any) -> None:
    with pytest.raises(UsageError, match=r"pixel spacing .* from 1e-05 to 1000, or None"):
        check_spacing(spacing_mm)
