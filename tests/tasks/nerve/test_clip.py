"""The nerve over a clip: phantoms with frames removed."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from usseg_monai.files.table import Row
from usseg_monai.geometry.runs import find_runs
from usseg_monai.tasks.clip import ClipFrame
from usseg_monai.tasks.nerve.clip import LONGEST_GAP, MOST_SHIFT, joins, sum_up, track
from usseg_monai.tasks.nerve.measure import measure
from usseg_monai.tasks.nerve.phantom import nerve_phantom

SPACING = (0.1, 0.1)
Mask = npt.NDArray[np.uint8]


def nerve(step: int) -> Mask:
    """A phantom's nerve that moves by a pixel per frame."""
    return np.roll(nerve_phantom(3, shape=(105, 145)).mask, step, axis=1)


def clip(masks: list[Mask], spacing: tuple[float, float] | None = SPACING) -> list[ClipFrame]:
    found = []
    for number, mask in enumerate(masks):
        measured = measure(mask, spacing)
        row = dict(measured.values) | {"status": measured.status.value, "frame": number}
        found.append(ClipFrame(row, 40.0 * number, find_runs(mask) if mask.any() else None))
    return found


def without(count: int, lost: range) -> list[Mask]:
    return [np.zeros((105, 145), np.uint8) if number in lost else nerve(number) for number in range(count)]


@pytest.mark.parametrize(("length", "bridged"), [(1, True), (LONGEST_GAP, True), (LONGEST_GAP + 1, False)])
def test_gaps_up_to_the_longest_are_bridged(length: int, bridged: bool) -> None:
    frames = clip(without(length + 4, range(2, 2 + length)))
    row, remark = sum_up(frames)
    assert (row["found"], row["bridged"], row["missing"]) == (4, length * bridged, length * (not bridged))
    assert (remark == "") is bridged
    assert [each["bridged"] for each in track(frames)] == [0, 0, *[int(bridged)] * length, 0, 0]


def test_bridged_frames_are_where_the_nerve_was() -> None:
    lost = range(3, 3 + LONGEST_GAP)
    rows = track(clip(without(LONGEST_GAP + 6, lost)))
    for number in lost:
        true = measure(nerve(number), SPACING).values
        assert rows[number]["bridged"] == 1
        for name, most in (("center_row_px", 1.0), ("center_col_px", 1.0)):
            assert abs(float(rows[number][name] or 0) - float(true[name] or 0)) < most
        for name in ("area_px", "area_mm2"):
            assert float(rows[number][name] or 0) == pytest.approx(float(true[name] or 0), rel=0.05)
    assert rows[2] == {"bridged": 0} | {name: measure(nerve(2), SPACING).values[name] for name in rows[2] if name != "bridged"}


@pytest.mark.parametrize(("factor", "same"), [(0.99, True), (1.01, False)])
def test_a_nerve_elsewhere_is_another_structure(factor: float, same: bool) -> None:
    area = 400.0
    diameter = 2 * math.sqrt(area / math.pi)
    before: Row = {"center_row_px": 50.0, "center_col_px": 50.0, "area_px": area, "status": "ok", "area_mm2": 1.0}
    after: Row = before | {"center_col_px": 50.0 + factor * MOST_SHIFT * diameter}
    assert joins(before, after) is same
    empty: Row = dict.fromkeys(before) | {"status": "empty"}
    row, remark = sum_up([ClipFrame(before), ClipFrame(empty), ClipFrame(after)])
    assert (row["bridged"], row["missing"]) == (int(same), int(not same))
    assert (remark == "1 gap stays open: longer than 8 frames, or the nerve is elsewhere after it") is not same


def test_losses_at_the_ends_stay_missing() -> None:
    row, remark = sum_up(clip(without(6, range(0, 2))))
    assert (row["found"], row["bridged"], row["missing"], remark) == (4, 0, 2, "")


def test_a_clip_without_a_nerve() -> None:
    frames = clip(without(3, range(3)))
    row, remark = sum_up(frames)
    assert (row["found"], row["missing"], row["area_median_mm2"], remark) == (0, 3, None, "no nerve found in any frame")
    assert [each["area_px"] for each in track(frames)] == [None] * 3


def test_a_failed_frame_is_a_gap() -> None:
    frames = clip(without(3, range(1, 2)))
    frames[1] = ClipFrame(dict(frames[1].row) | {"status": "failed"})
    assert sum_up(frames)[0]["bridged"] == 1


def test_areas_are_those_of_seen_frames_alone() -> None:
    row, _ = sum_up(clip(without(9, range(4, 6))))
    area = float(measure(nerve(0), SPACING).values["area_mm2"] or 0)
    assert row["area_median_mm2"] == pytest.approx(area) and row["area_iqr_mm2"] == pytest.approx(0, abs=1e-6)


def test_without_a_pixel_size_there_are_no_millimetres() -> None:
    frames = clip(without(5, range(2, 3)), None)
    assert sum_up(frames)[0]["area_median_mm2"] is None
    bridged = track(frames)[2]
    assert bridged["area_mm2"] is None and isinstance(bridged["area_px"], float)


def test_without_masks_nothing_is_drawn_between() -> None:
    frames = [ClipFrame(frame.row) for frame in clip(without(5, range(2, 3)))]
    assert [row["bridged"] for row in track(frames)] == [0] * 5
    assert sum_up(frames)[0]["bridged"] == 1
