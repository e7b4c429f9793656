"""Order the frames of a stack's slices by the heart beat: clocks, copies and repeated takes.

Clocks
    TriggerTime (or the trigger delay of enhanced files), TemporalPositionIdentifier, ContentTime, AcquisitionTime, InstanceNumber: the
    first of these that all frames have, with no two frames of a slice equal. Instance numbers may be random (Philips), so times of day
    come before them. But times of day may be those of parallel reconstruction, which swaps neighbours (GE): where the two orders differ
    only by such swaps, InstanceNumber is used.

Copies
    Frames with equal position, clocks and measurements are copies of one picture, and count once.

Takes
    A slice that was taken again has the frames of both takes. The later take is used, as the first was spoiled. If the takes differ in
    their number of phases, the take with as many phases as the other slices is used.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

from usseg_monai.imaging import Place
from usseg_monai.tasks.left_ventricle.frames import Slice
from usseg_monai.tasks.study import StudyFrame

__all__ = ["Arrangement", "arrange", "latest", "through_midnight"]

_DAY_S = 86400.0
_SAME_ORDER = 0.9  # minimum rank correlation of two clocks that differ only by swapped neighbours


class _Clock(NamedTuple):
    """An attribute that may order the phases of a slice.

    Attributes:
        name: as in messages.
        of: maps a place to the clock's value.
        of_beat: whether it counts from the start of the heart beat.
        of_day: whether it is a time of day.
    """

    name: str
    of: Callable[[Place], float | None]
    of_beat: bool = False
    of_day: bool = False


_CONTENT = _Clock("ContentTime", lambda place: place.content_s, of_day=True)
_ACQUISITION = _Clock("AcquisitionTime", lambda place: place.acquired_s, of_day=True)
_NUMBER = _Clock("InstanceNumber", lambda place: place.number)
_CLOCKS = (
    _Clock("TriggerTime", lambda place: place.time_ms, of_beat=True),
    _Clock("TemporalPositionIdentifier", lambda place: place.temporal_index, of_beat=True),
    _CONTENT,
    _ACQUISITION,
    _NUMBER,
)
"""Best first."""


@dataclass
class Arrangement:
    """Slices in order.

    Attributes:
        slices: the frames, ``slices[slice][phase]``.
        unused: frames that do not count (copies and discarded takes), with the index of their slice.
        timed: whether the phases are ordered by TriggerTime.
        assumed: what the phases are ordered by if it is not a clock of the heart beat; else empty.
        problems: why the order is unknown.
        remarks: decisions made.
    """

    slices: list[Slice]
    unused: list[tuple[int, StudyFrame]] = field(default_factory=list)
    timed: bool = False
    assumed: str = ""
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def arrange(slices: Sequence[tuple[float, Slice]]) -> Arrangement:
    """Put the phases of each slice into order.

    Args:
        slices: position in mm and frames of each, from `usseg_monai.tasks.left_ventricle.frames.by_position`.
    """
    arranged = Arrangement([list(frames) for _, frames in slices])
    _count_copies_once(arranged)
    _choose_takes(arranged, [position_mm for position_mm, _ in slices])
    if arranged.problems:
        return arranged
    clock = next((clock for clock in _CLOCKS if all(_tells_apart(clock, frames) for frames in arranged.slices)), None)
    if clock is None:
        names = ", ".join(clock.name for clock in _CLOCKS)
        arranged.problems.append(f"nothing tells the phases of a slice apart: {names} are missing or several frames have the same")
        return arranged
    clock = _settled(clock, arranged)
    for frames in arranged.slices:
        frames.sort(key=lambda frame: clock.of(frame.place) or 0.0)
    arranged.timed = clock is _CLOCKS[0]
    arranged.assumed = "" if clock.of_beat or arranged.slices[0][0].of_volume else clock.name
    return arranged


def through_midnight(frames: Sequence[StudyFrame]) -> list[StudyFrame]:
    """The frames of one examination; times of day after midnight continue beyond 24 h."""
    for name in ("acquired_s", "content_s", "series_s"):
        times = sorted({time for frame in frames if (time := getattr(frame.place, name)) is not None})
        if not times or times[-1] - times[0] <= _DAY_S / 2:
            continue
        start = max(pairwise(times), key=lambda pair: pair[1] - pair[0])[1]  # the longest pause is not part of the examination
        if start - times[0] > _DAY_S / 2:
            frames = [_later(frame, name) if (getattr(frame.place, name) or start) < start else frame for frame in frames]
    return list(frames)


def _later(frame: StudyFrame, name: str) -> StudyFrame:
    moved = {name: getattr(frame.place, name) + _DAY_S}
    return replace(frame, place=replace(frame.place, **moved))


def latest(takes: Sequence[Slice]) -> Slice | None:
    """The latest take; ``None`` if it cannot be determined."""
    series = {(frame.place.study, frame.place.series) for take in takes for frame in take}
    orders: list[Callable[[Place], float | None]] = [_ACQUISITION.of, _CONTENT.of]
    orders += [lambda place: place.series_s, lambda place: place.series_number]
    if len(series) == 1:
        orders.append(_NUMBER.of)  # each series has its own numbering
    for of in orders:
        ranges = sorted(((*_range(of, take), index) for index, take in enumerate(takes) if _is_known(of, take)), key=lambda item: item[:2])
        if len(ranges) == len(takes) and all(before[1] < after[0] for before, after in pairwise(ranges)):
            return takes[ranges[-1][2]]
    return None


def _is_known(of: Callable[[Place], float | None], frames: Slice) -> bool:
    return all(of(frame.place) is not None for frame in frames)


def _range(of: Callable[[Place], float | None], frames: Slice) -> tuple[float, float]:
    values = [value for frame in frames if (value := of(frame.place)) is not None]
    return min(values), max(values)


def _tells_apart(clock: _Clock, frames: Slice) -> bool:
    values = {clock.of(frame.place) for frame in frames}
    return len(frames) == 1 or (None not in values and len(values) == len(frames))


# Copies


def _count_copies_once(arranged: Arrangement) -> None:
    total = sum(map(len, arranged.slices))
    for number, frames in enumerate(arranged.slices):
        moments: dict[tuple[float | None, ...], Slice] = defaultdict(list)
        for frame in frames:
            moments[tuple(clock.of(frame.place) for clock in _CLOCKS)].append(frame)
        if len(moments) == len(frames):
            continue
        kept: set[int] = set()
        for alike in moments.values():
            seen: set[tuple[object, ...]] = set()
            for frame in alike:
                # Without a clock, different phases may have equal measurements, such as empty masks: only the instance distinguishes them.
                mark = (frame.measured(), "" if len(moments) > 1 else frame.place.instance or str(id(frame)))
                if mark not in seen:
                    kept.add(id(frame))
                    seen.add(mark)
        arranged.unused += [(number, frame) for frame in frames if id(frame) not in kept]
        arranged.slices[number] = [frame for frame in frames if id(frame) in kept]
    if arranged.unused:
        count = len(arranged.unused)
        arranged.remarks.append(f"{count} of {total} frames {'is a copy' if count == 1 else 'are copies'} of others and counted once")


# Takes


def _choose_takes(arranged: Arrangement, positions_mm: Sequence[float]) -> None:
    beat = _beat_clock(arranged.slices)
    usual = _usual_phases(arranged.slices, beat)
    repeated: list[str] = []
    for number, frames in enumerate(arranged.slices):
        takes = _takes(frames, usual, beat)
        if takes is not None and len(takes) == 1:
            continue
        where = f"the slice at {positions_mm[number]:.1f} mm"
        if takes is None:
            arranged.problems.append(
                f"{where} has {len(frames)} frames, others {usual}: it was taken twice, and nothing tells the takes apart"
            )
            continue
        most = usual if any(len(take) == usual for take in takes) else max(map(len, takes))
        whole = [take for take in takes if len(take) == most]
        chosen = whole[0] if len(whole) == 1 else latest(whole)
        times = "twice" if len(takes) == 2 else f"{len(takes)} times"
        if chosen is None:
            arranged.problems.append(f"{where} was taken {times}, and nothing tells which take is the later")
            continue
        which = "the later take" if len(whole) > 1 else f"the take that has {most} phases"
        repeated.append(f"{where} was taken {times}: {which} is used")
        used = set(map(id, chosen))
        arranged.unused += [(number, frame) for frame in frames if id(frame) not in used]
        arranged.slices[number] = chosen
    if len(repeated) > 2:
        repeated = [f"{len(repeated)} slices were taken more than once: the later takes are used"]
    arranged.remarks += repeated


def _beat_clock(slices: Sequence[Slice]) -> _Clock | None:
    """A clock of the heart beat that all frames have and that differs within some slice."""
    for clock in _CLOCKS:
        values = [[clock.of(frame.place) for frame in frames] for frames in slices]
        if clock.of_beat and all(None not in times for times in values) and any(len(set(times)) > 1 for times in values):
            return clock
    return None


def _usual_phases(slices: Sequence[Slice], beat: _Clock | None) -> int:
    """Number of phases that most slices have; the smallest of equally frequent ones."""
    counts = Counter(len({beat.of(frame.place) for frame in frames} if beat else frames) for frames in slices)
    return min(counts, key=lambda count: (-counts[count], count))


def _takes(frames: Slice, usual: int, beat: _Clock | None) -> list[Slice] | None:
    """The takes of a slice; ``None`` if it was taken several times and the takes cannot be separated."""
    again = len(frames) - len({beat.of(frame.place) for frame in frames}) if beat else 0
    repeated = again > 0 and (again >= max(2, usual // 2) or len(frames) > usual)  # else two phases happen to have the same time
    if not (repeated or len(frames) > usual):
        return [frames]
    takes = _takes_by_series(frames, usual) or _takes_by_time(frames, usual, beat)
    if takes:
        return takes
    return None if repeated or len(frames) % usual == 0 else [frames]


def _takes_by_series(frames: Slice, usual: int) -> list[Slice]:
    series: dict[tuple[str, str], Slice] = defaultdict(list)
    for frame in frames:
        series[frame.place.study, frame.place.series].append(frame)
    sizes = [len(take) for take in series.values()]
    a_series_a_file = usual > 1 and max(sizes) == 1
    return [] if len(sizes) == 1 or a_series_a_file else list(series.values())


def _takes_by_time(frames: Slice, usual: int, beat: _Clock | None) -> list[Slice]:
    """Consecutive takes within one series."""
    for clock in (_ACQUISITION, _CONTENT, _NUMBER):
        values = {clock.of(frame.place) for frame in frames}
        if None in values or len(values) == 1:
            continue
        ordered = sorted(frames, key=lambda frame: (clock.of(frame.place) or 0.0, (beat.of(frame.place) or 0.0) if beat else 0.0))
        if len(frames) % usual == 0 and len(frames) > usual:
            takes = [ordered[start : start + usual] for start in range(0, len(frames), usual)]
        else:
            takes = _cut_at_restarts(ordered, beat) if beat else []
        follow = all(_range(clock.of, before)[1] < _range(clock.of, after)[0] for before, after in pairwise(takes))
        if len(takes) > 1 and follow and (beat is None or all(_tells_apart(beat, take) for take in takes)):
            return takes
    return []


def _cut_at_restarts(frames: Slice, beat: _Clock) -> list[Slice]:
    """Frames in order of acquisition, cut where the heart beat restarts."""
    takes: list[Slice] = []
    last = float("inf")
    for frame in frames:
        time = beat.of(frame.place) or 0.0
        if time <= last:
            takes.append([])
        takes[-1].append(frame)
        last = time
    return takes


# Clocks


def _settled(clock: _Clock, arranged: Arrangement) -> _Clock:
    """The clock to use; remarks where others contradict it."""
    frames = [frame for slice_ in arranged.slices for frame in slice_]
    if max(map(len, arranged.slices)) == 1 or all(frame.of_volume for frame in frames):
        return clock
    if clock is _NUMBER:
        in_file = any(frame.row["frame"] for frame in frames)
        source = "that of the frames in their file" if in_file else "from InstanceNumber"
        arranged.remarks.append(f"the order of the phases is {source} alone")
    others = [other for other in _CLOCKS[_CLOCKS.index(clock) + 1 :] if all(_tells_apart(other, part) for part in arranged.slices)]
    for other in others:
        alike = _rank_correlation(clock, other, arranged.slices)
        if clock.of_day and other is _NUMBER and _SAME_ORDER <= alike < 1:
            return other
        if not other.of_day and alike < _SAME_ORDER and not (clock.of_beat and other is _NUMBER):
            arranged.remarks.append(f"the phases are ordered by {clock.name}, {other.name} contradicts it")
    return clock


def _rank_correlation(first: _Clock, second: _Clock, slices: Sequence[Slice]) -> float:
    """Spearman's rank correlation, averaged over slices with several phases."""
    values = []
    for frames in (frames for frames in slices if len(frames) > 1):
        count = len(frames)
        ranks = {id(frame): rank for rank, frame in enumerate(sorted(frames, key=lambda frame: first.of(frame.place) or 0.0))}
        ordered = sorted(frames, key=lambda frame: second.of(frame.place) or 0.0)
        off = sum((ranks[id(frame)] - rank) ** 2 for rank, frame in enumerate(ordered))
        values.append(1 - 6 * off / (count * (count**2 - 1)))
    return sum(values) / len(values)
