"""Measured slices sorted into stacks: by series, position along the normal, and phase of the heart beat.

What belongs together
    DICOM slices of one series are one stack. Where a scanner made a series of each position, the series of one study that have one
    orientation and different positions are one stack. A NIfTI file is a stack of its own, axis 2 its slices, axis 3 its phases; files of
    one phase whose names differ in what follows the last ``_`` only, ``frame01`` or ``phase3`` or ``ED`` or ``ES``, are phases of one
    stack (``patient001_frame01.nii.gz``, ``patient001_frame12.nii.gz``).

Order
    Slices by their position, projected on the normal; phases within each slice by TriggerTime, else InstanceNumber, else AcquisitionTime:
    the first of these that all frames have, no two of one slice the same.

Whatever keeps a stack from being whole stands among its problems, and no frame is lost.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from usseg_monai.imaging import Place
from usseg_monai.inference.results import Row

__all__ = ["FOLDER", "TABLE", "Stack", "StudyFrame", "find_stacks"]

TABLE = "studies.csv"
"""Name of the table of studies in the output folder."""

FOLDER = "studies"
"""Name of the folder, among the results, of what belongs to one stack."""

_SAME_DIRECTION = 0.999  # cosine of 2.6 degrees
_SAME_POSITION_MM = 0.5
_EVEN = 1.1  # the largest slice distance over the smallest
_SKIPPED = 1.5  # times the usual step between phases: one is missing there
_SUFFIX = re.compile(r"\.[^./]+(\.gz)?$", re.IGNORECASE)
_PHASE_NAME = re.compile(r"(?P<stack>.+)_(?:(?:frame|phase)(?P<number>\d+)|E[DS])", re.IGNORECASE)

_TIMES: Sequence[Callable[[Place], float | None]] = (lambda p: p.time_ms, lambda p: p.number, lambda p: p.acquired_s)
"""What may tell the phases of a slice apart, the best first."""


@dataclass(frozen=True)
class StudyFrame:
    """A measured slice.

    Attributes:
        path: the file.
        row: of the results table.
        place: where and when the slice was taken.
        shape: ``(rows, cols)`` of the picture.
    """

    path: Path
    row: Row
    place: Place
    shape: tuple[int, int]


@dataclass(frozen=True)
class Stack:
    """The slices of one ventricle, sorted.

    Attributes:
        name: of its results: the folder or file that it came from, unique in a run.
        slices: the frames, ``slices[slice][phase]``; a single "slice" with all of them where the order is not known.
        positions_mm: of the slices along their normal; empty where the order is not known.
        problems: why no volume can be made of it; none where it is whole.
    """

    name: str
    slices: tuple[tuple[StudyFrame, ...], ...]
    positions_mm: tuple[float, ...]
    problems: tuple[str, ...]

    @property
    def distance_mm(self) -> float | None:
        """Between neighbouring slices; ``None`` where there is one slice or the order is not known."""
        return float(np.mean(np.diff(self.positions_mm))) if len(self.positions_mm) > 1 else None

    @property
    def phases(self) -> int:
        """Of the slice that has most."""
        return max(map(len, self.slices)) if self.positions_mm else 0

    def times_ms(self) -> list[float | None]:
        """Of each phase, averaged over the slices: heart beats are not all as long; ``None`` where unknown."""
        columns = [[phases[index].place.time_ms for phases in self.slices if index < len(phases)] for index in range(self.phases)]
        return [None if None in column else float(np.mean([time for time in column if time is not None])) for column in columns]


def find_stacks(frames: Iterable[StudyFrame]) -> list[Stack]:
    """Sort frames into stacks, by the rules at the head of this module."""
    series: dict[tuple[str, ...], list[StudyFrame]] = defaultdict(list)
    for frame in frames:
        place = frame.place
        series[(place.study, place.series) if place.series else (str(frame.row["file"]),)].append(frame)
    groups = _unite_phases(_unite_positions(list(series.values())))
    names = [_name(group) for group in groups]
    shared = {name for name, count in Counter(names).items() if count > 1}
    seen: Counter[str] = Counter()
    stacks = []
    for name, group in zip(names, groups, strict=True):
        seen[name] += 1
        stacks.append(_sort(f"{name}_series{seen[name]}" if name in shared else name, group))
    return stacks


def _name(group: Sequence[StudyFrame]) -> str:
    """Of a series the folder of its files; of a file, or several with one phase each, what their names have in common."""
    files = [PurePosixPath(str(frame.row["file"])) for frame in group]
    if not group[0].place.series:
        match = _PHASE_NAME.fullmatch(_stem(group[0])) if len(set(files)) > 1 else None
        return match["stack"] if match else _stem(group[0])
    folder = os.path.commonpath([file.parent for file in files])
    return PurePosixPath(folder).as_posix() if folder else group[0].path.absolute().parent.name or "study"


def _unite_positions(groups: Sequence[list[StudyFrame]]) -> list[list[StudyFrame]]:
    """Put series of one slice each together where they are slices of one stack."""
    stacks: list[list[StudyFrame]] = []
    by_study: dict[str, list[list[StudyFrame]]] = defaultdict(list)  # an archive has thousands of stacks, a study few
    for group in groups:
        place = group[0].place
        mates = by_study[place.study] if place.study or place.series else []
        mate = next((stack for stack in mates if _is_slice_a_series(stack + group)), None)
        if mate is None:
            stacks.append(group)
            mates.append(group)
        else:
            mate += group
    return stacks


def _is_slice_a_series(frames: Sequence[StudyFrame]) -> bool:
    """Whether frames are of one study and orientation, with a series of its own for each position."""
    slices = _by_position(frames)
    series = {(frame.place.study, frame.place.series) for frame in frames}
    return slices is not None and len(slices) == len(series) and len({study for study, _ in series}) == 1 and ("", "") not in series


def _unite_phases(groups: Sequence[list[StudyFrame]]) -> list[list[StudyFrame]]:
    """Put files of one phase each together where their names say that they are phases of one stack."""
    united: list[list[StudyFrame]] = []
    phases: dict[str, list[tuple[int, list[StudyFrame]]]] = defaultdict(list)
    for group in groups:
        match = _PHASE_NAME.fullmatch(_stem(group[0]))
        if match and not group[0].place.series and {frame.place.number for frame in group} == {0}:
            phases[match["stack"]].append((int(match["number"] or 0), group))
        else:
            united.append(group)
    for parts in phases.values():
        ordered = [group for _, group in sorted(parts, key=lambda part: (part[0], str(part[1][0].row["file"])))]
        numbered = ((frame, replace(frame.place, number=phase)) for phase, group in enumerate(ordered) for frame in group)
        united.append([replace(frame, place=replace(place, time_ms=None)) for frame, place in numbered])
    return united


def _stem(frame: StudyFrame) -> str:
    """Name of a frame's file without its suffix, which may be ``.nii.gz``."""
    return _SUFFIX.sub("", str(frame.row["file"]))


