"""Group the slices of DICOM files into stacks.

By UID where possible; but anonymisers remove or empty UIDs, make new ones for every file, or give all patients the same.

Examinations
    Frames with one StudyInstanceUID belong to one examination. Where it is missing, or new in every file, the files of one folder do.
    Where the same identifiers (of an instance, of a place and time) stand for different pictures in two folders, and each folder holds
    several slices, the folders belong to different patients.

Stacks, within an examination
    The frames with one SeriesInstanceUID; without it, the frames of a folder with the same orientation, size and pixel size.
    Single-slice series with one orientation form one stack, including slices that were repeated; where all slices were taken equally
    often, each round is a stack. A single-slice series at the position of a slice of a whole stack, with as many phases, or in a gap of
    the stack, belongs to that stack. Single-phase series with the same slices form one stack if their order is given by TriggerTime,
    TemporalPositionIdentifier, times of day that finish one slice before the next, or increasing instance numbers. Files with different
    UIDs that share nothing but a folder are united only if their slices lie on a regular grid.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import pairwise

import numpy as np

from usseg_monai.files.names import common_folder
from usseg_monai.imaging import Place
from usseg_monai.tasks.left_ventricle.frames import SAME_POSITION_MM, Slice, by_position
from usseg_monai.tasks.left_ventricle.phases import latest, through_midnight
from usseg_monai.tasks.study import SAME_DIRECTION, StudyFrame

__all__ = ["EVEN", "part_stacks"]

EVEN = 1.1
"""Maximum ratio of the largest to the smallest distance between neighbouring slices."""

_FILLED = 0.75  # minimum share of the phases of a regular grid that must be present where the grid is the only evidence
_FEWEST_SERIES = 3  # minimum number of single-phase series where only instance numbers give their order

Group = list[StudyFrame]


def part_stacks(frames: Sequence[StudyFrame]) -> list[Group]:
    """Divide frames of DICOM files into stacks; both the frames of a stack and the stacks keep the order of the input."""
    order = {(frame.file, frame.row["frame"]): number for number, frame in enumerate(frames)}

    def number(frame: StudyFrame) -> int:
        return order[frame.file, frame.row["frame"]]

    groups: list[Group] = []
    loose: dict[str, Group] = defaultdict(list)  # slices that only neighbouring folders can hold together
    for examination, told in _examinations(frames):
        for part in _part_patients(through_midnight(examination)):
            stacks = _unite_series(part, told)
            if not told and len(stacks) == 1 and _slices(stacks[0]) == 1:
                loose[os.path.dirname(stacks[0][0].folder)] += stacks[0]
            else:
                groups += stacks
    for beside in loose.values():
        groups += _unite_series(beside, told=False)
    return sorted((sorted(group, key=number) for group in groups), key=lambda group: number(group[0]))


# Examinations


def _examinations(frames: Sequence[StudyFrame]) -> list[tuple[Group, bool]]:
    """Frames by examination, and whether the StudyInstanceUID identifies it (and not just the folder)."""
    files: dict[str, set[str]] = defaultdict(set)
    for frame in frames:
        files[frame.place.study].add(frame.file)
        files[frame.place.series].add(frame.file)
    shared = {uid for uid, names in files.items() if uid and len(names) > 1}
    folders = _Joined()
    for frame in frames:
        if frame.place.study not in shared:
            folders.join(("folder", frame.folder), ("series", frame.place.series if frame.place.series in shared else frame.folder))
    found: dict[Hashable, tuple[Group, bool]] = {}
    for frame in frames:
        told = frame.place.study in shared
        key = ("study", frame.place.study) if told else folders.root(("folder", frame.folder))
        found.setdefault(key, ([], told))[0].append(frame)
    return list(found.values())


class _Joined:
    """Disjoint sets (union-find)."""

    def __init__(self) -> None:
        self._parents: dict[Hashable, Hashable] = {}

    def root(self, item: Hashable) -> Hashable:
        """The representative of an item's set."""
        path = []
        while (parent := self._parents.get(item, item)) != item:
            path.append(item)
            item = parent
        self._parents.update(dict.fromkeys(path, item))
        return item

    def join(self, first: Hashable, second: Hashable) -> None:
        """Unite the sets of two items."""
        self._parents[self.root(second)] = self.root(first)


