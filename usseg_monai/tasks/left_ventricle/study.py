"""Short-axis stacks of the left ventricle: volumes, ejection fraction and mass from the measured slices.

The output folder gets ``studies.csv``, one row per stack, and for each stack, under its name in ``studies/``:
``NAME_areas.csv``, one row per frame with its slice, its phase, and whether its slice counts in the volumes.
A whole stack also gets ``NAME_volumes.csv``, one row per phase, and ``NAME_volume.png``, the volume curve.
For other stacks the message says why there are only areas.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError
from usseg_monai.files.png import write_png
from usseg_monai.files.table import Row, one_line, write_table
from usseg_monai.imaging.contour import read_contour_mask
from usseg_monai.imaging.drawing.curve import Mark, draw_curve
from usseg_monai.tasks import Task
from usseg_monai.tasks.left_ventricle.measure import (
    END_DIASTOLIC_VOLUME_ML,
    atrial_slices,
    coherence,
    myocardial_mass_g,
    ventricular_function,
    volume_curve,
)
from usseg_monai.tasks.left_ventricle.stacks import find_stacks
from usseg_monai.tasks.record import SLICE_COLUMNS, STUDY_FOLDER, STUDY_TABLE
from usseg_monai.tasks.study import Stack, Study, StudyFrame, StudyResult

__all__ = ["STUDY", "study_results", "sum_up"]

OPEN_END = 0.5
"""If both ends of a stack show more than this share of its largest area at end diastole, apex and base are missing: no volume."""

COHERENT = 0.7
"""Minimum `coherence` where no clock of the heart beat gives the order of the phases; below it the order is wrong."""

_AREA_COLUMNS = (*SLICE_COLUMNS, "area_mm2", "area_px", "counted", "status", "file", "frame", "rows", "cols")
_VOLUME_COLUMNS = ("phase", "time_ms", "volume_ml")
_CONTOUR_NAME = re.compile(r"(?:.*\D)?0*(\d+)-ocontour-manual\.txt", re.IGNORECASE)
_LAST_NUMBER = re.compile(r".*?0*(\d+)\D*")

Areas = npt.NDArray[np.float64]


class _Mass(NamedTuple):
    grams: float | None = None
    remark: str = ""


def sum_up(task: Task, folder: Path | None, frames: Sequence[StudyFrame], epicardium: Path | None = None) -> list[Row]:
    """Combine measured slices into studies and write the results.

    Args:
        task: its ``study_columns`` stand in the table between ``study`` and ``message``.
        folder: of the results; if ``None``, nothing is written.
        frames: all slices of the run whose files state their place.
        epicardium: folder of epicardial contours for the only stack, ``IM-0001-0059-ocontour-manual.txt``: the last number is that of
            the picture's file.

    Returns:
        The rows of ``studies.csv``, ordered by name; without rows no file is written.

    Raises:
        OutputError: the folder cannot be written to.
    """
    stacks = _stacks(frames)
    results = []
    for stack in stacks:  # one after the other: the slices of a large run are many
        result = _result(task, stack, epicardium, len(stacks))
        results.append(result.row)
        if folder is not None:
            _write(task, folder / STUDY_FOLDER, stack, result)
    if results and folder is not None:
        write_table(folder / STUDY_TABLE, ("study", *(column.name for column in task.study_columns), "message"), results)
    return results


def study_results(task: Task, frames: Sequence[StudyFrame]) -> list[StudyResult]:
    """Combine measured slices into studies, in memory; `sum_up` writes the same.

    Args:
        task: as for `sum_up`.
        frames: likewise.
    """
    stacks = _stacks(frames)
    return [_result(task, stack, None, len(stacks)) for stack in stacks]


def _stacks(frames: Sequence[StudyFrame]) -> list[Stack]:
    return sorted(find_stacks(frames), key=lambda stack: stack.name.split("/"))


def _result(task: Task, stack: Stack, epicardium: Path | None, stacks: int) -> StudyResult:
    row: Row = {"study": stack.name, **dict.fromkeys(column.name for column in task.study_columns)}
    if stack.positions_mm:
        row |= {"slices": len(stack.slices), "phases": stack.phases, "slice_distance_mm": stack.distance_mm}
    areas, problems = _areas(stack)
    beyond = [] if areas is None or stack.phases < 2 else atrial_slices(areas)
    counted = set() if areas is None else set(range(len(areas))) - set(beyond)
    slices = _area_rows(stack, counted)
    if areas is None or stack.distance_mm is None:
        return StudyResult(row | {"message": _message(f"areas only: {problems[0]}", *problems[1:], *stack.remarks)}, slices)
    areas[beyond] = 0
    volumes = volume_curve(areas, stack.distance_mm)
    curve = _volume_rows(stack, volumes)
    if not volumes.max() > 0:
        return StudyResult(row | {"message": _message("no cavity was found in any slice", *stack.remarks)}, slices, curve)
    if len(volumes) < 2:
        found = f"one phase, {volumes[0]:.1f} ml: end diastole and end systole need more"
        return StudyResult(row | {"message": _message(found, _volume(volumes[0], stack.distance_mm), *stack.remarks)}, slices, curve)
    function = ventricular_function(volumes)
    mass = _Mass() if epicardium is None else _mass(stack, areas, function.end_diastole, epicardium, stacks)
    row |= {
        "end_diastolic_volume_ml": function.end_diastolic_volume_ml,
        "end_systolic_volume_ml": function.end_systolic_volume_ml,
        "stroke_volume_ml": function.stroke_volume_ml,
        "ejection_fraction_percent": function.ejection_fraction_percent,
        "mass_g": mass.grams,
        "end_diastole_phase": function.end_diastole,
        "end_systole_phase": function.end_systole,
        "message": _message(
            _volume(function.end_diastolic_volume_ml, stack.distance_mm),
            *stack.remarks,
            _modality(stack, task),
            _atrium(beyond),
            _open_end(areas[:, function.end_diastole]),
            mass.remark,
        ),
    }
    marks = (
        Mark(function.end_diastole, f"end diastole {function.end_diastolic_volume_ml:.1f} ml", above=True),
        Mark(function.end_systole, f"end systole {function.end_systolic_volume_ml:.1f} ml", above=False),
    )
    return StudyResult(row, slices, curve, marks)


def _write(task: Task, folder: Path, stack: Stack, result: StudyResult) -> None:
    """Write the stack's tables and its curve, as far as there are any."""
    areas_file, volumes_file, curve_file = (f"{stack.name}{ending}" for ending in task.study_files)
    write_table(folder / areas_file, _AREA_COLUMNS, result.slices)
    if result.curve:
        write_table(folder / volumes_file, _VOLUME_COLUMNS, result.curve)
    if result.marks:
        write_png(folder / curve_file, _drawn(stack, result))


