"""Sweeps through a head: ellipses with a known circumference in each frame."""

from __future__ import annotations

import math

import pytest

from tests.tasks.fetal_head.heads import draw_head
from usseg_monai.files.table import Row
from usseg_monai.geometry.ellipse import Ellipse
from usseg_monai.tasks.clip import ClipFrame
from usseg_monai.tasks.fetal_head.clip import CEPHALIC_INDEX, FEWEST, LARGEST_EXCESS, NEAR_BEST, WEIGHTS, scores, sum_up, track
from usseg_monai.tasks.fetal_head.measure import measure

SPACING = 0.5
MM, PX = "head_circumference_mm", "head_circumference_px"


def head(share: float, col: float = 160) -> Ellipse:
    """The section of an ellipsoid at a share of its half height from the largest one."""
    scale = math.sqrt(1 - share**2)
    return Ellipse(120, col, 110 * scale, 86 * scale, 10)


def sweep(shares: list[float], spacing: float | None = SPACING) -> list[ClipFrame]:
    frames = []
    for number, share in enumerate(shares):
        found = measure(draw_head(head(share, 150 + number), (240, 320)), spacing)
        row = dict(found.values) | {"status": found.status.value, "confidence": None, "source_distance": None}
        frames.append(ClipFrame(row, 40.0 * number))
    return frames


def row_of(**more: float | str | None) -> Row:
    row: Row = {"status": "ok", "confidence": 0.97, "source_distance": 0.5, "cephalic_index_percent": 78.3, MM: 200.0, PX: 400.0}
    return row | more


def test_the_best_frame_of_a_sweep_is_the_largest_section() -> None:
    shares = [abs(number - 7) / 12 for number in range(15)]
    row, remark = sum_up(sweep(shares))
    true = head(0).perimeter * SPACING
    assert row["best_frame"] == 7 and remark == ""
    assert row[MM] == pytest.approx(true, abs=0.5)
    near = [share for share in shares if math.sqrt(1 - share**2) >= NEAR_BEST]
    assert row["best_frames"] == len(near)
    sizes = sorted(head(share).perimeter * SPACING for share in near)
    assert row["head_circumference_median_mm"] == pytest.approx(sizes[len(sizes) // 2], abs=0.5)
    assert isinstance(iqr := row["head_circumference_iqr_mm"], float) and 0 < iqr < sizes[-1] - sizes[0]
    assert row[PX] == pytest.approx(head(0).perimeter, abs=1)


def test_without_a_pixel_size_the_numbers_are_in_pixels() -> None:
    row, _ = sum_up(sweep([0.5, 0.2, 0.0, 0.1], None))
    assert row["best_frame"] == 2 and row[MM] is None and row["head_circumference_median_mm"] is None
    assert row[PX] == pytest.approx(head(0).perimeter, abs=1)


def test_frames_that_show_no_whole_head_do_not_count() -> None:
    bad = ("failed", "empty", "unlike_training_data", "touches_border")
    frames = [ClipFrame(row_of(status=status, **{MM: 300.0})) for status in bad] + [ClipFrame(row_of())] * 3
    row, _ = sum_up(frames)
    assert (row["best_frame"], row["best_frames"], row[MM]) == (4, 3, 200.0)
    row, remark = sum_up(frames[:4])
    assert remark == "no frame shows a whole head that can be measured"
    assert row["best_frame"] is None and row[MM] is None and row["best_frames"] == 0
    assert [each["score"] for each in track(frames[:4])] == [None] * 4


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"confidence": 0.97}, {"confidence": 0.9}),
        ({"source_distance": 0.3}, {"source_distance": 0.9}),
        ({"cephalic_index_percent": 78.3}, {"cephalic_index_percent": 92.0}),
        ({MM: 200.0}, {MM: 180.0}),
    ],
)
def test_each_term_decides_where_the_others_agree(better: dict[str, float], worse: dict[str, float]) -> None:
    frames = [ClipFrame(row_of(**worse)), ClipFrame(row_of(**better)), ClipFrame(row_of(**worse))]
    assert sum_up(frames)[0]["best_frame"] == 1


def test_terms_and_weights() -> None:
    first, second = scores([ClipFrame(row_of()), ClipFrame(row_of(cephalic_index_percent=sum(CEPHALIC_INDEX), confidence=0.9))])
    assert first["size"] == 1.0 and first["confidence"] == 0.97
    assert first["plane"] == pytest.approx(1 / 1.25)
    assert second["plane"] == pytest.approx(math.exp(-1 / 8) / 1.25)
    assert isinstance(plane := second["plane"], float)
    assert second["score"] == pytest.approx(0.9 ** WEIGHTS["confidence"] * plane ** WEIGHTS["plane"])
    assert scores([ClipFrame(row_of(cephalic_index_percent=None))])[0]["score"] == 0


@pytest.mark.parametrize(("share", "count"), [(NEAR_BEST + 0.001, 3), (NEAR_BEST - 0.001, 2)])
def test_the_bound_of_near(share: float, count: int) -> None:
    frames = [ClipFrame(row_of())] * 2 + [ClipFrame(row_of(**{MM: 200.0 * share}))]
    row, remark = sum_up(frames)
    assert row["best_frames"] == count
    assert (row["head_circumference_iqr_mm"] is not None) is (count >= FEWEST) is (remark == "")


@pytest.mark.parametrize(("factor", "term"), [(LARGEST_EXCESS - 0.001, 1.0), (LARGEST_EXCESS + 0.001, 1 / (LARGEST_EXCESS + 0.001))])
def test_the_bound_of_a_wrong_outline(factor: float, term: float) -> None:
    frames = [ClipFrame(row_of())] * 99 + [ClipFrame(row_of(**{MM: 200.0 * factor}))]
    assert scores(frames)[99]["size"] == pytest.approx(term)


def test_one_wrong_outline_does_not_set_the_size() -> None:
    frames = [ClipFrame(row_of(**{MM: 198.0 + number / 10})) for number in range(40)] + [ClipFrame(row_of(**{MM: 320.0}))]
    row, _ = sum_up(frames)
    assert row["best_frame"] != 40 and row[MM] == pytest.approx(201, abs=1.5)
