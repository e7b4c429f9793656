"""The range of spacings, at its ends, and what an image without facts says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from usseg_monai.geometry.spacing import SPACING_RANGE_MM, is_spacing
from usseg_monai.imaging.image import GreyImage, Place

LOW, HIGH = SPACING_RANGE_MM


@pytest.mark.parametrize(
    ("row", "col", "valid"),
    [
        (LOW, HIGH, True),
        (HIGH, LOW, True),
        (math.nextafter(LOW, 0), 1, False),
        (1, math.nextafter(LOW, 0), False),
        (math.nextafter(HIGH, math.inf), 1, False),
        (1, math.nextafter(HIGH, math.inf), False),
        (0, 0, False),
        (-0.2, 0.2, False),
        (math.nan, 0.2, False),
        (math.inf, 0.2, False),
    ],
)
def test_spacings(row: float, col: float, valid: bool) -> None:
    assert is_spacing(row, col) is valid


def test_what_is_not_known_is_none_and_never_1() -> None:
    image = GreyImage(np.zeros((2, 3), np.float32))
    assert (image.spacing_mm, image.place, image.regions) == (None, None, ())
    assert (image.source.frame, image.source.frames, image.source.format) == (0, 1, "array")
    assert not any(vars(Place()).values())
