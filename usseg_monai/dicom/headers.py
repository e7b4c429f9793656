"""Headers of sources as the objects made from them need them: what makes them unusable is cured, and each cure is named.

A cure never invents a value: it empties what cannot be read, and adds the empty elements that must be there.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.valuerep import DA, DT, TM

from usseg_monai.dicom.uids import make_uid
from usseg_monai.errors import ImageError, printable
from usseg_monai.imaging.formats.dicom_kind import HEAD, looks_like_dicom

__all__ = ["Header", "cured", "frames_of", "read_header", "shallow_copy", "share_frame_of_reference"]

_MUST_BE_THERE = (
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "StudyID",
    "ReferringPhysicianName",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
)
_SEXES = ("", "M", "F", "O")
_NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Rows", "Columns")
_TIMES = {"DA": DA, "TM": TM, "DT": DT}
_GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
_CLOSE = 1e-4  # cosines of the directions of slices of one stack agree so well


@dataclass(frozen=True, eq=False)
class Header:
    """The header of a source, usable.

    Attributes:
        elements: of the file, without its pixels, cured.
        cures: what was changed, for the reader of a report; never with a value of the header.
    """

    elements: Dataset
    cures: tuple[str, ...] = ()


def read_header(path: Path) -> Header:
    """Read the header of a DICOM file and cure it.

    Raises:
        ImageError: it is not DICOM, or lacks what its objects must refer to.
    """
    try:
        with path.open("rb") as file:
            if not looks_like_dicom(file.read(HEAD)):
                raise ImageError("not a DICOM file: DICOM objects refer to DICOM images; use the table and the pictures")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of broken values, which are cured
            return cured(pydicom.dcmread(path, stop_before_pixels=True, force=True))
    except ImageError:
        raise
    except OSError as error:
        raise ImageError(f"the source cannot be read ({error.strerror or error}); give its folder") from error
    except Exception as error:  # on damaged bytes pydicom raises anything
        reason = printable(" ".join(str(error).split())[:120]) or type(error).__name__
        raise ImageError(f"the header of the source is damaged ({reason}); copy or export the file again") from error


def cured(elements: Dataset) -> Header:
    """The header with what highdicom and the standard demand.

    Args:
        elements: of an image, with or without pixels; it is not changed.

    Raises:
        ImageError: identifiers or the size of the picture are missing.

    >>> source = Dataset()
    >>> for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
    ...     setattr(source, keyword, "1.2.3")
    >>> source.Rows, source.Columns, source.StudyDate = 4, 4, "20120000"
    >>> cured(source).cures[0]
    'StudyDate is no date: left empty'
    """
    lacking = [keyword for keyword in _NEEDED if not elements.get(keyword)]
    if lacking:
        raise ImageError(f"the header lacks {', '.join(lacking)}: objects could not refer to the image; export the file again")
    result, cures = _copy(elements), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for keyword in _empty_times(result):
            cures.append(f"{keyword} is no {_word(keyword)}: left empty")
        added = [keyword for keyword in _MUST_BE_THERE if keyword not in result]
        for keyword in added:
            setattr(result, keyword, "")
        if added:
            cures.append(f"{', '.join(added)} missing: added, empty")
        if str(result.PatientSex or "") not in _SEXES:
            result.PatientSex = ""
            cures.append("PatientSex is none of M, F, O: left empty")
        if "FrameOfReferenceUID" in result and frames_of(result) == 1 and not all(result.get(keyword) for keyword in _GEOMETRY):
            del result.FrameOfReferenceUID
            cures.append("a frame of reference without a position: not carried over")
    return Header(result, tuple(cures))


def frames_of(elements: Dataset) -> int:
    """Number of frames of an image."""
    try:
        return max(int(elements.get("NumberOfFrames") or 1), 1)
    except (TypeError, ValueError):
        return 1


def share_frame_of_reference(headers: Sequence[Header]) -> list[Header]:
    """Headers of one stack with one frame of reference, where an anonymizer gave each file its own, and with one direction of slices, where
    the files differ in its last digit.

    The shared identifier is made from that of the series, so that it is the same whenever it is made. Nothing changes where slices have one
    frame of reference, or differ in series, direction or size: then they are not known to share a coordinate system.
    """
    first = headers[0].elements
    changes: dict[str, tuple[object, str]] = {}
    if len({str(header.elements.get("FrameOfReferenceUID", "")) for header in headers}) > 1:
        shared = make_uid("frame of reference", first.SeriesInstanceUID)
        changes["FrameOfReferenceUID"] = shared, "one frame of reference for the slices of a series in place of one for each file"
    if len({str(header.elements.get("ImageOrientationPatient")) for header in headers}) > 1:
        changes["ImageOrientationPatient"] = first.get("ImageOrientationPatient"), "one direction for slices that differ in its last digit"
    if not changes or not all(_is_like(first, header.elements) for header in headers[1:]):
        return list(headers)
    result = []
    for header in headers:
        elements = shallow_copy(header.elements)
        for keyword, (value, _) in changes.items():
            setattr(elements, keyword, value)
        result.append(Header(elements, (*header.cures, *(cure for _, cure in changes.values()))))
    return result


def shallow_copy(elements: Dataset) -> Dataset:
    """A data set whose elements can be set and deleted without changing the other's; what `copy.copy` makes shares them."""
    result = Dataset()
    for element in elements:
        result.add(copy(element))
    return result


def _is_like(one: Dataset, other: Dataset) -> bool:
    same = all(one.get(keyword) == other.get(keyword) for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "Rows", "Columns"))
    mine, theirs = (list(map(float, elements.get("ImageOrientationPatient") or ())) for elements in (one, other))
    return same and len(mine) == len(theirs) == 6 and max(abs(a - b) for a, b in zip(mine, theirs, strict=True)) < _CLOSE


def _copy(elements: Dataset) -> Dataset:
    """A copy of the elements without those that belong to the pixels, and without group lengths and private elements."""
    result = Dataset()
    for element in elements:
        if element.tag.group % 2 == 0 and element.tag.element != 0 and element.tag.group < 0x7FE0:
            result.add(deepcopy(element) if element.VR == "SQ" else copy(element))
    if hasattr(elements, "file_meta"):
        result.file_meta = elements.file_meta
    return result


def _empty_times(elements: Dataset) -> Iterator[str]:
    """Empty all dates and times that are none, in sequences too; the keyword of each."""
    for element in list(elements):
        if element.VR == "SQ":
            for item in element.value:
                yield from _empty_times(item)
        elif element.VR in _TIMES and element.value and not all(_is_time(element.VR, value) for value in _values(element.value)):
            elements.add_new(element.tag, element.VR, "")
            yield element.keyword or str(element.tag)


def _values(value: Any) -> Sequence[Any]:
    return [value] if isinstance(value, (str, bytes)) or not isinstance(value, Sequence) else list(value)


def _is_time(kind: str, value: Any) -> bool:
    try:
        return _TIMES[kind](value) is not None
    except (ValueError, TypeError):
        return False


def _word(keyword: str) -> str:
    return "date" if "Date" in keyword and "Time" not in keyword else "time"
