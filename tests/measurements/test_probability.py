"""What is a probability, and what is not."""

from __future__ import annotations

import math

import pytest

from usseg_monai.errors import UsageError
from usseg_monai.measurements.probability import check_probability


@pytest.mark.parametrize("value", [None, 0.0, 0.5, 1.0])
def test_probabilities(value: float | None) -> None:
    check_probability("chance", value)


@pytest.mark.parametrize("value", [-1e-9, 1 + 1e-9, math.nan, math.inf, -math.inf])
def test_other_numbers(value: float) -> None:
    with pytest.raises(UsageError, match=r"chance .*: it must be a number from 0 to 1, or None"):
        check_probability("chance", value)
