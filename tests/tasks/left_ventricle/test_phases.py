"""The order of the phases, copies, and slices that were taken twice."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.tasks.left_ventricle.slices import Change, area, areas, cine, right
from usseg_monai.tasks.left_ventricle.stacks import find_stacks
from usseg_monai.tasks.study import Stack, StudyFrame

ALONE = "the order of the phases is from InstanceNumber alone"


def only(frames: list[StudyFrame]) -> Stack:
    (stack,) = find_stacks(frames)
    return stack


def shuffled(slice_: int, phase: int, phases: int = 4) -> int:
    """An instance number that says nothing of the phase."""
    order = list(range(phases))
    Random(slice_).shuffle(order)
    return slice_ * phases + order[phase] + 1


# Clocks

CLOCKS: dict[str, Change] = {
    "trigger time": lambda s, p: {"time_ms": 40.0 * p},
    "trigger times of beats of different length": lambda s, p: {"time_ms": (40.0 + s) * p + 15 * s},
    "temporal position": lambda s, p: {"temporal_index": p + 1},
    "content time": lambda s, p: {"content_s": 36670 + s + p / 5},
    "acquisition time": lambda s, p: {"acquired_s": 36670 + s + p / 5},
    "content time through midnight": lambda s, p: {"content_s": (86400 - 2.5 + s + p / 5) % 86400},
    "acquisition time through midnight within a slice": lambda s, p: {"acquired_s": (86400 - 0.3 + 60 * s + p / 5) % 86400},
}
NO_CLOCK: dict[str, Any] = {"time_ms": None, "number": None}


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS)
def test_each_clock_alone_tells_the_order(clock: Change) -> None:
    stack = only(cine(lambda s, p: NO_CLOCK | clock(s, p)))
    assert areas(stack) == right() and (stack.problems, stack.remarks) == ((), ())


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS)
def test_each_clock_goes_before_instance_numbers(clock: Change) -> None:
    stack = only(cine(lambda s, p: NO_CLOCK | clock(s, p) | {"number": shuffled(s, p)}))
    assert areas(stack) == right() and stack.problems == ()
    beat = "time_ms" in clock(0, 0) or "temporal_index" in clock(0, 0)
    assert len(stack.remarks) == (0 if beat else 1) and all("InstanceNumber contradicts it" in remark for remark in stack.remarks)


@pytest.mark.parametrize("number", [1, None])
def test_a_constant_or_missing_instance_number_does_no_harm(number: int | None) -> None:
    stack = only(cine(lambda s, p: {"time_ms": None, "number": number, "temporal_index": p}))
    assert areas(stack) == right() and (stack.problems, stack.remarks) == ((), ())


def test_instance_numbers_are_the_last_resort_and_it_is_said() -> None:
    stack = only(cine(lambda s, p: {"time_ms": None}))
    assert areas(stack) == right() and (stack.problems, stack.remarks) == ((), (ALONE,))
    one_phase = only(cine(lambda s, p: {"time_ms": None}, phases=1))
    assert (one_phase.problems, one_phase.remarks) == ((), ())
    nothing = only(cine(lambda s, p: NO_CLOCK, phases=1))
    assert (nothing.problems, nothing.remarks) == ((), ())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s, p: {"time_ms": 0.0},
        lambda s, p: {"time_ms": None} if (s, p) == (2, 0) else {},
        lambda s, p: {"time_ms": 100.0 * (p or 1)} if s == 1 else {},  # two phases of one slice have one time
    ],
    ids=["constant", "one is missing", "one is there twice"],
)
def test_a_clock_that_does_not_tell_all_phases_apart_gives_way_to_the_next(spoil: Change) -> None:
    stack = only(cine(lambda s, p: {**spoil(s, p), "temporal_index": p + 1, "number": shuffled(s, p)}))
    assert areas(stack) == right() and (stack.problems, stack.remarks) == ((), ())


def test_trigger_times_go_before_temporal_positions_that_contradict() -> None:
    stack = only(cine(lambda s, p: {"temporal_index": shuffled(s, p)}))
    assert areas(stack) == right()
    assert stack.remarks == ("the phases are ordered by TriggerTime, TemporalPositionIdentifier contradicts it",)


@pytest.mark.parametrize(("phases", "by_number"), [(8, True), (7, False)])
def test_times_of_day_that_swap_neighbours_are_those_of_a_parallel_reconstruction(phases: int, by_number: bool) -> None:
    """As GE's ContentTime. Eight phases with neighbours swapped: a rank correlation of 0.905; seven: 0.893."""
    stack = only(cine(lambda s, p: {"time_ms": None, "content_s": 36670 + s + (p ^ 1) / 10}, phases=phases))
    order = sorted(range(phases), key=lambda p: p if by_number else p ^ 1)
    assert areas(stack) == [[area(s, p) for p in order] for s in range(6)]
    assert stack.remarks == (() if by_number else ("the phases are ordered by ContentTime, InstanceNumber contradicts it",))


