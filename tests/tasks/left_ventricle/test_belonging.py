"""Which frames belong together, where anonymisers and scanners leave less than one series for each stack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.tasks.left_ventricle.slices import Change, areas, cine, frame, right
from usseg_monai.imaging import Place
from usseg_monai.tasks.left_ventricle import belonging
from usseg_monai.tasks.left_ventricle.belonging import part_stacks
from usseg_monai.tasks.left_ventricle.frames import by_position
from usseg_monai.tasks.left_ventricle.stacks import find_stacks
from usseg_monai.tasks.study import Stack, StudyFrame

NO_UIDS = {"study": "", "series": "", "instance": ""}


def only(frames: list[StudyFrame]) -> Stack:
    (stack,) = find_stacks(frames)
    return stack


def is_right(stack: Stack, factor: float = 1.0) -> bool:
    return areas(stack) == right(factor=factor) and stack.problems == () and stack.remarks == ()


ONE_STACK: dict[str, Change] = {
    "one series": lambda s, p: {},
    "a series a slice": lambda s, p: {"series": f"series{s}", "number": p},
    "a series a phase": lambda s, p: {"series": f"series{p}", "number": s},
    "a series a phase, temporal positions": lambda s, p: {"series": f"series{p}", "number": s, "time_ms": None, "temporal_index": p},
    "a series a phase, times that run slice by slice": lambda s, p: {
        "series": f"{p}",
        "number": s,
        "time_ms": 0.0,
        "content_s": 20.0 * s + p,
    },
    "a series a file": lambda s, p: {"series": f"series{s}.{p}"},
    "a study and a series a file": lambda s, p: {"study": f"study{s}.{p}", "series": f"series{s}.{p}"},
    "a study a file": lambda s, p: {"study": f"study{s}.{p}"},
    "no UIDs": lambda s, p: NO_UIDS,
    "no study": lambda s, p: {"study": ""},
    "no study, a series a slice": lambda s, p: {"study": "", "series": f"series{s}"},
    "no series": lambda s, p: {"series": ""},
    "no instance": lambda s, p: {"instance": ""},
    "one instance UID for all": lambda s, p: {"instance": "always"},
    "one folder per slice": lambda s, p: {"file": f"in/slice{s}/{p}"},
    "one folder per slice, numbers begin anew": lambda s, p: {"file": f"in/slice{s}/{p}", "number": p},
    "one folder per phase": lambda s, p: {"file": f"in/phase{p}/{s}"},
    "one folder per phase, numbers begin anew": lambda s, p: {"file": f"in/phase{p}/{s}", "number": s},
    "a folder and a series a slice": lambda s, p: {"file": f"in/sax_{s}/{p}", "series": f"series{s}", "number": p},
    "a folder and a series a phase": lambda s, p: {"file": f"in/phase{p}/{s}", "series": f"series{p}", "number": s},
    "one folder per slice, no UIDs": lambda s, p: {"file": f"in/slice{s}/{p}", **NO_UIDS},
    "folders of a hundred files": lambda s, p: {"file": f"in/{'AB'[s > 2]}/{s}.{p}"},
    "slices of two sizes": lambda s, p: {"series": f"series{s}", "shape": (64, 64 + 8 * (s % 2))},
    "a file of several frames a slice": lambda s, p: {"file": f"in/{s}", "frame": p, "number": p, "series": f"series{s}"},
    "a file of several frames a phase": lambda s, p: {"file": f"in/{p}", "frame": s, "number": s, "series": f"series{p}"},
    "a file of several frames a slice, all UIDs new": lambda s, p: {"file": f"in/{s}", "frame": p, "study": f"{s}", "series": f"{s}"},
    "one file of all frames": lambda s, p: {"file": "in/IM1", "frame": 4 * s + p},
    "one file of all frames, no UIDs": lambda s, p: {"file": "in/IM1", "frame": 4 * s + p, **NO_UIDS},
    "turned normals": lambda s, p: {"normal": (0.0, 0.0, 1.0 if s % 2 else -1.0)},
}


@pytest.mark.parametrize("change", ONE_STACK.values(), ids=ONE_STACK)
def test_one_stack(change: Change) -> None:
    assert is_right(only(cine(change)))


TWO_PATIENTS: dict[str, Change] = {
    "all UIDs the same": lambda s, p: {},
    "study and series the same": lambda s, p: {"instance": ""},
    "instances the same, no numbers": lambda s, p: {"number": None},
    "one UID for all, new instances": lambda s, p: {"study": "always", "series": "always", "instance": "always"},
    "no UIDs": lambda s, p: NO_UIDS,
    "the same study, a series a slice": lambda s, p: {"series": f"series{s}", "number": p},
}


@pytest.mark.parametrize("start_mm", [0.0, 5.0, 60.0, 300.0])  # the same place, between each other, one after the other, far
@pytest.mark.parametrize("change", TWO_PATIENTS.values(), ids=TWO_PATIENTS)
def test_two_folders_with_the_same_uids_are_two_patients(change: Change, start_mm: float) -> None:
    first, second = find_stacks([*cine(change, folder="in/a"), *cine(change, folder="in/b", start_mm=start_mm, factor=1.5)])
    assert (first.name, second.name) == ("in/a", "in/b") and is_right(first) and is_right(second, 1.5)


def test_two_patients_at_one_place_and_time() -> None:
    """Without instances and numbers the pictures alone differ."""

    def change(s: int, p: int) -> dict[str, Any]:
        return {"instance": "", "number": None}

    first, second = find_stacks([*cine(change, folder="in/a"), *cine(change, folder="in/b", factor=1.5)])
    assert is_right(first) and is_right(second, 1.5)


def test_two_patients_with_folders_of_their_own() -> None:
    def patient(name: str) -> Change:
        return lambda s, p: {"file": f"in/{name}/slice{s}/{p}.dcm"}

    frames = [*cine(patient("a")), *cine(patient("b"), factor=1.5), *cine(patient("c"), factor=0.5)]
    assert [(stack.name, stack.problems) for stack in find_stacks(frames)] == [("in/a", ()), ("in/b", ()), ("in/c", ())]


def test_patients_named_by_relative_and_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    relative = [replace(item, path=Path(item.file)) for item in cine(folder="b", factor=1.5)]
    stacks = find_stacks([*cine(folder="a"), *relative])
    assert [(stack.name, stack.problems) for stack in stacks] == [("a", ()), ("b", ())]


def test_two_patients_under_one_series_of_a_file_each() -> None:
    """The same study, a new series for every file, numbers that begin anew: nothing but these tells them apart."""

    def new(name: str) -> Change:
        return lambda s, p: {"series": f"{name}{s}.{p}", "instance": f"{name}{s}.{p}"}

    stacks = find_stacks([*cine(new("a"), folder="in/a"), *cine(new("b"), folder="in/b", start_mm=60, factor=1.5)])
    assert [stack.name for stack in stacks] == ["in/a", "in/b"] and is_right(stacks[0]) and is_right(stacks[1], 1.5)


def test_a_slice_taken_again_in_a_folder_of_its_own_is_no_patient() -> None:
    def change(s: int, p: int) -> dict[str, Any]:
        return {"file": f"in/sax_{s}/{p}", "series": f"series{s}", "number": p, "acquired_s": 36000.0 + s}

    again = [
        item
        for item in cine(lambda s, p: change(s, p) | {"file": f"in/sax_9/{p}", "series": "9", "acquired_s": 40000.0, "status": s}, factor=2)
        if item.row["status"] == 2
    ]
    stack = only([*cine(change), *again])
    assert stack.problems == () and stack.remarks == ("the slice at 20.0 mm was taken twice: the later take is used",)
    assert areas(stack)[2] == [2 * value for value in right()[2]]


def test_series_of_a_folder_with_proper_uids_are_stacks_of_their_own() -> None:
    for start_mm in (0.0, 60.0):
        frames = [*cine(), *cine(lambda s, p: {"series": "other"}, start_mm=start_mm, factor=1.5, name="b")]
        first, second = find_stacks(frames)
        assert is_right(first) and is_right(second, 1.5) and (first.name, second.name) == ("in_series1", "in_series2")


def test_whole_cines_in_a_file_each_are_stacks_of_their_own() -> None:
    def file(name: str) -> Change:
        return lambda s, p: {"file": f"in/{name}", "frame": 4 * s + p, "study": name, "series": name, "instance": f"{name}{s}{p}"}

    stacks = find_stacks([item for name in "abc" for item in cine(file(name))])
    assert len(stacks) == 3 and all(map(is_right, stacks))


def test_rest_and_stress_with_a_series_a_slice_are_two_stacks() -> None:
    def round_(number: int) -> Change:
        return lambda s, p: {"series": f"{number}.{s}", "number": p, "acquired_s": 36000.0 + 2000 * number + 60 * s}

    frames = [*cine(round_(0), name="b"), *cine(round_(1), name="a", factor=1.5)]
    stacks = find_stacks(frames)
    assert sorted(areas(stack) for stack in stacks) == sorted([right(), right(factor=1.5)])
    unordered = find_stacks([*cine(lambda s, p: {"series": f"a{s}"}), *cine(lambda s, p: {"series": f"b{s}"}, name="b", factor=1.5)])
    assert len(unordered) == 1 and "nothing tells which take is the later" in unordered[0].problems[0]


def test_a_series_of_one_slice_belongs_to_the_stack_that_has_it_or_lacks_it() -> None:
    def number(s: int, p: int) -> dict[str, Any]:
        return {"acquired_s": 36000.0 + 60 * s, "status": s}

    again = cine(lambda s, p: number(s, p) | {"series": "again", "acquired_s": 40000.0}, name="b", factor=2)
    stack = only([*cine(number), *(item for item in again if item.row["status"] == 3)])
    assert areas(stack)[3] == [2 * value for value in right()[3]]
    assert stack.remarks == ("the slice at 30.0 mm was taken twice: the later take is used",)
    filled = only([*(item for item in cine(number) if item.row["status"] != 3), *(item for item in again if item.row["status"] == 3)])
    assert filled.problems == () and areas(filled) == [row if s != 3 else [2 * value for value in row] for s, row in enumerate(right())]


def test_a_series_of_one_slice_beyond_a_whole_stack_is_no_part_of_it() -> None:
    beyond = cine(lambda s, p: {"series": "beyond"}, slices=1, start_mm=60, name="b")
    stacks = find_stacks([*cine(), *beyond])
    assert [len(stack.slices) for stack in stacks] == [6, 1] and is_right(stacks[0])


@pytest.mark.parametrize("uids", [NO_UIDS, {}], ids=["no UIDs", "series"])
def test_other_views_beside_a_stack(uids: dict[str, Any]) -> None:
    """A long-axis cine, a localizer, and a single picture that lies parallel to the stack."""

    def view(name: str, **place: Any) -> list[StudyFrame]:
        return cine(lambda s, p: {"series": name, "instance": f"{name}{p}", **place, **uids}, slices=1, name=name, phases=4)

    long_axis = view("long", normal=(1.0, 0.0, 0.0))
    localizer = view("localizer", normal=(0.0, 1.0, 0.0), shape=(128, 128))
    frames = [*cine(lambda s, p: {"series": f"s{s}"} | uids), *long_axis, *localizer]
    if not uids:
        frames += cine(lambda s, p: {"series": "plan", "position_mm": (0.0, 0.0, 33.0)}, slices=1, phases=1, name="plan")
    stacks = find_stacks(frames)
    assert sum(map(is_right, stacks)) == 1 and len(stacks) == (3 if uids else 4)
    assert all(stack.problems == ("one slice only: a volume needs the whole stack",) for stack in stacks if not is_right(stack))


def test_series_of_other_kinds_with_the_same_slices_are_no_phases() -> None:
    """Late enhancement beside its phase-sensitive copy, and a third: at one time of the beat, numbered alike, one after the other."""
    kinds = [cine(lambda s, p, k=k: {"series": k, "number": s, "content_s": 100.0 * ord(k)}, phases=1, name=k) for k in "abc"]  # type: ignore[misc]
    assert len(find_stacks([item for kind in kinds for item in kind])) == 3


def test_series_of_one_phase_need_three_where_numbers_alone_tell_their_order() -> None:
    def change(s: int, p: int) -> dict[str, Any]:
        return {"series": f"series{p}", "time_ms": None, "number": 6 * p + s}

    assert len(find_stacks(cine(change, phases=2))) == 2
    stack = only(cine(change, phases=3))
    assert areas(stack) == right(phases=3) and stack.remarks == ("the order of the phases is from InstanceNumber alone",)


NEW = {"study a file": lambda s, p: {"study": f"{s}.{p}", "series": f"{s}.{p}", "instance": f"{s}.{p}", "status": s * 4 + p}}


@pytest.mark.parametrize(("missing", "united"), [(6, True), (7, False)])
def test_new_uids_for_every_file_are_united_only_on_a_regular_grid(missing: int, united: bool) -> None:
    """At least three quarters of its 24 pictures must be there; 18 are, 17 are not enough."""
    lost = [0, 1, 2, 4, 5, 6, 8][:missing]
    frames = [item for item in cine(NEW["study a file"]) if item.row["status"] not in lost]
    stacks = find_stacks(frames)
    assert (len(stacks) == 1) == united
    if united:
        assert stacks[0].problems == ("the slices have 1 to 4 phases: some are missing",)


@pytest.mark.parametrize(("slices", "united"), [(3, True), (2, False)])
def test_two_slices_are_no_grid(slices: int, united: bool) -> None:
    assert (len(find_stacks(cine(NEW["study a file"], slices=slices))) == 1) == united


@pytest.mark.parametrize(("off_mm", "united"), [(0.9, True), (1.1, False)])
def test_how_regular_a_grid_is(off_mm: float, united: bool) -> None:
    def change(s: int, p: int) -> dict[str, Any]:
        return NEW["study a file"](s, p) | {"position_mm": (0.0, 0.0, 10.0 * s + off_mm * (s == 5))}

    assert (len(find_stacks(cine(change))) == 1) == united


def test_slices_of_many_patients_in_one_folder_stay_alone() -> None:
    """A picture of each, under UIDs of their own: their places are no grid."""
    frames = [
        frame(f"in/{number}.dcm", Place("MR", f"{number}", f"{number}", (0.0, 0.0, number**2 * 1.7), (0.0, 0.0, 1.0), 0.0, 1), 100.0)
        for number in range(12)
    ]
    assert len(find_stacks(frames)) == 12


def test_the_order_of_stacks_is_that_of_their_first_frames() -> None:
    frames = [item for name in "cab" for item in cine(lambda s, p, name=name: {"study": name}, folder=name)]  # type: ignore[misc]
    assert [group[0].folder for group in part_stacks(frames)] == ["/data/c", "/data/a", "/data/b"]
    assert [item for group in part_stacks(frames) for item in group] == frames


@pytest.mark.parametrize("kind", ["proper", "no UIDs", "one study", "a series a slice", "flat, a file each"])
def test_archives_cost_work_that_grows_with_their_size(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stack(number: int) -> Change:
        uids: dict[str, Change] = {
            "proper": lambda s, p: {"study": f"{number}", "series": f"{number}"},
            "no UIDs": lambda s, p: NO_UIDS,
            "one study": lambda s, p: {"series": f"{number}", "instance": f"{number}.{s}.{p}"},
            "a series a slice": lambda s, p: {"study": f"{number}", "series": f"{number}.{s}"},
            "flat, a file each": lambda s, p: {"study": f"{number}", "file": f"in/{number}", "frame": 4 * s + p, "series": f"{number}"},
        }
        return uids[kind]

    sorted_frames = 0

    def count(frames: list[StudyFrame]) -> Any:
        nonlocal sorted_frames
        sorted_frames += len(frames)
        return by_position(frames)

    monkeypatch.setattr(belonging, "by_position", count)
    frames = [item for number in range(60) for item in cine(stack(number), folder=f"in/{number}")]
    assert len(find_stacks(frames)) == 60
    assert sorted_frames <= 4 * len(frames)
