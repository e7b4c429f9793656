"""Where and when slices were taken, by every way in which DICOM says so."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.imaging.samples import dicom_bytes, dicom_with_raw, picture
from usseg_monai.imaging import Limits, Place
from usseg_monai.imaging.formats.dicom import open_dicom

AXIAL = [1, 0, 0, 0, 1, 0]


def place(**elements: Any) -> Place:
    return places(1, **elements)[0]


def places(frames: int, **elements: Any) -> list[Place]:
    pixels = picture() if frames == 1 else np.stack([picture()] * frames)
    opened = open_dicom(dicom_bytes(pixels, **elements), Limits())
    assert opened.place is not None and opened.count == frames
    return [opened.place(index) for index in range(frames)]


def item(**elements: Any) -> Dataset:
    dataset = Dataset()
    for name, value in elements.items():
        setattr(dataset, name, value)
    return dataset


def group(**sequences: Dataset) -> Dataset:
    return item(**{name: Sequence([content]) for name, content in sequences.items()})


def test_only_codes_of_modalities_are_kept() -> None:
    found = [place(Modality=stated).modality for stated in ("MR", "US", "SC", "MUELLER", "MRX", "")]
    assert found == ["MR", "US", "SC", "", "", ""]


def test_a_classic_slice() -> None:
    found = place(
        Modality="MR",
        StudyInstanceUID="1.2.3",
        SeriesInstanceUID="1.2.4",
        SOPInstanceUID="1.2.5",
        ImagePositionPatient=[1, 2, -3],
        ImageOrientationPatient=AXIAL,
        TriggerTime=40.5,
        InstanceNumber=7,
        AcquisitionTime="083920.5",
        ContentTime="083921",
        SeriesTime="083900",
        TemporalPositionIdentifier=3,
        CardiacNumberOfImages=20,
    )
    study, series, instance = (hashlib.sha256(uid).hexdigest()[:16] for uid in (b"1.2.3", b"1.2.4", b"1.2.5"))
    times: dict[str, Any] = {"time_ms": 40.5, "acquired_s": 31160.5, "temporal_index": 3, "content_s": 31161.0, "series_s": 31140.0}
    where: dict[str, Any] = {"position_mm": (1, 2, -3), "normal": (0, 0, 1), "orientation": tuple(AXIAL)}
    assert found == Place("MR", study, series, instance=instance, number=7, phases=20, **times, **where)


def test_a_header_that_says_nothing() -> None:
    assert place(SOPInstanceUID=None) == Place()
    assert place(SOPInstanceUID="", StudyInstanceUID="", SeriesInstanceUID="", ContentTime="", InstanceNumber="") == Place()


@pytest.mark.parametrize(
    ("elements", "seconds"),
    [
        ({"AcquisitionTime": "1030"}, 37800.0),
        ({"AcquisitionDateTime": "20200131103000.25"}, 37800.25),
        ({"AcquisitionTime": "1031", "AcquisitionDateTime": "20200131103000"}, 37860.0),
        ({"AcquisitionDateTime": "20200131"}, None),
    ],
)
def test_time_of_the_acquisition(elements: dict[str, str], seconds: float | None) -> None:
    assert place(**elements).acquired_s == seconds


@pytest.mark.parametrize(
    ("tag", "vr", "value", "name", "expected"),
    [
        (0x00181060, "DS", b"40,5", "time_ms", 40.5),
        (0x00181060, "DS", b"now ", "time_ms", None),
        (0x00181060, "DS", b"-1e20 ", "time_ms", None),
        (0x00181060, "FD", np.float64(40).tobytes(), "time_ms", 40.0),
        (0x00181060, "DS", b"1\\2 ", "time_ms", None),
        (0x00200013, "IS", b"x\\y ", "number", None),
        (0x00200013, "IS", b"7.0 ", "number", 7),
        (0x00200013, "UN", b"7 ", "number", 7),
        (0x00200100, "LO", b"4 ", "temporal_index", 4),
        (0x00080033, "TM", b"10:30:00", "content_s", 37800.0),
        (0x00080033, "TM", b"late", "content_s", None),
        (0x00080032, "DS", b"\xff\xff", "acquired_s", None),
        (0x00181090, "IS", b"nan ", "phases", None),
        (0x00200032, "DS", b"1\\2 ", "position_mm", None),
        (0x00200032, "DS", b"1\\2\\1e300", "position_mm", None),
        (0x00200032, "DS", b"1\\2,5\\3 ", "position_mm", (1, 2.5, 3)),
        (0x00200037, "DS", b"1\\0\\0\\0\\1", "normal", None),
        (0x00200037, "DS", b"1\\0\\0\\1\\0\\0", "normal", None),
        (0x0020000E, "UI", b"not a uid\0", "series", hashlib.sha256(b"not a uid").hexdigest()[:16]),
        (0x0020000E, "UI", b"\0\0", "series", ""),
    ],
)
def test_odd_values_say_nothing_or_what_they_can(tag: int, vr: str, value: bytes, name: str, expected: object) -> None:
    opened = open_dicom(dicom_with_raw(picture(), tag, vr, value), Limits())
    assert opened.place is not None and getattr(opened.place(0), name) == expected
    np.testing.assert_array_equal(opened.load(0), picture())


def enhanced(frames: int, **own: Any) -> dict[str, Any]:
    """Three slices 10 mm apart, the rest phases; orientation and pixel size are shared."""
    groups = []
    for index in range(frames):
        content = {name: value(index) for name, value in own.items() if name != "CardiacSynchronizationSequence"}
        sequences = {
            "PlanePositionSequence": item(ImagePositionPatient=[0, 0, 10 * (index % 3)]),
            "FrameContentSequence": item(**content),
        }
        if "CardiacSynchronizationSequence" in own:
            sequences["CardiacSynchronizationSequence"] = own["CardiacSynchronizationSequence"](index)
        groups.append(group(**sequences))
    shared = group(PlaneOrientationSequence=item(ImageOrientationPatient=AXIAL), PixelMeasuresSequence=item(PixelSpacing=[0.7, 0.8]))
    return {
        "Modality": "MR",
        "SharedFunctionalGroupsSequence": Sequence([shared]),
        "PerFrameFunctionalGroupsSequence": Sequence(groups),
    }


def test_an_enhanced_cine_in_one_file() -> None:
    elements = enhanced(
        6,
        CardiacSynchronizationSequence=lambda index: item(NominalCardiacTriggerDelayTime=50.0 * (index // 3)),
        TemporalPositionIndex=lambda index: index // 3 + 1,
        FrameAcquisitionDateTime=lambda index: f"2020013110{index:02d}00",
    )
    found = places(6, SOPInstanceUID="1.2", InstanceNumber=1, **elements)
    assert [one.position_mm for one in found] == [(0, 0, 10 * (index % 3)) for index in range(6)]
    assert [one.time_ms for one in found] == [0, 0, 0, 50, 50, 50]
    assert [one.temporal_index for one in found] == [1, 1, 1, 2, 2, 2]
    assert [one.acquired_s for one in found] == [36000 + 60 * index for index in range(6)]
    assert [one.number for one in found] == list(range(6))
    assert {one.normal for one in found} == {(0, 0, 1)} and len({one.instance for one in found}) == 6


def test_frames_of_several_files_of_a_series_are_numbered_one_after_the_other() -> None:
    assert [one.number for one in places(3, InstanceNumber=4, **enhanced(3))] == [9, 10, 11]


def test_spacing_of_each_frame() -> None:
    elements = enhanced(3)
    elements["PerFrameFunctionalGroupsSequence"][1].PixelMeasuresSequence = Sequence([item(PixelSpacing=[0.1, 0.2])])
    elements["PerFrameFunctionalGroupsSequence"][2].PixelMeasuresSequence = Sequence([item(PixelSpacing=["0.1"])])
    opened = open_dicom(dicom_bytes(np.stack([picture()] * 3), PixelSpacing=[9, 9], **elements), Limits())
    assert opened.frame_spacing is not None
    assert [opened.frame_spacing(index) for index in range(3)] == [(0.7, 0.8), (0.1, 0.2), (9, 9)]


@pytest.mark.parametrize("pointer", [0x00209128, 0x00209153])
def test_phases_that_only_the_dimension_indices_count(pointer: int) -> None:
    dimensions = Sequence([item(DimensionIndexPointer=0x00209057), item(DimensionIndexPointer=pointer)])
    found = places(6, DimensionIndexSequence=dimensions, **enhanced(6, DimensionIndexValues=lambda index: [index % 3 + 1, index // 3 + 1]))
    assert [one.temporal_index for one in found] == [1, 1, 1, 2, 2, 2]


def test_times_of_legacy_objects_and_of_volumes() -> None:
    elements = enhanced(2)
    for index, own in enumerate(elements["PerFrameFunctionalGroupsSequence"]):
        own.UnassignedPerFrameConvertedAttributesSequence = Sequence([item(TriggerTime=20 + index)])
    assert [one.time_ms for one in places(2, **elements)] == [20, 21]
    for index, own in enumerate(elements["PerFrameFunctionalGroupsSequence"]):
        own.TemporalPositionSequence = Sequence([item(TemporalPositionTimeOffset=0.5 * index)])
    assert [one.time_ms for one in places(2, **elements)] == [0, 500]


def test_phases_by_their_part_of_the_beat() -> None:
    elements = enhanced(6, CardiacSynchronizationSequence=lambda index: item(NominalPercentageOfCardiacPhase=25.0 * (index // 3)))
    assert [one.temporal_index for one in places(6, **elements)] == [0, 0, 0, 25, 25, 25]


def test_a_time_that_holds_for_all_frames_of_an_enhanced_file() -> None:
    found = places(3, TriggerTime=80, TemporalPositionIdentifier=4, **enhanced(3))
    assert {(one.time_ms, one.temporal_index) for one in found} == {(80, 4)}


def test_fewer_groups_than_frames() -> None:
    elements = enhanced(2)
    found = places(3, **elements)
    assert found[2].position_mm is None and found[2].normal == (0, 0, 1) and found[2].number == 2


@pytest.mark.parametrize(
    ("elements", "times"),
    [
        ({"FrameTime": "40", "FrameIncrementPointer": 0x00181063}, [0, 40, 80]),
        ({"FrameTime": "40"}, [0, 40, 80]),
        ({"FrameTimeVector": [0, 40, 45], "FrameIncrementPointer": 0x00181065}, [0, 40, 85]),
        ({"FrameTimeVector": [5, 40, 45]}, [0, 40, 85]),
        ({"FrameTimeVector": [0, 40], "FrameIncrementPointer": 0x00181065}, [None] * 3),
        ({"FrameTime": "0"}, [None] * 3),
        ({"FrameIncrementPointer": 0x00182005, "FrameTime": "40"}, [None] * 3),  # slices, not times
        ({}, [None] * 3),
    ],
)
def test_a_classic_cine(elements: dict[str, Any], times: list[float | None]) -> None:
    found = places(3, ImagePositionPatient=[1, 2, 3], ImageOrientationPatient=AXIAL, **elements)
    assert [one.time_ms for one in found] == times
    assert {one.position_mm for one in found} == {(1, 2, 3) if times[0] is not None else None}  # where frames are times, one place holds
    assert [one.number for one in found] == [0, 1, 2]


@pytest.mark.parametrize(("stated", "read"), [(301, 301), (None, None), ("12", 12)])
def test_number_of_the_series(stated: int | str | None, read: int | None) -> None:
    assert place(SeriesNumber=stated).series_number == read


@pytest.mark.parametrize(("number", "known"), [(-2147483648, True), (-2147483649, False), (2147483648, True), (2147483649, False)])
def test_how_large_a_number_may_be(number: int, known: bool) -> None:
    found = place(TriggerTime=number, ImagePositionPatient=[1, number, 3])
    assert (found.time_ms, found.position_mm) == ((number, (1, number, 3)) if known else (None, None))
