"""Measured slices sorted into stacks: by examination, series, position along the normal, and phase of the heart beat.

What belongs together
    Of DICOM files `usseg_monai.inference.belonging` tells it. A NIfTI file is a stack of its own, axis 2 its slices, axis 3 its phases;
    files of one phase whose names differ in what follows the last ``_`` only, ``frame01`` or ``phase3`` or ``ED`` or ``ES``, are phases of
    one stack (``patient001_frame01.nii.gz``, ``patient001_frame12.nii.gz``).

Order
    Slices by their position, projected on the normal; phases within each slice as `usseg_monai.inference.phases` tells it.

Whatever keeps a stack from being whole stands among its problems, what was decided among its remarks, and no frame is lost.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np

from usseg_monai.inference.belonging import EVEN, part_stacks
from usseg_monai.inference.lists import common_folder
from usseg_monai.inference.phases import Arrangement, arrange
from usseg_monai.inference.study_frames import StudyFrame, by_position

__all__ = ["FOLDER", "TABLE", "Stack", "find_stacks"]

TABLE = "studies.csv"
"""Name of the table of studies in the output folder."""

FOLDER = "studies"
"""Name of the folder, among the results, of what belongs to one stack."""

_SKIPPED = 1.5  # times the usual step between phases: one is missing there
_SUFFIX = re.compile(r"\.[^./]+(\.gz)?$", re.IGNORECASE)
_PHASE_NAME = re.compile(r"(?P<stack>.+)_(?:(?:frame|phase)(?P<number>\d+)|E[DS])", re.IGNORECASE)


@dataclass(frozen=True)
class Stack:
    """The slices of one ventricle, sorted.

    Attributes:
        name: of its results: the folder or file that it came from, unique in a run.
        slices: the frames, ``slices[slice][phase]``; a single "slice" with all of them where the order is not known.
        positions_mm: of the slices along their normal; empty where the order is not known.
        problems: why no volume can be made of it; none where it is whole.
        remarks: what was decided, such as which of two takes counts.
        unused: frames that do not count, copies and other takes, with the index of their slice.
        assumed: what the phases are ordered by where it is no clock of the heart beat; empty where it is.
    """

    name: str
    slices: tuple[tuple[StudyFrame, ...], ...]
    positions_mm: tuple[float, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    unused: tuple[tuple[int, StudyFrame], ...] = ()
    assumed: str = ""

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
    of_files: dict[str, list[StudyFrame]] = defaultdict(list)
    of_headers: list[StudyFrame] = []
    for frame in frames:
        (of_files[frame.file] if frame.of_volume else of_headers).append(frame)
    groups = [*_unite_phases(list(of_files.values())), *part_stacks(of_headers)]
    return [_sort(name, group) for name, group in zip(_distinct_names([_name(group) for group in groups]), groups, strict=True)]


def _distinct_names(names: Sequence[str]) -> Iterator[str]:
    """The names, those that occur several times with ``_series1``, ``_series2`` ... added, as far as no other has that name."""
    shared, taken = Counter(names), set(names)
    last: Counter[str] = Counter()
    for name in names:
        new = name
        while shared[name] > 1 and new in taken:
            last[name] += 1
            new = f"{name}_series{last[name]}"
        taken.add(new)
        yield new


def _name(group: Sequence[StudyFrame]) -> str:
    """Of DICOM files their folder; of another, or several with one phase each, what their names have in common."""
    files = [PurePosixPath(frame.file) for frame in group]
    if group[0].of_volume:
        match = _PHASE_NAME.fullmatch(_stem(group[0])) if len(set(files)) > 1 else None
        return match["stack"] if match else _stem(group[0])
    folder = os.path.commonpath([file.parent for file in files])
    if folder:
        return PurePosixPath(folder).as_posix()
    return os.path.basename(common_folder(str(frame.path) for frame in group)) or "study"


def _unite_phases(groups: Sequence[list[StudyFrame]]) -> list[list[StudyFrame]]:
    """Put files of one phase each together where their names say that they are phases of one stack."""
    united: list[list[StudyFrame]] = []
    phases: dict[str, list[tuple[int, list[StudyFrame]]]] = defaultdict(list)
    for group in groups:
        match = _PHASE_NAME.fullmatch(_stem(group[0]))
        if match and {frame.place.number for frame in group} == {0}:
            phases[match["stack"]].append((int(match["number"] or 0), group))
        else:
            united.append(group)
    for parts in phases.values():
        ordered = [group for _, group in sorted(parts, key=lambda part: (part[0], part[1][0].file))]
        numbered = ((frame, replace(frame.place, number=phase)) for phase, group in enumerate(ordered) for frame in group)
        united.append([replace(frame, place=replace(place, time_ms=None)) for frame, place in numbered])
    return united


def _stem(frame: StudyFrame) -> str:
    """Name of a frame's file without its suffix, which may be ``.nii.gz``."""
    return _SUFFIX.sub("", frame.file)


def _sort(name: str, frames: Sequence[StudyFrame]) -> Stack:
    problems: list[str] = []
    slices = by_position(frames)
    if slices is None:
        unknown = sum(frame.place.position_mm is None or frame.place.normal is None for frame in frames)
        if unknown:
            where = "no spacing in the header" if frames[0].of_volume else "ImagePositionPatient, ImageOrientationPatient"
            problems.append(f"the position of {unknown} of {len(frames)} frames is not known ({where})")
        else:
            problems.append("the slices have several orientations")
        return Stack(name, (tuple(frames),), (), tuple(problems))
    positions = tuple(position for position, _ in slices)
    arranged = arrange(slices)
    problems += [*_gaps(positions), *arranged.problems]
    if not arranged.problems:
        problems += _missing_phases(arranged)
    sorted_slices = tuple(map(tuple, arranged.slices))
    return Stack(name, sorted_slices, positions, tuple(problems), tuple(arranged.remarks), tuple(arranged.unused), arranged.assumed)


def _gaps(positions: Sequence[float]) -> list[str]:
    if len(positions) < 2:
        return ["one slice only: a volume needs the whole stack"]
    steps = np.diff(positions)
    if steps.max() > EVEN * steps.min():
        return [f"the slices lie {steps.min():.1f} to {steps.max():.1f} mm apart: some are missing"]
    return []


def _missing_phases(arranged: Arrangement) -> list[str]:
    slices = arranged.slices
    counts = [len(phases) for phases in slices]
    if min(counts) != max(counts):
        return [f"the slices have {min(counts)} to {max(counts)} phases: some are missing"]
    told = max((frame.place.phases or 0 for phases in slices for frame in phases), default=0)
    if counts[0] < told:
        return [f"{counts[0]} of {told} phases of the heart beat: some are missing"]
    for phases in slices if arranged.timed else ():
        steps = np.diff([frame.place.time_ms or 0.0 for frame in phases])
        if len(steps) > 1 and steps.max() > _SKIPPED * (usual := float(np.quantile(steps, 0.5, method="lower"))):
            return [f"{steps.max():.0f} ms between two phases, {usual:.0f} ms between most: some are missing"]
    return []