def test_nothing_tells_the_phases_apart() -> None:
    (problem,) = only(cine(lambda s, p: {"time_ms": 0.0, "number": 1})).problems
    assert problem.startswith("nothing tells the phases of a slice apart: TriggerTime, TemporalPositionIdentifier, ContentTime")


def test_empty_slices_are_no_copies_of_each_other() -> None:
    """No clock tells the phases apart: of a slice without a cavity all are measured alike."""
    (problem,) = only(cine(lambda s, p: {"time_ms": None, "number": 1, "area_mm2": 0.0})).problems
    assert problem.startswith("nothing tells the phases of a slice apart")


def test_frames_of_one_file_have_their_own_order() -> None:
    stack = only(cine(lambda s, p: {"time_ms": None, "number": 4 * s + p, "file": "in/IM1", "frame": 4 * s + p}))
    assert areas(stack) == right() and stack.remarks == ("the order of the phases is that of the frames in their file alone",)


# Copies


def test_copies_count_once() -> None:
    frames = cine()
    copies = [item for item in cine(name="copy_of_") if item.place.number in (1, 2, 3, 9)]
    stack = only([*frames, *copies])
    assert areas(stack) == right() and stack.problems == ()
    assert stack.remarks == ("4 of 28 frames are copies of others and counted once",)
    assert len(stack.unused) == 4 and {slice_ for slice_, _ in stack.unused} == {0, 2}
    assert only([*frames, copies[0]]).remarks == ("1 of 25 frames is a copy of others and counted once",)


def test_copies_with_new_identifiers_count_once() -> None:
    copies = [item for item in cine(lambda s, p: {"instance": f"new{s}{p}"}, name="copy_of_") if item.place.number in (5, 6)]
    assert only([*cine(), *copies]).remarks == ("2 of 26 frames are copies of others and counted once",)


def test_copies_in_another_folder_count_once() -> None:
    stack = only([*cine(folder="in/a"), *cine(folder="in/backup")])
    assert areas(stack) == right() and stack.remarks == ("24 of 48 frames are copies of others and counted once",)


# Slices that were taken twice


def retake(change: Change, *, slices: tuple[int, ...] = (2,), factor: float = 0.5, phases: int = 4) -> list[StudyFrame]:
    """Other pictures of some of the slices."""
    frames = cine(lambda s, p: {"instance": f"retake{s}.{p}", "status": s, **change(s, p)}, factor=factor, name="retake", phases=phases)
    return [item for item in frames if item.row["status"] in slices]


def a_series_a_slice(s: int, p: int) -> dict[str, Any]:
    return {"series": f"series{s}", "series_number": s + 1, "number": p + 1, "acquired_s": 36000.0 + 60 * s}


LATER = "the slice at 20.0 mm was taken twice: the later take is used"


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    "order",
    [
        lambda s, late: {"acquired_s": 36000.0 + 60 * s + (500 if late else -500)},
        lambda s, late: {"acquired_s": None, "content_s": 36000.0 + 60 * s + (500 if late else -500)},
        lambda s, late: {"acquired_s": None, "series_s": 36000.0 + (500 if late else -500), "series_number": 0 if late else 99},
        lambda s, late: {"acquired_s": None, "series_number": 99 if late else 0},
    ],
    ids=["acquisition time", "content time", "series time", "series number"],
)
def test_of_two_takes_in_series_of_their_own_the_later_counts(order: Any, late: bool) -> None:
    def first(s: int, p: int) -> dict[str, Any]:
        changes = a_series_a_slice(s, p)
        changes["content_s"] = changes["acquired_s"]
        changes["series_s"] = 36000.0 if "series_s" in order(s, late) else None
        return changes | ({"acquired_s": None} if order(s, late).get("acquired_s", 0) is None else {})

    stack = only([*cine(first), *retake(lambda s, p: first(s, p) | {"series": "retake"} | order(s, late))])
    expected = right()
    if late:
        expected[2] = [value / 2 for value in expected[2]]
    assert areas(stack) == expected and stack.problems == () and stack.remarks == (LATER,)
    assert [slice_ for slice_, _ in stack.unused] == [2] * 4


TAKES = {
    "acquisition time": lambda s, p, take: {"acquired_s": 36000.0 + 60 * s + 500 * take},
    "acquisition time of each phase": lambda s, p, take: {"acquired_s": 36000.0 + 60 * s + 500 * take + p},
    "content time": lambda s, p, take: {"content_s": 36000.0 + 60 * s + 500 * take + p, "number": 1},
    "instance number": lambda s, p, take: {"number": 4 * s + p + 100 * take},
    "instance number and nothing else": lambda s, p, take: {"number": 4 * s + p + 100 * take, "time_ms": None},
    "content time and nothing else": lambda s, p, take: {"content_s": 36000.0 + 60 * s + 500 * take + p, "number": 1, "time_ms": None},
    "beats of different length": lambda s, p, take: {"number": 4 * s + p + 100 * take, "time_ms": (100.0 + 2 * take) * p + take},
}


