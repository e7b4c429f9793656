"""Shapes and sizes that no structure of a body has, by the bounds of every task: just within and just beyond."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from usseg_monai.measurements import breast, fetal_head, left_ventricle, nerve
from usseg_monai.measurements.plausible import HOLE_PERCENT, PIXEL_SIDES, elongation, pixel_doubts, shape_doubts, size_doubts
from usseg_monai.measurements.result import Status
from usseg_monai.measurements.runs import find_runs
from usseg_monai.tasks import TASKS

Mask = npt.NDArray[np.bool_]
SHAPE = (100, 140)
ROWS, COLS = np.mgrid[: SHAPE[0], : SHAPE[1]]
DISTANCE = np.hypot(ROWS - 50, COLS - 70)
ANGLE = np.degrees(np.arctan2(ROWS - 50, COLS - 70))


def rectangle(down: int, right: int, shape: tuple[int, int] = SHAPE) -> Mask:
    mask = np.zeros(shape, np.bool_)
    mask[1 : 1 + down, 1 : 1 + right] = True
    return mask


def dented(pixels: int) -> Mask:
    """A square of 400 pixels without so many, at its upper side."""
    mask = rectangle(20, 20)
    rows, cols = np.divmod(np.arange(pixels), 10)
    mask[1 + rows, 6 + cols] = False
    return mask


def hollow(pixels: int) -> Mask:
    """A square of 400 pixels without so many within."""
    mask = rectangle(20, 20)
    rows, cols = np.divmod(np.arange(pixels), 7)
    mask[6 + rows, 6 + cols] = False
    return mask


RING = (DISTANCE < 20) & (DISTANCE > 12)
LETTER_C = RING & (np.abs(ANGLE) > 45)
CRESCENT = (DISTANCE < 20) & (np.hypot(ROWS - 50, COLS - 79) > 17)
FRAME_FILLING = rectangle(98, 138)
PIXEL = DISTANCE < 0.5
DISC = DISTANCE < 15
NONSENSE = [
    ("left_ventricle", PIXEL, (1.5, 1.5)),
    ("left_ventricle", FRAME_FILLING, (0.5, 0.5)),
    ("left_ventricle", RING, (1.5, 1.5)),
    ("left_ventricle", LETTER_C, (1.5, 1.5)),
    ("left_ventricle", CRESCENT, (1.5, 1.5)),
    ("left_ventricle", DISC, (1e-5, 1e-5)),
    ("left_ventricle", DISC, (1e-5, 1000.0)),
    ("left_ventricle", DISC, (1000.0, 1000.0)),
    ("breast", FRAME_FILLING, (0.1, 0.1)),
    ("breast", RING, (0.1, 0.1)),
    ("breast", LETTER_C, (0.1, 0.1)),
    ("breast", CRESCENT, (0.1, 0.1)),
    ("breast", DISC, (1e-5, 1e-5)),
    ("breast", DISC, (1000.0, 1000.0)),
    ("nerve", RING, (0.1, 0.1)),
    ("nerve", LETTER_C, (0.1, 0.1)),
    ("nerve", CRESCENT, (0.1, 0.1)),
    ("nerve", FRAME_FILLING, (0.1, 0.1)),
    ("nerve", DISC, (1000.0, 1000.0)),
    ("nerve", DISC, (1e-5, 1e-5)),
    ("fetal_head", DISTANCE < 40, (1000.0, 1000.0)),
    ("fetal_head", DISTANCE < 40, (1e-5, 1e-5)),
    ("fetal_head", RING, (1.0, 1.0)),
    ("fetal_head", CRESCENT, (1.0, 1.0)),
]


@pytest.mark.parametrize(("task", "mask", "spacing"), NONSENSE)
def test_nonsense_is_low_confidence(task: str, mask: Mask, spacing: tuple[float, float]) -> None:
    result = TASKS[task].measure(mask, spacing)
    assert result.status is Status.LOW_CONFIDENCE and result.message


@pytest.mark.parametrize("task", TASKS)
def test_a_disc_of_a_size_that_fits_is_ok(task: str) -> None:
    assert TASKS[task].measure(DISC, (0.5, 0.5) if task != "fetal_head" else (2.0, 2.0)).status is Status.OK


@pytest.mark.parametrize(
    ("task", "solidity"), [("left_ventricle", left_ventricle.SOLIDITY), ("nerve", nerve.SOLIDITY), ("breast", breast.SOLIDITY)]
)
def test_dents(task: str, solidity: float) -> None:
    most = round(400 * (1 - solidity))
    assert TASKS[task].measure(dented(most), (0.5, 0.5)).status is Status.OK
    result = TASKS[task].measure(dented(most + 1), (0.5, 0.5))
    assert result.status is Status.LOW_CONFIDENCE
    assert f"% of its convex hull, less than {100 * solidity:g} %" in result.message


@pytest.mark.parametrize("task", ["left_ventricle", "nerve", "breast"])
def test_holes(task: str) -> None:
    most = round(400 * HOLE_PERCENT / 100)
    assert TASKS[task].measure(hollow(most), (0.5, 0.5)).status is Status.OK
    result = TASKS[task].measure(hollow(most + 1), (0.5, 0.5))
    assert result.status is Status.LOW_CONFIDENCE and "has a hole of 5 %, more than 5 %" in result.message


@pytest.mark.parametrize(
    ("task", "percent"), [("left_ventricle", left_ventricle.PICTURE_PERCENT[1]), ("breast", breast.PICTURE_PERCENT[1])]
)
def test_shares_of_the_picture(task: str, percent: float) -> None:
    most = int(percent / 100 * 200 * 100 / 98)  # rows of 98 pixels, in 200 x 100
    assert TASKS[task].measure(rectangle(most, 98, (200, 100)), (0.5, 0.5)).status is Status.OK
    result = TASKS[task].measure(rectangle(most + 1, 98, (200, 100)), (0.5, 0.5))
    assert result.status is Status.LOW_CONFIDENCE
    assert f"covers {percent:.0f} % of the picture, not 0 to {percent:g} %" in result.message


@pytest.mark.parametrize(
    ("task", "column", "bounds"),
    [
        ("left_ventricle", "equivalent_diameter_mm", left_ventricle.EQUIVALENT_DIAMETER_MM),
        ("nerve", "equivalent_diameter_mm", nerve.EQUIVALENT_DIAMETER_MM),
        ("breast", "long_axis_mm", breast.LONG_AXIS_MM),
        ("fetal_head", "head_circumference_mm", fetal_head.HEAD_CIRCUMFERENCE_MM),
    ],
)
def test_sizes_in_millimetres(task: str, column: str, bounds: tuple[float, float]) -> None:
    one = TASKS[task].measure(DISC, (1.0, 1.0)).values[column]
    assert isinstance(one, float)
    for bound, outwards in zip(bounds, (0.999, 1.001), strict=True):
        spacing = bound / one / outwards
        assert TASKS[task].measure(DISC, (spacing, spacing)).status is Status.OK
        spacing = bound / one * outwards
        result = TASKS[task].measure(DISC, (spacing, spacing))
        assert result.status is Status.LOW_CONFIDENCE
        said = f"is not in {bounds[0]:g} to {bounds[1]:g} mm: check the pixel size, {spacing:g} x {spacing:g} mm"
        assert said in result.message
    assert TASKS[task].measure(DISC, None).status is Status.OK


def test_specks_are_no_cavities() -> None:
    speck = rectangle(2, left_ventricle.SMALLEST_PX // 2)
    assert TASKS["left_ventricle"].measure(speck, (1.5, 1.5)).status is Status.OK
    speck[1, 1] = False
    result = TASKS["left_ventricle"].measure(speck, (1.5, 1.5))
    assert (result.status, result.message) == (Status.LOW_CONFIDENCE, "a cavity of 7 pixels: below 8 it is a speck")


def test_cavities_are_round_in_millimetres() -> None:
    task, most = TASKS["left_ventricle"], left_ventricle.ELONGATION
    assert task.measure(rectangle(10, int(10 * most) - 1), (1.0, 1.0)).status is Status.OK
    result = task.measure(rectangle(10, int(10 * most) + 1), (1.0, 1.0))
    assert result.message == "the cavity is 3.1 times as long as wide, more than 3 times: short-axis slices show it round"
    assert task.measure(rectangle(10, int(10 * most) + 1), (2.0, 1.0)).status is Status.OK


@pytest.mark.parametrize("task", TASKS)
def test_sides_of_pixels(task: str) -> None:
    assert pixel_doubts(None) == pixel_doubts((0.1, 0.1 * PIXEL_SIDES)) == pixel_doubts((0.1 * PIXEL_SIDES, 0.1)) == []
    spacing = (0.1, 0.1 * PIXEL_SIDES * 1.01)
    assert "one side is more than 10 times the other" in TASKS[task].measure(DISC, spacing).message


def test_elongation_of_rectangles() -> None:
    for down, right in ((10, 30), (30, 10), (8, 8)):
        assert elongation(find_runs(rectangle(down, right)), None) == pytest.approx(max(down, right) / min(down, right))
    assert elongation(find_runs(rectangle(10, 30)), (3.0, 1.0)) == pytest.approx(1)
    assert elongation(find_runs(PIXEL), (1.0, 4.0)) == pytest.approx(4)


def test_holes_are_enclosed() -> None:
    """What leads outside by a side is a dent, and so is what leads there by a corner."""
    for opening in ((slice(7, 8), slice(1, 6)), (slice(1, 6), slice(7, 8)), (slice(12, 21), slice(12, 13))):
        open_square = hollow(49)
        open_square[opening] = False
        assert shape_doubts("square", find_runs(open_square), 0.1) == []
    assert shape_doubts("square", find_runs(hollow(49)), 0.1) == ["the square has a hole of 12 %, more than 5 %"]
    two = hollow(49)
    two[6:13, 9] = True  # two holes of 3 x 7 count together
    assert shape_doubts("square", find_runs(two), 0.1) == ["the square has a hole of 10 %, more than 5 %"]


@pytest.mark.parametrize(
    ("size", "doubtful"), [(39.99, True), (40.0, False), (400.0, False), (400.01, True), (1e-7, True), (math.inf, True)]
)
def test_bounds_of_a_size_are_plausible_sizes(size: float, doubtful: bool) -> None:
    assert bool(size_doubts("size", size, (40.0, 400.0), (1.0, 1.0))) == doubtful


@pytest.mark.parametrize(("percent", "outwards"), [(nerve.AREA_PERCENT[0], -1), (nerve.AREA_PERCENT[1], 1)])
def test_shares_of_a_nerve(percent: float, outwards: int) -> None:
    pixels = round(percent / 100 * 20000)
    for count, status in ((pixels, Status.OK), (pixels + outwards, Status.LOW_CONFIDENCE)):
        mask = np.zeros((200, 100), np.bool_)
        side = math.isqrt(pixels)
        rows, cols = np.divmod(np.arange(count), side)
        mask[2 + rows, 2 + cols] = True
        result = TASKS["nerve"].measure(mask, (0.2, 0.2))
        assert result.status is status, (count, result.message)


@pytest.mark.parametrize("task", ["left_ventricle", "nerve", "fetal_head"])
def test_second_pieces(task: str) -> None:
    """From 5 % of the largest piece on they are said."""
    for size, said in ((20, True), (19, False)):
        mask = rectangle(20, 20)
        rows, cols = np.divmod(np.arange(size), 5)
        mask[60 + rows, 60 + cols] = True
        assert ("a second piece has 5 % of the largest one's area" in TASKS[task].measure(mask, (0.5, 0.5)).message) == said


def _head(long: float, short: float) -> Mask:
    return np.hypot((COLS - 70) / long, (ROWS - 50) / short) <= 1


@pytest.mark.parametrize(
    ("column", "bound", "heads", "words"),
    [
        ("biparietal_diameter_px", fetal_head.SHORT_AXIS_PX, [(11, short) for short in np.arange(8, 10.5, 0.1)], "short axis of"),
        ("cephalic_index_percent", fetal_head.CEPHALIC_INDEX_PERCENT[0], [(45, s) for s in np.arange(25, 30, 0.25)], "cephalic index"),
    ],
)
def test_heads_are_doubted_exactly_beyond_their_bounds(column: str, bound: float, heads: list[tuple[float, float]], words: str) -> None:
    found = [TASKS["fetal_head"].measure(_head(*axes), None) for axes in heads]
    values = np.array([float(result.values[column] or 0) for result in found])
    assert [words in result.message for result in found] == (values < bound).tolist()
    near = values[np.abs(values / bound - 1) < 0.015]
    assert (near < bound).any() and (near >= bound).any()
