"""Sort measured slices into stacks, by examination, series, position along the normal, and phase of the heart beat.

What belongs together
    DICOM files: see `usseg_monai.tasks.left_ventricle.belonging`. A NIfTI file is one stack: axis 2 is slices, axis 3 phases.
    Single-phase files whose names differ only after the last ``_``, in ``frame01``, ``phase3``, ``ED`` or ``ES``, are phases of one
    stack (``patient001_frame01.nii.gz``, ``patient001_frame12.nii.gz``).

Order
    Slices by their position, projected on the normal; phases within each slice by `usseg_monai.tasks.left_ventricle.phases`.

A stack's problems list what keeps it from being whole, its remarks list decisions. No frame is lost.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np

from usseg_monai.files.names import common_folder
from usseg_monai.tasks.left_ventricle.belonging import EVEN, part_stacks
from usseg_monai.tasks.left_ventricle.frames import by_position
from usseg_monai.tasks.left_ventricle.phases import Arrangement, arrange
from usseg_monai.tasks.study import Stack, StudyFrame

__all__ = ["find_stacks"]

_SKIPPED = 1.5  # times the usual step between phases: a longer step means a missing phase
_SUFFIX = re.compile(r"\.[^./]+(\.gz)?$", re.IGNORECASE)
_PHASE_NAME = re.compile(r"(?P<stack>.+)_(?:(?:frame|phase)(?P<number>\d+)|E[DS])", re.IGNORECASE)


def find_stacks(frames: Iterable[StudyFrame]) -> list[Stack]:
    """Sort frames into stacks, by the rules in the module docstring."""
    of_files: dict[str, list[StudyFrame]] = defaultdict(list)
    of_headers: list[StudyFrame] = []
    for frame in frames:
        (of_files[frame.file] if frame.of_volume else of_headers).append(frame)
    groups = [*_unite_phases(list(of_files.values())), *part_stacks(of_headers)]
    return [_sort(name, group) for name, group in zip(_distinct_names([_name(group) for group in groups]), groups, strict=True)]


def _distinct_names(names: Sequence[str]) -> Iterator[str]:
    """The names, made unique: repeated names get ``_series1``, ``_series2`` ..., skipping names that are taken."""
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
    """Name of a stack: the folder of DICOM files; else the file's name, or the common part of the names of single-phase files."""
    files = [PurePosixPath(frame.file) for frame in group]
    if group[0].of_volume:
        match = _PHASE_NAME.fullmatch(_stem(group[0])) if len(set(files)) > 1 else None
        return match["stack"] if match else _stem(group[0])
    folder = os.path.commonpath([file.parent for file in files])
    if folder:
        return PurePosixPath(folder).as_posix()
    return os.path.basename(common_folder(str(frame.path) for frame in group)) or "study"


def _unite_phases(groups: Sequence[list[StudyFrame]]) -> list[list[StudyFrame]]:
    """Unite single-phase files whose names mark them as phases of one stack."""
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
