"""The scale of the region that holds a structure."""

from __future__ import annotations

import numpy as np
import pytest

from usseg_monai.imaging import GreyImage, Region
from usseg_monai.imaging.regions import scale_image, structure_spacing

LEFT, RIGHT = Region(0, 100, 0, 100, (0.2, 0.2)), Region(0, 100, 100, 200, (0.1, 0.1))


def bar(first: int, last: int) -> np.ndarray:
    """A structure of one row from one column to another, both within it."""
    mask = np.zeros((100, 200), np.uint8)
    mask[50, first : last + 1] = 1
    return mask


@pytest.mark.parametrize(
    ("mask", "spacing"),
    [
        (bar(10, 60), (0.2, 0.2)),
        (bar(120, 190), (0.1, 0.1)),
        (bar(10, 109), (0.2, 0.2)),  # 90 of 100 pixels
        (bar(11, 110), None),  # 89 of 100 pixels
        (bar(50, 149), None),
    ],
)
def test_the_region_that_holds_nine_tenths(mask: np.ndarray, spacing: tuple[float, float] | None) -> None:
    found, reason = structure_spacing(mask, [LEFT, RIGHT])
    assert found == spacing
    assert ("different scales" in reason and "0.1 x 0.1 mm, 0.2 x 0.2 mm" in reason) == (spacing is None)


def test_outside_and_in_several() -> None:
    assert "lies in none of them" in structure_spacing(bar(120, 150), [LEFT, Region(0, 100, 0, 90, (0.1, 0.1))])[1]
    inset = Region(40, 60, 0, 70, (0.05, 0.05))
    assert structure_spacing(bar(10, 60), [LEFT, inset]) == (None, structure_spacing(bar(10, 60), [LEFT, inset])[1])
    assert "lies in several of them" in structure_spacing(bar(10, 60), [LEFT, inset])[1]
    assert structure_spacing(bar(10, 60), [LEFT, Region(40, 60, 0, 70, (0.2, 0.2))]) == ((0.2, 0.2), "")


def test_a_region_of_the_picture_only() -> None:
    image = GreyImage(np.zeros((100, 200), np.float32), (0.2, 0.2), regions=(LEFT,))
    assert scale_image(image, bar(10, 60), None)[0].spacing_mm == (0.2, 0.2)
    scaled, reason = scale_image(image, bar(120, 150), None)
    assert scaled.spacing_mm is None and "known for a region of the picture only, and the structure lies outside" in reason
    assert "lies partly outside" in scale_image(image, bar(50, 149), None)[1]
    assert scale_image(image, bar(50, 149), (0.3, 0.3))[0].spacing_mm == (0.3, 0.3)


def test_two_regions_of_one_scale_hold_a_structure_together() -> None:
    other = Region(0, 100, 90, 200, (0.2, 0.2))
    assert structure_spacing(bar(50, 149), [LEFT, other]) == ((0.2, 0.2), "")


def test_nothing_found() -> None:
    assert structure_spacing(np.zeros((100, 200), np.uint8), [LEFT, RIGHT]) == (None, "")


def test_what_the_user_gives_fills_in() -> None:
    image = GreyImage(np.zeros((100, 200), np.float32), regions=(LEFT, RIGHT))
    scaled, reason = scale_image(image, bar(10, 60), (9.0, 9.0))
    assert (scaled.spacing_mm, scaled.regions, reason) == ((0.2, 0.2), (), "")  # the header knows better
    scaled, reason = scale_image(image, bar(50, 149), (9.0, 9.0))
    assert (scaled.spacing_mm, reason) == ((9.0, 9.0), "")
    scaled, reason = scale_image(image, bar(50, 149), None)
    assert scaled.spacing_mm is None and reason
    plain = GreyImage(np.zeros((100, 200), np.float32), (0.3, 0.3))
    assert scale_image(plain, bar(50, 149), (9.0, 9.0)) == (plain, "")