# Patients with the same identifiers


def _part_patients(frames: Group) -> list[Group]:
    """Split one examination by folder where the folders hold different patients under the same identifiers."""
    parts = _by_branch(frames)
    if len(parts) < 2:
        return [frames]
    clashing = _clashing(parts)
    if len(clashing) < 2 or not all(_slices(parts[index]) > 1 for index in clashing):
        return [frames]
    return [patient for part in parts for patient in _part_patients(part)]


def _by_branch(frames: Group) -> list[Group]:
    """Frames by their folder directly below the deepest common folder."""
    start = len(os.path.join(common_folder(os.path.join(frame.folder, "") for frame in frames), ""))
    branches: dict[str, Group] = defaultdict(list)
    for frame in frames:
        branches[frame.folder[start:].split(os.sep)[0]].append(frame)
    return list(branches.values())


def _clashing(parts: Sequence[Group]) -> set[int]:
    """Indices of the parts that hold different pictures under the same identifiers."""
    found: set[int] = set()
    files: dict[str, set[str]] = defaultdict(set)
    for part in parts:
        for frame in part:
            files[frame.place.series].add(frame.file)

    def _number(frame: StudyFrame) -> Hashable:
        place = frame.place
        series = place.series if len(files[place.series]) > 1 else "new"
        return (place.study, series, place.number) if place.series and place.number is not None else None

    for identity in (_instance, _number, _moment):
        owners: dict[Hashable, tuple[int, Hashable]] = {}
        clashes: set[int] = set()
        for index, part in enumerate(parts):
            if identity is _number and not _is_cine(part):
                continue
            own: dict[Hashable, Hashable] = {}
            for frame in part:
                key = identity(frame)
                if key is None:
                    continue
                picture = (_where(frame), _when(frame.place), frame.measured())
                if own.setdefault(key, picture) != picture:  # the identity is not unique even within one folder
                    clashes.clear()
                    owners.clear()
                    break
                other, its = owners.setdefault(key, (index, picture))
                if other != index and its != picture:
                    clashes |= {other, index}
            else:
                continue
            break
        found |= clashes
    return found


def _instance(frame: StudyFrame) -> Hashable:
    place = frame.place
    return (place.study, place.series, place.instance, frame.row["frame"]) if place.instance else None


def _moment(frame: StudyFrame) -> Hashable:
    """Place and time; ``None`` where either is unknown."""
    place = frame.place
    known = place.time_ms is not None or place.temporal_index is not None or place.number is not None
    return (_where(frame), _when(place)) if known and place.position_mm is not None else None


def _where(frame: StudyFrame) -> Hashable:
    place = frame.place
    return (
        place.position_mm and tuple(round(value, 1) for value in place.position_mm),
        place.normal and tuple(round(value, 2) for value in place.normal),
    )


def _when(place: Place) -> Hashable:
    return place.time_ms, place.temporal_index, place.content_s, place.acquired_s, place.number


def _slices(frames: Group) -> int:
    """Number of different positions."""
    return len({_where(frame) for frame in frames if frame.place.position_mm is not None})


def _is_cine(frames: Group) -> bool:
    """Whether some position has several frames: in single-phase folders, instance numbers may restart in each folder."""
    return any(count > 1 for count in Counter(map(_where, frames)).values())


# Series of one examination