@pytest.mark.parametrize("clock", TAKES.values(), ids=TAKES)
def test_of_two_takes_in_one_series_the_later_counts(clock: Any) -> None:
    stack = only([*cine(lambda s, p: clock(s, p, 0)), *retake(lambda s, p: clock(s, p, 1))])
    expected = right()
    expected[2] = [value / 2 for value in expected[2]]
    assert areas(stack) == expected and stack.problems == () and LATER in stack.remarks


def test_two_takes_of_which_nothing_tells_the_later() -> None:
    series = only([*cine(lambda s, p: {"series": f"s{s}", "number": p}), *retake(lambda s, p: {"series": "retake", "number": p})])
    assert series.problems == ("the slice at 20.0 mm was taken twice, and nothing tells which take is the later",)
    numbers = only([*cine(lambda s, p: {"series": f"s{s}", "number": p}), *retake(lambda s, p: {"series": "retake", "number": 9 + p})])
    assert numbers.problems == series.problems  # each series counts for itself
    one = only([*cine(lambda s, p: {"number": p}), *retake(lambda s, p: {"number": p})])
    assert one.problems == ("the slice at 20.0 mm has 8 frames, others 4: it was taken twice, and nothing tells the takes apart",)


@pytest.mark.parametrize("phases", [2, 3, 5])
def test_of_takes_with_different_numbers_of_phases_the_whole_one_counts(phases: int) -> None:
    """Although it was taken first: the other was broken off, or is of another kind."""
    again = retake(lambda s, p: a_series_a_slice(s, p) | {"series": "retake", "acquired_s": 40000.0}, phases=phases)
    stack = only([*cine(a_series_a_slice), *again])
    assert areas(stack) == right()
    assert stack.remarks == ("the slice at 20.0 mm was taken twice: the take that has 4 phases is used",)
    if phases < 4:
        again = retake(lambda s, p: {"acquired_s": 40000.0}, phases=phases)
        stack = only([*cine(lambda s, p: {"acquired_s": 36000.0 + s}), *again])
        assert areas(stack) == right() and "the take that has 4 phases is used" in stack.remarks[0]


def test_several_slices_and_three_takes() -> None:
    def again(number: int) -> Change:
        return lambda s, p: a_series_a_slice(s, p) | {"series": f"retake{s}.{number}", "acquired_s": 40000.0 + 60 * s + 1000 * number}

    takes = [*retake(again(0), slices=(0, 1, 4)), *retake(again(1), slices=(1,), factor=0.25)]
    stack = only([*cine(a_series_a_slice), *takes])
    expected = [[value * share for value in row] for row, share in zip(right(), (0.5, 0.25, 1, 1, 0.5, 1), strict=True)]
    assert areas(stack) == expected
    assert stack.remarks == ("3 slices were taken more than once: the later takes are used",)
    (remark,) = only([*cine(a_series_a_slice), *retake(again(0), slices=(1,)), *retake(again(1), slices=(1,))]).remarks
    assert remark == "the slice at 10.0 mm was taken 3 times: the later take is used"


def test_one_of_two_slices_was_taken_twice() -> None:
    again = retake(lambda s, p: {"time_ms": None, "number": 50 + p}, slices=(1,))
    stack = only([*cine(lambda s, p: {"time_ms": None}, slices=2), *again])
    assert areas(stack) == [right()[0], [value / 2 for value in right()[1]]]
    assert "the slice at 10.0 mm was taken twice: the later take is used" in stack.remarks


def test_takes_of_files_with_a_series_each_are_told_apart_by_their_time() -> None:
    def change(s: int, p: int) -> dict[str, Any]:
        return {"series": f"{s}.{p}", "acquired_s": 36000.0 + 60 * s}

    again = retake(lambda s, p: {"series": f"again{s}.{p}", "acquired_s": 40000.0})
    stack = only([*cine(change), *again])
    assert areas(stack)[2] == [value / 2 for value in right()[2]] and stack.remarks == (LATER,)


def test_takes_before_and_after_midnight() -> None:
    def at(s: int, p: int, take: int) -> dict[str, Any]:
        return {"acquired_s": (86400.0 - 150 + 60 * s + 400 * take) % 86400}

    stack = only([*cine(lambda s, p: at(s, p, 0)), *retake(lambda s, p: at(s, p, 1))])
    assert areas(stack)[2] == [value / 2 for value in right()[2]] and stack.remarks == (LATER,)


def test_a_slice_of_one_phase_that_was_taken_twice() -> None:
    stack = only([*cine(phases=1), *retake(lambda s, p: {"number": 50}, phases=1)])
    assert areas(stack)[2] == [area(2, 0) / 2] and stack.remarks == (LATER,)
