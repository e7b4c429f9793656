"""Where and when the slices of a DICOM file were taken.

Implausible values are ignored; none of them makes the picture unreadable.
"""

from __future__ import annotations

import hashlib
import math
import re
from itertools import accumulate
from struct import unpack_from

from usseg_monai.imaging.formats import dicom_groups as groups_of
from usseg_monai.imaging.formats.dicom_elements import DataSet
from usseg_monai.imaging.formats.dicom_groups import Groups
from usseg_monai.imaging.image import Place

__all__ = ["MODALITY", "SOP_CLASS", "TAGS", "Places"]

MODALITY, SOP_CLASS = 0x00080060, 0x00080016
_SOP_INSTANCE, _STUDY, _SERIES = 0x00080018, 0x0020000D, 0x0020000E
_ACQUISITION_DATE_TIME, _ACQUISITION_TIME, _CONTENT_TIME = 0x0008002A, 0x00080032, 0x00080033
_TRIGGER_TIME, _FRAME_TIME, _FRAME_TIMES, _PHASES = 0x00181060, 0x00181063, 0x00181065, 0x00181090
_SERIES_NUMBER, _SERIES_TIME = 0x00200011, 0x00080031
_INSTANCE, _POSITION, _ORIENTATION, _TEMPORAL_POSITION = 0x00200013, 0x00200032, 0x00200037, 0x00200100
_INCREMENT, _DIMENSIONS = 0x00280009, 0x00209222
_FRAME_ACQUIRED, _FRAME_REFERENCE, _TEMPORAL_INDEX, _DIMENSION_VALUES = 0x00189074, 0x00189151, 0x00209128, 0x00209157
_NOMINAL_DELAY, _ACTUAL_DELAY, _TIME_OFFSET, _PERCENT_OF_BEAT = 0x00209153, 0x00209252, 0x0020930D, 0x00209241
_DIMENSION_POINTER = 0x00209165
TAGS = frozenset((MODALITY, SOP_CLASS, _SOP_INSTANCE, _STUDY, _SERIES, _ACQUISITION_DATE_TIME, _ACQUISITION_TIME, _CONTENT_TIME))
TAGS |= {_TRIGGER_TIME, _FRAME_TIME, _FRAME_TIMES, _PHASES, _INSTANCE, _POSITION, _ORIENTATION, _TEMPORAL_POSITION}
TAGS |= {_SERIES_NUMBER, _SERIES_TIME, _INCREMENT, _DIMENSIONS, _NOMINAL_DELAY}
"""Elements that state place and time."""

_MODALITY_CODES = (
    "AR AS ASMT AU BDUS BI BMD CD CF CP CR CS CT CTPROTOCOL DD DF DG DM DOC DS DX EC ECG EPS ES FA FID FS GM HC HD IO IOL IVOCT IVUS KER",
    "KO LEN LP LS M3D MA MG MR MS NM OAM OCT OP OPM OPR OPT OPTBSV OPTENF OPV OSS OT PLAN POS PR PT PX REG RESP RF RG RTDOSE RTIMAGE",
    "RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SC SEG SM SMR SR SRF ST STAIN TEXTUREMAP TF TG US VA VF XA XAPROTOCOL XC",
)
_MODALITIES = frozenset(code for line in _MODALITY_CODES for code in line.split())
"""Codes of DICOM PS3.3, C.7.3.1.1.1, retired ones too, and SC, which some programs write."""

_TIME_DIMENSIONS = (_TEMPORAL_INDEX, _NOMINAL_DELAY, _PERCENT_OF_BEAT, _FRAME_ACQUIRED, _FRAME_REFERENCE, _TIME_OFFSET, _TRIGGER_TIME)
_MOST_DIMENSIONS = 32
_LARGEST_NUMBER = 2.0**31  # of InstanceNumber (PS3.5, 6.2); places in mm and times in ms are far smaller


