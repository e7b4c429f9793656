"""Objects for the eye: presentation states, secondary captures, documents."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydicom.dataset import Dataset

from tests.dicom.check import reread
from tests.dicom.sources import CASES, MADE, SHAPE, US, blob, cine, head, heart, maker, shot, source
from usseg_monai.dicom.capture import captures
from usseg_monai.dicom.case import Case
from usseg_monai.dicom.document import document
from usseg_monai.dicom.presentation import presentation
from usseg_monai.errors import ImageError
from usseg_monai.measuring.result import Status


def lines(state: Dataset) -> list[str]:
    (text,) = state.GraphicAnnotationSequence[0].TextObjectSequence
    return str(text.UnformattedTextValue).split("\r\n")


def test_a_presentation_state_draws_what_was_measured() -> None:
    state = reread(presentation(head(), maker("fetal_head")).dataset)
    ellipse, *axes = state.GraphicAnnotationSequence[0].GraphicObjectSequence
    measured = head().shots[0].measurement
    drawn = np.array(ellipse.GraphicData).reshape(-1, 2)
    assert np.abs(drawn - (measured.outlines[0][:, ::-1] + 0.5)).max() < 1e-3 and ellipse.GraphicAnnotationUnits == "PIXEL"
    assert [axis.NumberOfGraphicPoints for axis in axes] == [2, 2]
    said = lines(state)
    assert said[0] == "Found and measured" and said[1].startswith("head circumference 140.9 mm") and said[-1].endswith("for research only")
    assert any("+/-" in line for line in said) and all(line.isascii() for line in said)


def test_a_presentation_state_of_nothing_and_of_frames_and_of_a_stack() -> None:
    state = presentation(CASES["empty"][0](), maker("fetal_head")).dataset
    assert "GraphicObjectSequence" not in state.GraphicAnnotationSequence[0] and lines(state)[0] == "Nothing was found"
    frames = presentation(cine(), maker("nerve")).dataset.GraphicAnnotationSequence
    assert [item.ReferencedImageSequence[0].ReferencedFrameNumber for item in frames] == [frame + 1 for frame in range(30) if frame % 10]
    stack = presentation(heart(), maker("left_ventricle")).dataset
    assert len(stack.GraphicAnnotationSequence) == len(stack.ReferencedSeriesSequence[0].ReferencedImageSequence) == 9


def test_color_pictures_get_a_color_presentation_state() -> None:
    state = presentation(CASES["color"][0](), maker("fetal_head")).dataset
    assert state.SOPClassUID == "1.2.840.10008.5.1.4.1.1.11.2" and len(state.ICCProfile) > 128
    own = CASES["color"][0]()
    own.shots[0].elements.ICCProfile = state.ICCProfile[:-2] + b"xx"
    assert presentation(own, maker("fetal_head")).dataset.ICCProfile.endswith(b"xx")


def test_a_capture_is_the_overlay_and_says_what_it_was_made_of() -> None:
    elements = source(US, "lossy", BurnedInAnnotation="YES", LossyImageCompression="01")
    case = Case(MADE, [shot("fetal_head", elements, blob(SHAPE, 60, 80, 40, 52))])
    (made,) = captures(case, maker("fetal_head"))
    dataset = reread(made.dataset)
    assert dataset.pixel_array.shape[2] == 3 and dataset.pixel_array.std() > 10
    assert (dataset.ConversionType, dataset.BurnedInAnnotation, dataset.LossyImageCompression) == ("WSD", "YES", "01")
    assert dataset.SourceImageSequence[0].ReferencedSOPInstanceUID == elements.SOPInstanceUID and not dataset.PatientOrientation


def test_captures_of_frames_and_slices_are_numbered() -> None:
    film = replace(cine(), shots=cine().shots[9:12])
    made = captures(film, maker("nerve"))
    assert [thing.part for thing in made] == ["frame009", "frame010", "frame011"]
    assert [thing.dataset.SourceImageSequence[0].ReferencedFrameNumber for thing in made] == [10, 11, 12]
    assert captures(heart(), maker("left_ventricle"))[6].part == "end_systole_slice_1"


def test_a_document_has_a_page_for_each_picture_with_a_structure() -> None:
    dataset = reread(document(heart(), maker("left_ventricle")).dataset)
    pdf = dataset.EncapsulatedDocument[: dataset.EncapsulatedDocumentLength]
    assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF") and pdf.count(b"/Type /Page\n") == 9
    assert dataset.MIMETypeOfEncapsulatedDocument == "application/pdf" and len(dataset.SourceInstanceSequence) == 10
    empty = document(CASES["empty"][0](), maker("fetal_head")).dataset.EncapsulatedDocument
    assert empty.count(b"/Type /Page\n") == 1


def test_what_is_not_to_be_believed_says_so() -> None:
    unlike = replace(head().shots[0], measurement=replace(head().shots[0].measurement, status=Status.UNLIKE_TRAINING_DATA), corrected=True)
    assert lines(presentation(Case(MADE, [unlike]), maker("fetal_head")).dataset)[0] == "Not to be believed, corrected by hand"


def test_a_picture_that_is_not_known_cannot_be_shown() -> None:
    blind = Case(MADE, [replace(head().shots[0], image=None)])
    for make in (captures, document):
        with pytest.raises(ImageError, match="make seg, sr or gsps"):
            make(blind, maker("fetal_head"))
