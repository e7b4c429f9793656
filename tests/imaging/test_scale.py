"""The pixel size that holds for a structure: the order of precedence, and the scale of the region that holds it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from usseg_monai.errors import ImageError
from usseg_monai.imaging import GreyImage, Region
from usseg_monai.imaging.scale import GivenSpacing, scale_image, structure_spacing

LEFT, RIGHT = Region(0, 100, 0, 100, (0.2, 0.2)), Region(0, 100, 100, 200, (0.1, 0.1))
NOTHING = GivenSpacing()


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
    assert scale_image(image, NOTHING, bar(10, 60))[0].spacing_mm == (0.2, 0.2)
    scaled, reason = scale_image(image, NOTHING, bar(120, 150))
    assert scaled.spacing_mm is None and "known for a region of the picture only, and the structure lies outside" in reason
    assert "lies partly outside" in scale_image(image, NOTHING, bar(50, 149))[1]
    assert scale_image(image, GivenSpacing((0.3, 0.3)), bar(50, 149))[0].spacing_mm == (0.3, 0.3)


def test_two_regions_of_one_scale_hold_a_structure_together() -> None:
    other = Region(0, 100, 90, 200, (0.2, 0.2))
    assert structure_spacing(bar(50, 149), [LEFT, other]) == ((0.2, 0.2), "")


def test_nothing_found() -> None:
    assert structure_spacing(np.zeros((100, 200), np.uint8), [LEFT, RIGHT]) == (None, "")


def test_what_the_user_gives_fills_in() -> None:
    image = GreyImage(np.zeros((100, 200), np.float32), regions=(LEFT, RIGHT))
    scaled, reason = scale_image(image, GivenSpacing((9.0, 9.0)), bar(10, 60))
    assert (scaled.spacing_mm, scaled.regions, reason) == ((0.2, 0.2), (), "")  # the header knows better
    scaled, reason = scale_image(image, GivenSpacing((9.0, 9.0)), bar(50, 149))
    assert (scaled.spacing_mm, reason) == ((9.0, 9.0), "")
    scaled, reason = scale_image(image, NOTHING, bar(50, 149))
    assert scaled.spacing_mm is None and reason
    plain = GreyImage(np.zeros((100, 200), np.float32), (0.3, 0.3))
    assert scale_image(plain, GivenSpacing((9.0, 9.0)), bar(50, 149)) == (plain, "")


OWN, REGION, LISTED, PATH, NAME, OPTION = ((step, step) for step in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
BOTH, BY_NAME, OTHER = {"a/1.png": PATH, "1.png": NAME}, {"1.png": NAME}, {"2.png": NAME}


@pytest.mark.parametrize(
    ("own", "region", "listed", "table", "option", "expected"),
    [
        (OWN, None, LISTED, BOTH, OPTION, OWN),
        (OWN, None, None, OTHER, None, OWN),
        (OWN, REGION, LISTED, BOTH, OPTION, REGION),
        (None, REGION, LISTED, BOTH, OPTION, REGION),
        (None, REGION, None, OTHER, None, REGION),
        (None, None, LISTED, BOTH, OPTION, LISTED),
        (None, None, LISTED, OTHER, None, LISTED),
        (None, None, None, BOTH, OPTION, PATH),
        (None, None, None, BY_NAME, OPTION, NAME),
        (None, None, None, BY_NAME, None, NAME),
        (None, None, None, OTHER, OPTION, OPTION),
        (None, None, None, None, OPTION, OPTION),
        (None, None, None, None, None, None),
    ],
)
@pytest.mark.parametrize("masked", [True, False])
def test_what_comes_first(
    own: tuple[float, float] | None,
    region: tuple[float, float] | None,
    listed: tuple[float, float] | None,
    table: Mapping[str, tuple[float, float]] | None,
    option: tuple[float, float] | None,
    expected: tuple[float, float] | None,
    masked: bool,
) -> None:
    regions = (Region(0, 100, 0, 100, region),) if region else ()
    image = GreyImage(np.zeros((100, 200), np.float32), own, regions=regions)
    given = GivenSpacing(option, "a/1.png", table, listed)
    if regions and not masked:  # nobody knows yet where the structure lies
        expected = scale_image(GreyImage(image.pixels), given)[0].spacing_mm if listed or table == BOTH else None
    assert scale_image(image, given, bar(10, 60) if masked else None)[0].spacing_mm == expected


def test_outside_of_its_region_a_structure_has_what_the_user_states() -> None:
    image = GreyImage(np.zeros((100, 200), np.float32), (0.2, 0.2), regions=(LEFT,))
    assert scale_image(image, GivenSpacing(OPTION, "a/1.png", BOTH, LISTED), bar(120, 190))[0].spacing_mm == LISTED
    assert scale_image(image, GivenSpacing(None, "a/1.png", OTHER), bar(120, 190))[0].spacing_mm is None  # no row, and no failure


def test_an_image_that_the_table_does_not_name() -> None:
    image = GreyImage(np.zeros((100, 200), np.float32))
    for table in ({}, OTHER):
        for mask in (None, bar(10, 60)):
            with pytest.raises(ImageError, match=r"^1.png: no row in the table of pixel sizes; add it, or give a spacing"):
                scale_image(image, GivenSpacing(None, "a/1.png", table), mask)