def _message(*parts: str) -> str:
    return one_line("; ".join(filter(None, parts)))


def _areas(stack: Stack) -> tuple[Areas | None, list[str]]:
    """Areas in mm2, ``(slices, phases)``, or the reasons why there is no volume."""
    problems = list(stack.problems)
    values = [[_area(frame) for frame in phases] for phases in stack.slices]
    if any(None in phases for phases in values):
        problems.append("the pixel size is not known: give it to get volumes")
    if problems:
        return None, problems
    areas = np.array(values, np.float64)
    if stack.assumed and stack.phases > 1 and coherence(np.delete(areas, atrial_slices(areas), axis=0)) < COHERENT:
        return None, [
            f"the slices do not contract together: {stack.assumed} does not tell the order of the phases, and there is nothing better"
        ]
    at_diastole = areas[:, areas.sum(axis=0).argmax()]
    if min(at_diastole[0], at_diastole[-1]) > OPEN_END * at_diastole.max():
        return None, [f"both ends of the stack show more than {100 * OPEN_END:g} % of the largest area: slices are missing"]
    return areas, []


def _area(frame: StudyFrame) -> float | None:
    """Area in mm2; 0 where no cavity was found, ``None`` where the pixel size is unknown."""
    if frame.row["area_px"] is None:  # nothing was found, whatever the status
        return 0.0
    value = frame.row["area_mm2"]
    return float(value) if isinstance(value, (int, float)) else None


def _volume(diastolic_ml: float, distance_mm: float) -> str:
    """A remark if the volume is implausible for a ventricle."""
    low, high = END_DIASTOLIC_VOLUME_ML
    if low <= diastolic_ml <= high:
        return ""
    wrong = f"check the pixel size and the slice distance, {distance_mm:g} mm"
    return f"implausible: end diastolic volume {diastolic_ml:.3g} ml is not in {low:g} to {high:g} ml: {wrong}"


def _modality(stack: Stack, task: Task) -> str:
    """A remark if the headers state a modality other than the task's."""
    found = {frame.place.modality for phases in stack.slices for frame in phases} - {task.modality, ""}
    return f"the headers say {', '.join(sorted(found))}, not {task.modality}" if found else ""


def _atrium(beyond: Sequence[int]) -> str:
    """A remark if slices were left out."""
    what = "1 slice at the base was" if len(beyond) == 1 else f"{len(beyond)} slices at the base were"
    return f"{what} left out: the area there does not fall while the ventricle contracts, as an atrium's" if beyond else ""