def _unite_series(frames: Group, told: bool) -> list[Group]:
    """Divide the frames of one examination into stacks.

    Args:
        frames: of the examination.
        told: whether their StudyInstanceUID identifies the examination.
    """
    directions = _Directions()
    atoms: dict[Hashable, Group] = defaultdict(list)
    for frame in frames:
        place = frame.place
        missing = ("", frame.folder, directions.of(frame), frame.shape, _spacing(frame))
        atoms[(place.study, place.series) if place.series else missing].append(frame)
    classes: dict[Hashable, list[Group]] = defaultdict(list)
    for atom in atoms.values():
        first = atom[0]
        classes[(directions.of(first),) if told else (directions.of(first), first.shape, _spacing(first))].append(atom)
    return [group for parallel in classes.values() for group in _unite_parallel(parallel, told)]


class _Directions:
    """Numbers the orientations met so far."""

    def __init__(self) -> None:
        self._known: dict[tuple[float, float, float], int] = {}
        self._kinds, self._count = np.zeros((8, 3)), 0  # a folder may have thousands

    def of(self, frame: StudyFrame) -> int | None:
        """Number of a frame's orientation; ``None`` where it is unknown."""
        normal = frame.place.normal
        if normal is None or frame.place.position_mm is None:
            return None
        if normal not in self._known:
            alike = np.flatnonzero(np.abs(self._kinds[: self._count] @ normal) >= SAME_DIRECTION)
            self._known[normal] = int(alike[0]) if len(alike) else self._count
            if not len(alike):
                if self._count == len(self._kinds):
                    self._kinds = np.concatenate([self._kinds, np.zeros_like(self._kinds)])
                self._kinds[self._count] = normal
                self._count += 1
        return self._known[normal]


def _spacing(frame: StudyFrame) -> Hashable:
    """Pixel size with three digits; ``None`` where unknown."""
    return tuple(f"{value:.2e}" if isinstance(value, float) else None for value in map(frame.row.get, ("spacing_mm_row", "spacing_mm_col")))


def _unite_parallel(atoms: list[Group], told: bool) -> list[Group]:
    """Unite parallel series that are slices or phases of one stack."""
    if len(atoms) == 1:
        return atoms
    alone: list[Group] = []
    single: list[Group] = []
    stacks: list[Group] = []
    for atom in atoms:
        slices = by_position(atom)
        (alone if slices is None else single if len(slices) == 1 else stacks).append(atom)
    stacks = _unite_phases(stacks)
    if told:
        single = _join_slices(single, stacks)
        return [*alone, *stacks, *_unite_slices(single)]
    united = [frame for atom in single for frame in atom]
    return [*alone, *stacks, *([united] if len(single) > 1 and _is_grid(united) else single)]


def _unite_phases(atoms: list[Group]) -> list[Group]:
    """Unite single-phase series that have the same slices and a known order."""
    united, phases = [], defaultdict(list)
    for atom in atoms:
        slices = by_position(atom) or []
        if all(len(frames) == 1 for _, frames in slices):
            phases[tuple(round(position_mm / SAME_POSITION_MM) for position_mm, _ in slices)].append(atom)
        else:
            united.append(atom)
    for alike in phases.values():
        together = [frame for atom in alike for frame in atom]
        united += [together] if len(alike) > 1 and _tell_phases(alike, together) else alike
    return united


def _tell_phases(atoms: list[Group], together: Group) -> bool:
    """Whether a clock of the heart beat, or instance numbers, give the same order of the series in all slices."""
    owner = {id(frame): index for index, atom in enumerate(atoms) for frame in atom}
    slices = [frames for _, frames in by_position(together) or []]
    if {len(frames) for frames in slices} != {len(atoms)}:
        return False
    clocks: list[Callable[[Place], float | None]] = [lambda place: place.time_ms, lambda place: place.temporal_index]
    clocks += [clock for clock in (lambda place: place.content_s, lambda place: place.acquired_s) if _one_by_one(clock, slices)]
    if len(atoms) >= _FEWEST_SERIES:
        clocks.append(lambda place: place.number)
    for clock in clocks:
        orders = set()
        for frames in slices:
            values = [value for frame in frames if (value := clock(frame.place)) is not None]
            if len(set(values)) < len(frames):
                break
            orders.add(tuple(owner[id(frame)] for frame in sorted(frames, key=lambda frame: clock(frame.place) or 0.0)))
        else:
            return len(orders) == 1
    return False


