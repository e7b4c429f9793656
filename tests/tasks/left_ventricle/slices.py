"""Measured slices of cines, as files and headers of all kinds place them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from usseg_monai.imaging import Place
from usseg_monai.tasks.study import Stack, StudyFrame

SLICES, PHASES, STEP_MM = 6, 4, 10.0

Change = Callable[[int, int], dict[str, Any]]


def area(slice_: int, phase: int) -> float:
    """Of a cavity that is widest in the first phase, narrowest in the third, and ends within the stack."""
    return (0, 400, 900, 800, 300, 0)[slice_ % 6] * (1.0, 0.7, 0.4, 0.8)[phase % 4] + slice_ / 8


def frame(file: str, place: Place, area_mm2: float, **row: Any) -> StudyFrame:
    """A slice of 1 mm pixels."""
    values: dict[str, Any] = {"file": file, "frame": 0, "status": "ok", "area_mm2": area_mm2, "area_px": round(area_mm2)}
    return StudyFrame(Path("/data", file), values | {"spacing_mm_row": 1.0, "spacing_mm_col": 1.0} | row, place, row.pop("shape", (64, 64)))


def cine(
    change: Change = lambda slice_, phase: {},
    *,
    folder: str = "in",
    slices: int = SLICES,
    phases: int = PHASES,
    start_mm: float = 0.0,
    factor: float = 1.0,
    name: str = "",
) -> list[StudyFrame]:
    """A cine of one series, TriggerTime and InstanceNumber right, under names that say nothing.

    Args:
        change: by slice and phase, fields of the place that are others; ``file``, ``frame``, ``shape``, ``area_mm2`` and other columns of
            the row too.
        folder: of the files.
        slices, phases: how many.
        start_mm: position of the first slice.
        factor: of the areas.
        name: of the files, before their number.
    """
    frames = []
    for slice_ in range(slices):
        for phase in range(phases):
            number = slice_ * phases + phase + 1
            place = Place(
                modality="MR",
                study="study",
                series="series",
                position_mm=(5.0, 6.0, start_mm + STEP_MM * slice_),
                normal=(0.0, 0.0, 1.0),
                time_ms=100.0 * phase,
                number=number,
                instance=f"instance{number}",
            )
            changes = change(slice_, phase)
            row = {key: changes.pop(key) for key in list(changes) if not hasattr(place, key)}
            file = row.pop("file", f"{folder}/{name}{(number * 7) % 97:03d}-{number}.dcm")
            frames.append(frame(file, replace(place, **changes), row.pop("area_mm2", factor * area(slice_, phase)), **row))
    return sorted(frames, key=lambda item: item.file)


def areas(stack: Stack) -> list[list[Any]]:
    """Of the frames of a stack in order, by slice."""
    return [[item.row["area_mm2"] for item in phases] for phases in stack.slices]


def right(slices: int = SLICES, phases: int = PHASES, factor: float = 1.0) -> list[list[float]]:
    """The areas of a cine in order."""
    return [[factor * area(slice_, phase) for phase in range(phases)] for slice_ in range(slices)]


def whole(stacks: list[Stack]) -> Iterator[Stack]:
    """The stacks that volumes can be made of."""
    return (stack for stack in stacks if not stack.problems)
