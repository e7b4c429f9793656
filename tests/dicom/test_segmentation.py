"""Segmentations, read back by highdicom, and pixel by pixel by pydicom alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import highdicom as hd
import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import Dataset

from tests.dicom.check import reread
from tests.dicom.sources import CASES, MADE, SHAPE, US, blob, cine, heart, maker, shot, slice_of_heart, source, two_lesions, uid
from usseg_monai.dicom.case import Case
from usseg_monai.dicom.segmentation import segmentations
from usseg_monai.dicom.tables import TYPES
from usseg_monai.errors import UsageError

Masks = dict[tuple[str, int], npt.NDArray[Any]]


def union(dataset: Dataset) -> Masks:
    """Pixels of a segmentation by instance and frame of the source; segments of one picture are joined."""
    found: Masks = {}
    pixels = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
    for group, frame in zip(dataset.PerFrameFunctionalGroupsSequence, pixels, strict=True):
        image = group.DerivationImageSequence[0].SourceImageSequence[0]
        key = str(image.ReferencedSOPInstanceUID), int(image.get("ReferencedFrameNumber", 1))
        found[key] = np.maximum(found[key], frame) if key in found else frame
    return found


@pytest.mark.parametrize("seg", TYPES)
@pytest.mark.parametrize("name", CASES)
def test_every_pixel_comes_back_at_its_instance_and_frame(name: str, seg: str) -> None:
    build, task = CASES[name]
    case = build()
    if seg == "fractional":
        probable = [lambda shot=shot: np.float32(0.8) * shot.mask for shot in case.shots]
        case = replace(case, shots=[replace(shot, probability=read) for shot, read in zip(case.shots, probable, strict=True)])
    full = 204 if seg == "fractional" else 1
    found: Masks = {}
    for made in segmentations(case, maker(task), seg):
        assert made.dataset.SegmentationType == TYPES[seg]
        found |= union(reread(made.dataset))
    wanted = {(str(shot.elements.SOPInstanceUID), shot.frame + 1): shot.mask for shot in case.shots if shot.mask.any()}
    assert found.keys() == wanted.keys()
    for key, mask in wanted.items():
        assert (found[key] != 0).astype(np.uint8).tobytes() == mask.tobytes()
        assert set(np.unique(found[key])) <= ({0, full} if seg != "labelmap" else set(range(4)))


def test_nothing_found_gives_no_segmentation() -> None:
    assert segmentations(CASES["empty"][0](), maker("fetal_head")) == []


def test_each_lesion_is_a_segment_and_specks_are_one_more() -> None:
    case = two_lesions()
    dataset = reread(segmentations(case, maker("breast"))[0].dataset)
    assert [segment.SegmentLabel for segment in dataset.SegmentSequence] == ["lesion 1", "lesion 2", "lesion 3"]
    assert [int(frame.sum()) for frame in dataset.pixel_array] == [*(part["area_px"] for part in case.shots[0].measurement.parts), 4]


def test_highdicom_reads_a_stack_with_its_geometry() -> None:
    case = heart()
    made = segmentations(case, maker("left_ventricle"))
    assert [thing.part for thing in made] == ["end_diastole", "end_systole"]
    for thing, indices in zip(made, (range(5), range(5, 9)), strict=True):
        read = hd.seg.Segmentation.from_dataset(reread(thing.dataset))
        instances = [case.shots[index].elements.SOPInstanceUID for index in indices]
        pixels = read.get_pixels_by_source_instance(instances, combine_segments=True)
        assert (pixels == np.stack([case.shots[index].mask for index in indices])).all()
        volume = read.get_volume(combine_segments=True)
        assert np.abs(np.sort(volume.spacing) - [1.5, 1.5, 8]).max() < 1e-6
        positions = [group.PlanePositionSequence[0].ImagePositionPatient for group in read.PerFrameFunctionalGroupsSequence]
        wanted = [case.shots[index].elements.ImagePositionPatient for index in indices]
        order = [list(map(str, instances)).index(key) for key, _ in union(reread(thing.dataset))]
        assert np.abs(np.array(positions, float) - np.array([wanted[index] for index in order], float)).max() < 1e-6
        orientation = read.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient
        assert np.abs(np.array(orientation, float) - [1, 0, 0, 0, 0.8, 0.6]).max() < 1e-6


def test_a_stack_whose_slices_are_series_of_their_own_refers_to_each() -> None:
    """As many scanners write it: one series for each slice."""
    shots = [
        shot("left_ventricle", slice_of_heart(number, 0, SeriesInstanceUID=uid("series of slice", number)), blob((64, 64), 32, 30, 9, 9))
        for number in range(3)
    ]
    dataset = reread(segmentations(Case(MADE, shots, {"end diastole": range(3)}), maker("left_ventricle"))[0].dataset)
    found = {
        str(item.ReferencedSOPInstanceUID): str(series.SeriesInstanceUID)
        for series in dataset.ReferencedSeriesSequence
        for item in series.ReferencedInstanceSequence
    }
    assert found == {str(made.elements.SOPInstanceUID): str(made.elements.SeriesInstanceUID) for made in shots}
    assert dataset.FrameOfReferenceUID == uid("frame of reference")


def test_frames_that_show_nothing_are_left_out_and_the_others_say_which_they_are() -> None:
    dataset = reread(segmentations(cine(), maker("nerve"))[0].dataset)
    assert dataset.NumberOfFrames == 27 and (str(cine().shots[0].elements.SOPInstanceUID), 1) not in union(dataset)
    groups = dataset.PerFrameFunctionalGroupsSequence
    assert [list(group.FrameContentSequence[0].DimensionIndexValues) for group in groups[:2]] == [[1, 1], [1, 2]]
    assert dataset.DimensionIndexSequence[1].DimensionIndexPointer == 0x00209128
    series = dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0]
    assert series.ReferencedSOPClassUID == cine().shots[0].elements.SOPClassUID


def test_who_made_it_is_said() -> None:
    case = CASES["head"][0]()
    dataset = segmentations(case, maker("fetal_head"))[0].dataset
    segment = dataset.SegmentSequence[0]
    assert segment.SegmentAlgorithmType == "AUTOMATIC"
    assert segment.SegmentationAlgorithmIdentificationSequence[0].AlgorithmParameters == f"weights_sha256={'ab' * 32}"
    assert (dataset.ManufacturerModelName, dataset.DeviceSerialNumber, dataset.ContentQualification) == (
        "usseg-monai",
        "ab" * 8,
        "RESEARCH",
    )
    assert (dataset.PatientName, dataset.StudyInstanceUID) == ("Test^Patient", case.shots[0].elements.StudyInstanceUID)
    assert dataset.SeriesInstanceUID != case.shots[0].elements.SeriesInstanceUID
    corrected = segmentations(replace(case, shots=[replace(case.shots[0], corrected=True)]), maker("fetal_head"))[0].dataset
    assert corrected.SegmentSequence[0].SegmentAlgorithmType == "SEMIAUTOMATIC" and "by hand" in corrected.ContentDescription
    assert corrected.SOPInstanceUID != dataset.SOPInstanceUID


def test_names_keep_their_letters() -> None:
    elements = source(US, "latin", SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Käthe")
    case = Case(MADE, [shot("nerve", elements, blob(SHAPE, 60, 80, 20, 20))])
    assert reread(segmentations(case, maker("nerve"))[0].dataset).PatientName == "Müller^Käthe"


def test_fractions_need_probabilities() -> None:
    with pytest.raises(UsageError, match="--save mask,probability"):
        segmentations(CASES["head"][0](), maker("fetal_head"), "fractional")
