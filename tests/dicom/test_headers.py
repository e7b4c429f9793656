"""Headers that scanners, archives and anonymizers leave."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.dicom.sources import US, slice_of_heart, source, uid
from usseg_monai.dicom.headers import cured, frames_of, read_header, share_frame_of_reference
from usseg_monai.errors import ImageError


def test_a_clean_header_needs_no_cure_and_is_not_changed() -> None:
    elements = source(US, "clean")
    before = elements.to_json()
    header = cured(elements)
    assert header.cures == () and elements.to_json() == before
    assert "PixelData" not in header.elements and header.elements.PatientID == "P1"


def test_times_that_are_none_are_emptied_in_sequences_too_and_the_source_keeps_them() -> None:
    elements = source(US, "anonymized", StudyDate="20120000", StudyTime="99", ContentTime="101010")
    step = Dataset()
    step.ScheduledProcedureStepStartDate = "tomorrow"
    elements.RequestAttributesSequence = Sequence([step])
    header = cured(elements)
    assert header.elements.StudyDate == header.elements.StudyTime == "" and header.elements.ContentTime == "101010"
    assert header.elements.RequestAttributesSequence[0].ScheduledProcedureStepStartDate == ""
    assert header.cures == (
        "StudyDate is no date: left empty",
        "StudyTime is no time: left empty",
        "ScheduledProcedureStepStartDate is no date: left empty",
    )
    assert elements.StudyDate == "20120000" and step.ScheduledProcedureStepStartDate == "tomorrow"


def test_what_must_be_there_is_added_empty() -> None:
    elements = source(US, "bare", PatientSex="FEMALE")
    for keyword in ("PatientBirthDate", "StudyID"):
        delattr(elements, keyword)
    header = cured(elements)
    assert header.cures == ("StudyID, PatientBirthDate missing: added, empty", "PatientSex is none of M, F, O: left empty")
    assert header.elements.StudyID == header.elements.PatientBirthDate == header.elements.PatientSex == ""


def test_group_lengths_and_private_elements_are_not_carried_over() -> None:
    elements = source(US, "private")
    elements.add_new(0x00080000, "UL", 400)
    elements.add_new(0x00090010, "LO", "SECRET")
    assert not {0x00080000, 0x00090010} & {int(element.tag) for element in cured(elements).elements}


def test_a_frame_of_reference_needs_a_position() -> None:
    header = cured(source(US, "volume", FrameOfReferenceUID="1.2.3"))
    assert "FrameOfReferenceUID" not in header.elements and header.cures == ("a frame of reference without a position: not carried over",)


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "StudyInstanceUID", "Rows"])
def test_a_header_without_identifiers_is_refused(keyword: str) -> None:
    elements = source(US, "nameless")
    delattr(elements, keyword)
    with pytest.raises(ImageError, match=f"the header lacks {keyword}"):
        cured(elements)


def test_frames_are_counted_whatever_the_header_says() -> None:
    counts = []
    for value in ("30", "", None, "0"):
        elements = Dataset()
        elements.NumberOfFrames = value
        counts.append(frames_of(elements))
    assert counts == [30, 1, 1, 1] and frames_of(Dataset()) == 1


def test_slices_share_a_frame_of_reference_only_where_they_agree() -> None:
    headers = [cured(slice_of_heart(number, 0)) for number in range(3)]
    assert share_frame_of_reference(headers) == headers
    for number, header in enumerate(headers):
        header.elements.FrameOfReferenceUID = uid("own", number)
    shared = share_frame_of_reference(headers)
    references = {header.elements.FrameOfReferenceUID for header in shared}
    assert len(references) == 1 and not references & {header.elements.FrameOfReferenceUID for header in headers}
    assert all("one frame of reference" in header.cures[-1] for header in shared)
    assert references == {header.elements.FrameOfReferenceUID for header in share_frame_of_reference(headers)}  # the same again
    headers[1].elements.ImageOrientationPatient = [1, 0, 0, 0, 0.800001, 0.6]
    close = share_frame_of_reference(headers)
    assert {tuple(header.elements.ImageOrientationPatient) for header in close} == {(1, 0, 0, 0, 0.8, 0.6)}
    assert close[0].cures[-1] == "one direction for slices that differ in its last digit"
    headers[1].elements.ImageOrientationPatient = [0, 1, 0, 1, 0, 0]
    assert share_frame_of_reference(headers) == headers


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(600))
    (tmp_path / "cut").write_bytes(bytes(128) + b"DICM" + b"\x08\x00\x16\x00UI\xff\xff" + b"1.2")
    with pytest.raises(ImageError, match="not a DICOM file"):
        read_header(tmp_path / "a.png")
    with pytest.raises(ImageError, match="header"):
        read_header(tmp_path / "cut")
    with pytest.raises(ImageError, match="cannot be read"):
        read_header(tmp_path / "missing")