def _by_position(frames: Sequence[StudyFrame]) -> list[tuple[float, list[StudyFrame]]] | None:
    """Frames by their position along the normal in mm; ``None`` where one is not known or the orientations differ."""
    first = frames[0].place.normal
    placed = []
    for frame in frames:
        normal, position = frame.place.normal, frame.place.position_mm
        if first is None or normal is None or position is None or abs(np.dot(first, normal)) < _SAME_DIRECTION:
            return None
        placed.append((float(np.dot(first, position)), frame))
    slices: list[tuple[float, list[StudyFrame]]] = []
    for position_mm, frame in sorted(placed, key=lambda item: item[0]):
        if not slices or position_mm - slices[-1][0] > _SAME_POSITION_MM:
            slices.append((position_mm, []))
        slices[-1][1].append(frame)
    return slices


def _sort(name: str, frames: Sequence[StudyFrame]) -> Stack:
    problems: list[str] = []
    slices = _by_position(frames)
    if slices is None:
        unknown = sum(frame.place.position_mm is None or frame.place.normal is None for frame in frames)
        if unknown:
            where = "ImagePositionPatient, ImageOrientationPatient" if frames[0].place.series else "no spacing in the header"
            problems.append(f"the position of {unknown} of {len(frames)} frames is not known ({where})")
        else:
            problems.append("the slices have several orientations")
        return Stack(name, (tuple(frames),), (), tuple(problems))
    positions, groups = [position for position, _ in slices], [group for _, group in slices]
    problems += _gaps(positions)
    time = next((time for time in _TIMES if all(_tells_apart(time, group) for group in groups)), None)
    if time is None:
        problems.append("several frames have one position and time: series or repetitions are mixed")
    else:
        groups = [sorted(group, key=lambda frame: time(frame.place) or 0.0) for group in groups]
        problems += _missing_phases(groups)
    return Stack(name, tuple(map(tuple, groups)), tuple(positions), tuple(problems))


def _tells_apart(time: Callable[[Place], float | None], group: Sequence[StudyFrame]) -> bool:
    times = {time(frame.place) for frame in group}
    return None not in times and len(times) == len(group)


def _gaps(positions: Sequence[float]) -> list[str]:
    if len(positions) < 2:
        return ["one slice only: a volume needs the whole stack"]
    steps = np.diff(positions)
    if steps.max() > _EVEN * steps.min():
        return [f"the slices lie {steps.min():.1f} to {steps.max():.1f} mm apart: some are missing"]
    return []


def _missing_phases(slices: Sequence[Sequence[StudyFrame]]) -> list[str]:
    counts = [len(phases) for phases in slices]
    if min(counts) != max(counts):
        return [f"the slices have {min(counts)} to {max(counts)} phases: some are missing"]
    told = max((frame.place.phases or 0 for phases in slices for frame in phases), default=0)
    if counts[0] < told:
        return [f"{counts[0]} of {told} phases of the heart beat: some are missing"]
    for phases in slices:
        times = [frame.place.time_ms for frame in phases]
        steps = np.diff([time for time in times if time is not None])
        if len(steps) > 1 and None not in times and steps.max() > _SKIPPED * (usual := float(np.quantile(steps, 0.5, method="lower"))):
            return [f"{steps.max():.0f} ms between two phases, {usual:.0f} ms between most: some are missing"]
    return []
