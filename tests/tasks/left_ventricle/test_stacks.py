"""Frames to sorted stacks: names, gaps, missing phases, files of volumes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.tasks.left_ventricle.slices import STEP_MM, Change, areas, cine, right
from usseg_monai.imaging import Place
from usseg_monai.tasks.left_ventricle.stacks import find_stacks
from usseg_monai.tasks.study import Stack, StudyFrame


def only(frames: list[StudyFrame]) -> Stack:
    (stack,) = find_stacks(frames)
    return stack


def test_a_whole_cine() -> None:
    stack = only(cine())
    assert areas(stack) == right() and not (stack.problems or stack.remarks or stack.unused)
    assert (stack.name, stack.phases, stack.distance_mm) == ("in", 4, STEP_MM)
    assert stack.positions_mm == tuple(STEP_MM * slice_ for slice_ in range(6))
    assert stack.times_ms() == [0, 100, 200, 300]


@pytest.mark.parametrize(("last_step_mm", "problem"), [(10.99, ()), (11.01, ("the slices lie 10.0 to 11.0 mm apart: some are missing",))])
def test_how_uneven_slices_may_lie(last_step_mm: float, problem: tuple[str, ...]) -> None:
    stack = only(cine(lambda s, p: {"position_mm": (0.0, 0.0, 10.0 * s if s < 5 else 40 + last_step_mm)}))
    assert stack.problems == problem


@pytest.mark.parametrize(("slices", "problems"), [(1, ("one slice only: a volume needs the whole stack",)), (2, ())])
def test_how_few_slices_make_a_stack(slices: int, problems: tuple[str, ...]) -> None:
    stack = only(
        [frame for frame in cine() if frame.place and frame.place.position_mm and frame.place.position_mm[2] < STEP_MM * (slices - 0.5)]
    )
    assert stack.problems == problems


@pytest.mark.parametrize(("off_mm", "slices"), [(0.49, 6), (0.51, 12)])
def test_how_near_frames_of_one_slice_lie(off_mm: float, slices: int) -> None:
    assert len(only(cine(lambda s, p: {"position_mm": (0.0, 0.0, 10.0 * s + off_mm * (p % 2))})).slices) == slices


@pytest.mark.parametrize(("angle_deg", "problem"), [(2.5, ()), (2.65, ("the slices have several orientations",))])
def test_how_parallel_slices_are(angle_deg: float, problem: tuple[str, ...]) -> None:
    turned = float(np.sin(np.deg2rad(angle_deg))), 0.0, float(np.cos(np.deg2rad(angle_deg)))
    assert only(cine(lambda s, p: {"normal": turned} if s == 3 else {})).problems == problem


@pytest.mark.parametrize(("late_ms", "missing"), [(149.0, False), (151.0, True)])
def test_how_long_a_phase_may_be(late_ms: float, missing: bool) -> None:
    """1.5 times the usual step; an eighth phase that comes later."""
    stack = only(cine(lambda s, p: {"time_ms": 100.0 * p if p < 7 else 600 + late_ms}, phases=8))
    assert stack.problems == ((f"{late_ms:.0f} ms between two phases, 100 ms between most: some are missing",) if missing else ())


@pytest.mark.parametrize(
    ("keep", "change", "problem"),
    [
        (lambda s, p: s != 3, {}, "the slices lie 10.0 to 20.0 mm apart: some are missing"),
        (lambda s, p: (s, p) != (2, 1), {}, "the slices have 3 to 4 phases: some are missing"),
        (lambda s, p: p < 3, {"phases": 4}, "3 of 4 phases of the heart beat: some are missing"),
        (lambda s, p: s == 1, {}, "one slice only: a volume needs the whole stack"),
        (
            lambda s, p: True,
            {"position_mm": None},
            "the position of 24 of 24 frames is not known (ImagePositionPatient, ImageOrientationPatient)",
        ),
        (
            lambda s, p: True,
            {"normal": None},
            "the position of 24 of 24 frames is not known (ImagePositionPatient, ImageOrientationPatient)",
        ),
    ],
)
def test_what_keeps_a_stack_from_being_whole(keep: Callable[[int, int], bool], change: dict[str, Any], problem: str) -> None:
    frames = cine(lambda s, p: {**change, "status": "kept" if keep(s, p) else "dropped"})
    stack = only([item for item in frames if item.row["status"] == "kept"])
    assert stack.problems == (problem,)
    assert sum(map(len, stack.slices)) == sum(item.row["status"] == "kept" for item in frames)


def volume(file: str, *, step_ms: float | None = None, phases: int = 4) -> list[StudyFrame]:
    """The frames of a file that holds a whole cine."""

    def change(slice_: int, phase: int) -> dict[str, Any]:
        place = Place(position_mm=(0.0, 0.0, 8.0 * slice_), normal=(0.0, 0.0, 1.0), number=phase, time_ms=step_ms and phase * step_ms)
        return {**vars(place), "file": file, "frame": phase * 6 + slice_}

    return cine(change, phases=phases)


@pytest.mark.parametrize("file", ["a/heart.nii.gz", "a/heart.nii", "a/heart.nrrd", "a/heart.MHA"])
def test_a_file_of_a_volume_is_a_stack_of_its_own(file: str) -> None:
    for step_ms in (None, 40.0):
        stack = only(volume(file, step_ms=step_ms))
        assert (stack.name, stack.problems, stack.remarks) == ("a/heart", (), ()) and areas(stack) == right()
    assert [stack.name for stack in find_stacks([*volume("a/1.nii"), *volume("a/2.nii")])] == ["a/1", "a/2"]


def test_files_of_one_phase_each_by_their_names() -> None:
    names = ("p_frame10.nii.gz", "p_frame02.nii.gz", "q_ED.nii", "q_ES.nii", "r_phase1.nii")
    stacks = find_stacks([item for name in names for item in volume(f"x/{name}", phases=1)])
    assert {stack.name: [phases.file for phases in stack.slices[0]] for stack in stacks} == {
        "x/p": ["x/p_frame02.nii.gz", "x/p_frame10.nii.gz"],
        "x/q": ["x/q_ED.nii", "x/q_ES.nii"],
        "x/r_phase1": ["x/r_phase1.nii"],
    }


def test_names_of_stacks_are_unique() -> None:
    def series(name: str) -> Change:
        return lambda s, p: {"series": name}

    frames = [*cine(series("a"), folder="x"), *cine(series("b"), folder="x", name="b"), *cine(series("c"), folder="x_series1")]
    assert sorted(stack.name for stack in find_stacks(frames)) == ["x_series1", "x_series2", "x_series3"]
    assert [stack.name for stack in find_stacks(cine(lambda s, p: {"file": f"{s}.{p}.dcm"}))] == ["data"]
    assert [stack.name for stack in find_stacks(cine(lambda s, p: {"file": f"slice{s}/{p}.dcm"}))] == ["data"]


def test_stacks_of_series_in_several_folders_have_the_name_of_these() -> None:
    assert only(cine(lambda s, p: {"file": f"x/slice{s}/{p}.dcm"})).name == "x"
    assert [stack.name for stack in find_stacks([*cine(folder="x/1"), *cine(lambda s, p: {"study": "other"}, folder="x/2")])] == [
        "x/1",
        "x/2",
    ]