def _one_by_one(clock: Callable[[Place], float | None], slices: Sequence[Slice]) -> bool:
    """Whether each slice was finished in all series before the next: a series of another kind would begin after the last slice."""
    times = [[clock(frame.place) for frame in frames] for frames in slices]
    known = sorted([time for time in of_slice if time is not None] for of_slice in times)
    return all(len(some) == len(slices[0]) for some in known) and all(max(one) < min(next_) for one, next_ in pairwise(known))


def _join_slices(single: list[Group], stacks: list[Group]) -> list[Group]:
    """Join single-slice series to the stack that has this slice, with as many phases, or a gap there. Returns the others."""
    others = []
    known = [by_position(stack) or [] for stack in stacks]
    usual = [_most_common(len(frames) for _, frames in slices) for slices in known]
    for atom in single:
        fitting = [index for index, stack in enumerate(stacks) if len(atom) == usual[index] and _fits(atom, stack, known[index])]
        if len(fitting) == 1:
            stacks[fitting[0]] += atom
        else:
            others.append(atom)
    return others


def _fits(atom: Group, stack: Group, alone: Sequence[tuple[float, Slice]]) -> bool:
    both = by_position(stack + atom)
    return both is not None and (len(both) == len(by_position(stack) or []) or (not _is_even(alone) and _is_even(both)))


def _most_common(counts: Iterable[int]) -> int:
    """Most common count; the largest of equally frequent ones; 0 if there are none."""
    found = Counter(counts)
    return max(found, key=lambda count: (found[count], count), default=0)


def _is_even(slices: Sequence[tuple[float, Slice]]) -> bool:
    steps = [after[0] - before[0] for before, after in pairwise(slices)]
    return not steps or max(steps) <= EVEN * min(steps)


def _unite_slices(atoms: list[Group]) -> list[Group]:
    """Unite the single-slice series of a study. Where all slices were taken equally often, each round is a stack."""
    if len(atoms) < 2:
        return atoms
    usual = _most_common(map(len, atoms))
    apart = [atom for atom in atoms if len(atom) == 1 < usual]  # single pictures beside cines: localisers
    atoms = [atom for atom in atoms if not len(atom) == 1 < usual]
    united = [frame for atom in atoms for frame in atom]
    slices = by_position(united) or []
    owner = {id(frame): index for index, atom in enumerate(atoms) for frame in atom}
    takes = [sorted({owner[id(frame)] for frame in frames}) for _, frames in slices]
    times = {len(numbers) for numbers in takes}
    if usual == 1 or len(slices) < 2 or len(times) > 1 or times == {1}:
        return [united, *apart]
    rounds: list[Group] = [[] for _ in takes[0]]
    for numbers in takes:
        left = [atoms[number] for number in numbers]
        for round_ in reversed(rounds):
            last = latest(left) if len(left) > 1 else left[0]
            if last is None:  # the slices' own message reports it
                return [united, *apart]
            round_ += last
            left = [atom for atom in left if atom is not last]
    return [*rounds, *apart]


def _is_grid(frames: Group) -> bool:
    """Whether slices lie at multiples of one distance, most with the same number of phases, which is unlikely by chance."""
    slices = by_position(frames)
    if slices is None or len(slices) < 3:
        return False
    steps = [after[0] - before[0] for before, after in pairwise(slices)]
    least = min(steps)
    if any(abs(step / least - round(step / least)) > EVEN - 1 for step in steps):
        return False
    usual = _most_common(len(frames) for _, frames in slices)
    places = 1 + sum(round(step / least) for step in steps)
    return sum(min(len(frames), usual) for _, frames in slices) >= _FILLED * places * usual