class Places:
    """Place and time of each frame of a file.

    Args:
        dataset: with the elements of `TAGS`.
        groups: of an enhanced file.
        frames: number of frames.
    """

    def __init__(self, dataset: DataSet, groups: Groups, frames: int) -> None:
        self._dataset, self._groups, self._frames = dataset, groups, frames
        self._elapsed_ms = _elapsed_ms(dataset, frames) if frames > 1 and not groups else []
        self._time_dimension = _time_dimension(dataset) if groups else None

    def __call__(self, index: int) -> Place:
        """Place and time of the frame with this index."""
        dataset = self._dataset
        stated = dataset.text(MODALITY).upper()
        modality = stated if stated in _MODALITIES else ""  # a text that is not a code could be anything, such as a name
        number = _number(dataset, _INSTANCE)
        if self._frames > 1:  # the frames of several files of one series, one after the other
            number = (max((number or 1) - 1, 0)) * self._frames + index
        position = self._triple(index, groups_of.POSITION, _POSITION)
        content = self._group(index, groups_of.CONTENT, _FRAME_ACQUIRED, _FRAME_REFERENCE, _TEMPORAL_INDEX, _DIMENSION_VALUES)
        acquired = (
            _seconds_of_date_time(content.text(_FRAME_ACQUIRED)),
            _seconds_of_date_time(content.text(_FRAME_REFERENCE)),
            _seconds(dataset.text(_ACQUISITION_TIME)),
            _seconds_of_date_time(dataset.text(_ACQUISITION_DATE_TIME)),
        )
        orientation = self._values(index, groups_of.ORIENTATION, _ORIENTATION, 6)
        normal = _normal(orientation)
        instance = dataset.text(_SOP_INSTANCE)
        return Place(
            modality=modality,
            study=_digest(dataset.text(_STUDY)),
            series=_digest(dataset.text(_SERIES)),
            position_mm=position,
            normal=normal,
            orientation=None if normal is None else orientation,
            time_ms=self._time_ms(index),
            number=number,
            acquired_s=next((time for time in acquired if time is not None), None),
            phases=_number(dataset, _PHASES),
            temporal_index=self._temporal_index(index, content),
            content_s=_seconds(dataset.text(_CONTENT_TIME)),
            instance=_digest(f"{instance} {index}" if instance and self._frames > 1 else instance),
            series_number=_number(dataset, _SERIES_NUMBER),
            series_s=_seconds(dataset.text(_SERIES_TIME)),
        )

    def _group(self, index: int, group: int, *wanted: int) -> DataSet:
        return self._groups.find(index, group, frozenset(wanted))

    def _values(self, index: int, group: int, tag: int, count: int) -> tuple[float, ...] | None:
        """``count`` numbers of a frame's group, else of the file's header if one place holds for all its frames."""
        values = _numbers(self._group(index, group, tag), tag, count)
        if values is None and (self._frames == 1 or self._groups or self._elapsed_ms):
            values = _numbers(self._dataset, tag, count)
        return values

    def _triple(self, index: int, group: int, tag: int) -> tuple[float, float, float] | None:
        values = self._values(index, group, tag, 3)
        return None if values is None else (values[0], values[1], values[2])

    def _time_ms(self, index: int) -> float | None:
        if self._elapsed_ms:
            return self._elapsed_ms[index]
        cardiac = self._group(index, groups_of.CARDIAC, _NOMINAL_DELAY, _ACTUAL_DELAY)
        offset_s = _real(self._group(index, groups_of.TEMPORAL, _TIME_OFFSET), _TIME_OFFSET, "FD")
        times = [
            _real(cardiac, _NOMINAL_DELAY, "FD"),
            _real(cardiac, _ACTUAL_DELAY, "FD"),
            None if offset_s is None else 1000 * offset_s,
            _real(self._group(index, groups_of.CONVERTED, _TRIGGER_TIME), _TRIGGER_TIME, "DS"),
        ]
        if self._frames == 1 or self._groups:
            times += [_real(self._dataset, _TRIGGER_TIME, "DS"), _real(self._dataset, _NOMINAL_DELAY, "FD")]
        return next((time for time in times if time is not None), None)

    def _temporal_index(self, frame: int, content: DataSet) -> int | None:
        index = _number(content, _TEMPORAL_INDEX, "UL")
        if index is None and self._time_dimension is not None:
            values = content.numbers(_DIMENSION_VALUES, "UL", _MOST_DIMENSIONS)
            index = int(values[self._time_dimension]) if values is not None and self._time_dimension < len(values) else None
        if index is None:
            index = _number(self._group(frame, groups_of.CARDIAC, _PERCENT_OF_BEAT), _PERCENT_OF_BEAT, "FD")
        if index is None and (self._frames == 1 or self._groups):
            index = _number(self._dataset, _TEMPORAL_POSITION)
        return index


