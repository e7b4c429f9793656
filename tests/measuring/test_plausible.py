"""Shapes and sizes that no structure of a body has, by the bounds of every task: just within and just beyond."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from usseg_monai.geometry.runs import find_runs, largest_piece
from usseg_monai.measuring.plausible import _holes, elongation, pixel_doubts, shape_doubts, share_doubts, size_doubts
from usseg_monai.measuring.result import Status
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


@pytest.mark.parametrize(("task", "most", "percent"), [("left_ventricle", 60, 85), ("nerve", 120, 70), ("breast", 160, 60)])
def test_dents(task: str, most: int, percent: int) -> None:
    assert TASKS[task].measure(dented(most), (0.5, 0.5)).status is Status.OK
    result = TASKS[task].measure(dented(most + 1), (0.5, 0.5))
    assert result.status is Status.LOW_CONFIDENCE
    assert f"% of its convex hull, less than {percent} %" in result.message


@pytest.mark.parametrize("task", ["left_ventricle", "nerve", "breast"])
def test_holes(task: str) -> None:
    assert TASKS[task].measure(hollow(20), (0.5, 0.5)).status is Status.OK
    result = TASKS[task].measure(hollow(21), (0.5, 0.5))
    assert result.status is Status.LOW_CONFIDENCE and "has a hole of 5 %, more than 5 %" in result.message


@pytest.mark.parametrize(("task", "most", "percent"), [("left_ventricle", 102, 50), ("breast", 163, 80)])
def test_shares_of_the_picture(task: str, most: int, percent: int) -> None:
    """Rows of 98 pixels in a picture of 200 x 100."""
    assert TASKS[task].measure(rectangle(most, 98, (200, 100)), (0.5, 0.5)).status is Status.OK
    result = TASKS[task].measure(rectangle(most + 1, 98, (200, 100)), (0.5, 0.5))
    assert result.status is Status.LOW_CONFIDENCE
    assert f"covers {percent} % of the picture, not 0 to {percent} %" in result.message


@pytest.mark.parametrize(
    ("task", "column", "bounds"),
    [
        ("left_ventricle", "equivalent_diameter_mm", (2.0, 100.0)),
        ("nerve", "equivalent_diameter_mm", (1.0, 25.0)),
        ("breast", "long_axis_mm", (1.0, 100.0)),
        ("fetal_head", "head_circumference_mm", (40.0, 400.0)),
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
    speck = rectangle(2, 4)
    assert TASKS["left_ventricle"].measure(speck, (1.5, 1.5)).status is Status.OK
    speck[1, 1] = False
    result = TASKS["left_ventricle"].measure(speck, (1.5, 1.5))
    assert (result.status, result.message) == (Status.LOW_CONFIDENCE, "a cavity of 7 pixels: below 8 it is a speck")


def test_cavities_are_round_in_millimetres() -> None:
    task = TASKS["left_ventricle"]
    assert task.measure(rectangle(10, 30), (1.001, 1.0)).status is Status.OK
    assert "3 times as long as wide, more than 3 times" in task.measure(rectangle(10, 30), (1.0, 1.001)).message
    result = task.measure(rectangle(10, 31), (1.0, 1.0))
    assert result.message == "the cavity is 3.1 times as long as wide, more than 3 times: short-axis slices show it round"
    assert task.measure(rectangle(10, 31), (2.0, 1.0)).status is Status.OK


@pytest.mark.parametrize("task", TASKS)
def test_sides_of_pixels(task: str) -> None:
    assert pixel_doubts(None) == pixel_doubts((0.1, 1.0)) == pixel_doubts((1.0, 0.1)) == []
    for spacing in ((0.1, 1.001), (1.001, 0.1)):
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


@pytest.mark.parametrize(("pixels", "outwards"), [(100, -1), (2500, 1)])
def test_shares_of_a_nerve(pixels: int, outwards: int) -> None:
    """Half a percent of 20,000 pixels, and 12.5."""
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
    result: Mask = np.hypot((COLS - 70) / long, (ROWS - 50) / short) <= 1
    return result


@pytest.mark.parametrize(
    ("column", "bound", "heads", "words"),
    [
        ("biparietal_diameter_px", 16.0, [(11, short) for short in np.arange(8, 10.5, 0.1)], "short axis of"),
        ("cephalic_index_percent", 60.0, [(45, s) for s in np.arange(25, 30, 0.25)], "cephalic index"),
    ],
)
def test_heads_are_doubted_exactly_beyond_their_bounds(column: str, bound: float, heads: list[tuple[float, float]], words: str) -> None:
    found = [TASKS["fetal_head"].measure(_head(*axes), None) for axes in heads]
    values = np.array([float(result.values[column] or 0) for result in found])
    assert [words in result.message for result in found] == (values < bound).tolist()
    near = values[np.abs(values / bound - 1) < 0.015]
    assert (near < bound).any() and (near >= bound).any()


@pytest.mark.parametrize(("pixels", "said"), [(970, "9.7 %"), (1000, "10 %"), (1260, "13 %")])
def test_shares_are_said_in_two_digits(pixels: int, said: str) -> None:
    piece = find_runs(np.arange(10_000).reshape(100, 100) < pixels)
    assert share_doubts("nerve", piece, (0.5, 5.0)) == [f"the nerve covers {said} of the picture, not 0.5 to 5 %"]


@pytest.mark.parametrize(("size", "said"), [(0.1, "0.1"), (0.9, "0.9"), (0.09, "9.0e-02")])
def test_sizes_and_pixels_are_said_side_by_side(size: float, said: str) -> None:
    expected = f"length {said} mm is not in 1 to 9 mm: check the pixel size, 0.2 x 0.3 mm"
    assert size_doubts("length", size, (1.0, 9.0), (0.2, 0.3)) == [expected]
    assert pixel_doubts((0.1, 2.0)) == ["pixels of 0.1 x 2 mm: one side is more than 10 times the other; check the pixel size"]


@pytest.mark.parametrize("degrees", [30, 120])
def test_elongation_of_ellipses_that_are_turned(degrees: float) -> None:
    angle = math.radians(degrees)
    along = (COLS - 70) * math.cos(angle) + (ROWS - 50) * math.sin(angle)
    across = (ROWS - 50) * math.cos(angle) - (COLS - 70) * math.sin(angle)
    assert elongation(find_runs(np.hypot(along / 40, across / 20) <= 1), None) == pytest.approx(2.0, abs=0.02)


@settings(max_examples=200, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 1, 1])))
def test_pixels_in_holes_are_those_that_no_way_leads_to(noise: npt.NDArray[np.uint8]) -> None:
    if not noise.any():
        return
    piece = largest_piece(find_runs(noise))[0]
    painted = np.ones((noise.shape[0] + 2, noise.shape[1] + 2), np.bool_)  # what does not belong to the piece, and a frame
    for row, start, stop in zip(piece.row, piece.start, piece.stop, strict=True):
        painted[row + 1, start + 1 : stop + 1] = False
    labels, _ = ndimage.label(painted, np.ones((3, 3)))
    assert _holes(piece) == (painted & (labels != labels[0, 0])).sum()


def test_holes_of_a_piece_that_begins_in_the_second_row() -> None:
    """Drawn as 2 are the two pixels of its hole; all other gaps lead outside."""
    drawn = ["000000000", "000010110", "011011110", "011111110", "011221110", "011111100", "011001010", "000000000"]
    piece = find_runs(np.array([[pixel == "1" for pixel in row] for row in drawn]))
    assert _holes(piece) == 2


@pytest.mark.parametrize(("hole", "said"), [(20, []), (21, ["the square has a hole of 5 %, more than 5 %"])])
def test_holes_are_a_share_of_what_the_edge_encloses(hole: int, said: list[str]) -> None:
    """Of 400 pixels, of a square of 420 with a dent of 20."""
    mask = rectangle(20, 21)
    mask[1:3, 6:16] = False
    rows, cols = np.divmod(np.arange(hole), 7)
    mask[8 + rows, 6 + cols] = False
    assert shape_doubts("square", find_runs(mask), 0.1) == said


def test_the_share_of_a_hole_is_said_exactly() -> None:
    mask = rectangle(20, 20)
    mask[3:19, 3:19] = False
    assert shape_doubts("square", find_runs(mask), 0.1) == ["the square has a hole of 64 %, more than 5 %"]