def _open_end(at_diastole: Areas) -> str:
    """A remark if the cavity continues beyond the stack."""
    ends = [name for name, area in (("first", at_diastole[0]), ("last", at_diastole[-1])) if area > 0]
    return f"the cavity reaches the {' and the '.join(ends)} slice: what lies beyond is not counted" if ends else ""


def _mass(stack: Stack, areas: Areas, diastole: int, folder: Path, stacks: int) -> _Mass:
    """Mass from the phase with most contours, preferring end diastole; muscle keeps its volume in all phases."""
    if stacks > 1:
        return _Mass(remark=f"no mass: --epicardium holds the contours of one stack, these are {stacks}; give one at a time")
    contours = {int(match[1]): path for path in sorted(folder.rglob("*")) if (match := _CONTOUR_NAME.fullmatch(path.name))}
    drawn: dict[int, dict[int, Path]] = {}  # phase -> slice -> contour
    for number, phases in enumerate(stack.slices):
        for phase, frame in enumerate(phases):
            match = _LAST_NUMBER.fullmatch(frame.path.stem)
            if match and int(match[1]) in contours:
                drawn.setdefault(phase, {})[number] = contours[int(match[1])]
    if not drawn:
        return _Mass(remark=f"no mass: none of the {len(contours)} epicardial contours in {folder} has the number of a slice")
    phase = max(drawn, key=lambda phase: (len(drawn[phase]), phase == diastole))
    numbers = sorted(drawn[phase])
    try:
        outer = np.array([_contour_area(drawn[phase][number], stack.slices[number][phase]) for number in numbers])
    except ImageError as error:
        return _Mass(remark=f"no mass: {error}")
    inner = areas[numbers, phase]
    remarks = []
    without = int((np.delete(areas[:, phase], numbers) > 0).sum())
    if without:
        remarks.append(f"{without} slices with a cavity have no epicardial contour: the mass is that of the other {len(numbers)}")
    if (outer < inner).any():
        remarks.append(f"in {int((outer < inner).sum())} slices the cavity is larger than the epicardium: no muscle was counted there")
    assert stack.distance_mm is not None  # there are areas
    return _Mass(myocardial_mass_g(outer, np.minimum(inner, outer), stack.distance_mm), "; ".join(remarks))


def _contour_area(contour: Path, frame: StudyFrame) -> float:
    """Area within a contour in mm2, counted in pixels as for cavities."""
    row, col = frame.row["spacing_mm_row"], frame.row["spacing_mm_col"]
    assert isinstance(row, float) and isinstance(col, float)  # there are areas
    return float(read_contour_mask(contour, frame.shape).sum()) * row * col


def _area_rows(stack: Stack, counted: Collection[int]) -> list[Row]:
    known = bool(stack.positions_mm)
    placed = [(number, phase, frame) for number, phases in enumerate(stack.slices) for phase, frame in enumerate(phases)]
    return [
        {
            "slice": number if known else None,
            "phase": phase if known else None,
            "position_mm": stack.positions_mm[number] if known else None,
            "time_ms": frame.place.time_ms,
            "area_mm2": _area(frame),
            "area_px": frame.row["area_px"],
            "counted": int(phase is not None and number in counted),
            "status": frame.row["status"],
            "file": frame.row["file"],
            "frame": frame.row["frame"],
            "rows": frame.shape[0],
            "cols": frame.shape[1],
        }
        for number, phase, frame in [*placed, *((number, None, frame) for number, frame in stack.unused)]
    ]


def _volume_rows(stack: Stack, volumes: Areas) -> list[Row]:
    return [
        {"phase": phase, "time_ms": time, "volume_ml": volume}
        for phase, (time, volume) in enumerate(zip(stack.times_ms(), volumes.tolist(), strict=True))
    ]


def _drawn(stack: Stack, result: StudyResult) -> npt.NDArray[np.uint8]:
    """The volume curve."""
    row = result.row
    times = [time for time in stack.times_ms() if time is not None]
    timed = len(times) == len(result.curve) and all(np.diff(times) > 0)
    return draw_curve(
        times if timed else [float(phase) for phase in range(len(result.curve))],
        [float(phase["volume_ml"] or 0) for phase in result.curve],
        title=stack.name,
        subtitle=f"Ejection fraction {row['ejection_fraction_percent']:.1f} %, stroke volume {row['stroke_volume_ml']:.1f} ml; "
        f"{len(stack.slices)} slices, {stack.distance_mm:.1f} mm apart",
        x_label="time, ms" if timed else "phase",
        y_label="Volume of the cavity, ml",
        marks=result.marks,
    )


STUDY = Study(find_stacks, sum_up, study_results)
