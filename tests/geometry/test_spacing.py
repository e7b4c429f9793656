"""The range of pixel spacings, at its ends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from usseg_monai.errors import UsageError
from usseg_monai.geometry.spacing import SPACING_RANGE_MM, check_spacing

LOW, HIGH = SPACING_RANGE_MM


@pytest.mark.parametrize("spacing_mm", [(LOW, HIGH), (HIGH, LOW), (0.2, 0.3)])
def test_inside(spacing_mm: tuple[float, float]) -> None:
    assert check_spacing(spacing_mm) == check_spacing(list(spacing_mm)) == spacing_mm


def test_one_number_means_square_pixels() -> None:
    assert check_spacing(0.2) == check_spacing(np.float64(0.2)) == (0.2, 0.2) and check_spacing(1) == (1.0, 1.0)


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
        0.0,
        math.nan,
        LOW * 0.999,
        HIGH * 1.001,
        ("a", 1),
        "ab",
        "0.2",
        None,
    ],
)
def test_outside(spacing_mm: Any) -> None:
    with pytest.raises(UsageError, match=r"pixel spacing .* from 1e-05 to 1000, or None"):
        check_spacing(spacing_mm)