def _elapsed_ms(dataset: DataSet, frames: int) -> list[float]:
    """Time of each frame after the first in a classic file of several frames (PS3.3, C.7.6.5); empty if frames are not times."""
    pointer = dataset.raw(_INCREMENT, 8)[:4]
    order = "<HH" if _INCREMENT not in dataset or dataset.elements[_INCREMENT].encoding.little else ">HH"
    group, number = unpack_from(order, pointer) if len(pointer) == 4 else (0, 0)
    increment = group << 16 | number or (_FRAME_TIME if _FRAME_TIME in dataset else _FRAME_TIMES)
    if increment == _FRAME_TIME and (step := _real(dataset, _FRAME_TIME, "DS")) is not None and step > 0:
        return [step * index for index in range(frames)]
    if increment == _FRAME_TIMES and (steps := dataset.numbers(_FRAME_TIMES, "DS", frames)) is not None and len(steps) == frames:
        return [time - steps[0] for time in accumulate(steps)]
    return []


def _time_dimension(dataset: DataSet) -> int | None:
    """Which of a frame's dimension indices counts times (PS3.3, C.7.6.17)."""
    for place, item in enumerate(dataset.items(_DIMENSIONS, _MOST_DIMENSIONS, frozenset((_DIMENSION_POINTER,)))):
        pointer = item.raw(_DIMENSION_POINTER, 4)
        if len(pointer) == 4:
            group, number = unpack_from("<HH" if item.elements[_DIMENSION_POINTER].encoding.little else ">HH", pointer)
            if group << 16 | number in _TIME_DIMENSIONS:
                return place
    return None


def _digest(identifier: str) -> str:
    """Distinguishes identifiers without keeping them, as a UID may lead to the patient."""
    return hashlib.sha256(identifier.encode()).hexdigest()[:16] if identifier else ""


def _numbers(dataset: DataSet, tag: int, count: int) -> tuple[float, ...] | None:
    numbers = dataset.numbers(tag, "DS", count)
    if numbers is None or len(numbers) != count or any(abs(number) > _LARGEST_NUMBER for number in numbers):
        return None
    return numbers


def _real(dataset: DataSet, tag: int, vr: str) -> float | None:
    number = dataset.number(tag, vr)
    return number if number is not None and abs(number) <= _LARGEST_NUMBER else None


def _number(dataset: DataSet, tag: int, vr: str = "IS") -> int | None:
    number = _real(dataset, tag, vr)
    return None if number is None else int(number)


def _normal(orientation: tuple[float, ...] | None) -> tuple[float, float, float] | None:
    """Unit normal of the slice, from the directions of its rows and columns (PS3.3, C.7.6.2.1.1)."""
    if orientation is None:
        return None
    a, b, c, d, e, f = orientation
    x, y, z = b * f - c * e, c * d - a * f, a * e - b * d
    length = math.hypot(x, y, z)
    if length < 0.5:  # the directions must be perpendicular unit vectors
        return None
    return x / length, y / length, z / length


def _seconds(time: str) -> float | None:
    """Seconds of a DICOM time ``HHMMSS.FFFFFF``; shorter forms omit the end, old ones have colons.

    >>> _seconds("083920.5"), _seconds("0839"), _seconds("08:39:20"), _seconds("noon")
    (31160.5, 31140.0, 31160.0, None)
    """
    match = re.fullmatch(r"(\d\d):?(?:(\d\d):?(\d\d(?:\.\d+)?)?)?", time.strip())
    if match is None:
        return None
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + seconds


def _seconds_of_date_time(moment: str) -> float | None:
    """Seconds within the day of a DICOM date and time, ``YYYYMMDDHHMMSS.FFFFFF`` and the offset from UTC.

    >>> _seconds_of_date_time("20200131083920.5+0100"), _seconds_of_date_time("20200131")
    (31160.5, None)
    """
    match = re.fullmatch(r"\d{8}([\d.]+)([+-]\d{4})?", moment.strip())
    return None if match is None else _seconds(match[1])
