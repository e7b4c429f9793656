"""A folder from an archive or a disk: images beside objects of our own and of others, none of which is predicted or fails."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.fileset import FileSet
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

from tests.dicom.runs import heads, predict, save, stack
from tests.dicom.sources import uid
from usseg_monai.dicom.run import make_run
from usseg_monai.dicom.tables import KINDS
from usseg_monai.runs.accounts import read_accounts

EXPECTED = {
    "SEG": "a segmentation",
    "SR": "a structured report",
    "KO": "a key object selection",
    "PR": "a presentation state",
    "SC": "a secondary capture",
    "PDF": "an encapsulated PDF",
}


def others(folder: Path, image: pydicom.Dataset) -> None:
    """Objects of another workstation, about one image of the folder."""
    series: dict[str, Any] = {"series_number": 7, "instance_number": 1, "manufacturer": "Workstation"}
    device: dict[str, Any] = {"manufacturer_model_name": "Viewer", "software_versions": "1", "device_serial_number": "9"}

    def names(kind: str) -> dict[str, Any]:
        return {"series_instance_uid": uid("other series", kind), "sop_instance_uid": uid("other", kind)}

    described = hd.seg.SegmentDescription(1, "drawn", codes.SCT.Tissue, codes.SCT.Tissue, hd.seg.SegmentAlgorithmTypeValues.MANUAL)
    mask = np.ones((1, image.Rows, image.Columns), bool)
    made: dict[str, Dataset] = {
        "SEG": hd.seg.Segmentation([image], mask, "BINARY", [described], **names("SEG"), **series, **device),
        "KO": hd.ko.KeyObjectSelectionDocument(
            [image],
            hd.ko.KeyObjectSelection(codes.DCM.OfInterest, [image]),
            **names("KO"),
            **series,
        ),
        "PR": hd.pr.GrayscaleSoftcopyPresentationState([image], content_label="X", **names("PR"), **series, **device),
        "SC": hd.sc.SCImage.from_ref_dataset(
            image, np.full((80, 90, 3), 200, np.uint8), "RGB", 8, "PATIENT", patient_orientation=("L", "P"), **names("SC"), **series
        ),
    }
    for kind, sop_class, extra in (
        ("SR", "1.2.840.10008.5.1.4.1.1.88.11", {"Modality": "SR", "ValueType": "CONTAINER"}),
        ("PDF", "1.2.840.10008.5.1.4.1.1.104.1", {"Modality": "DOC", "EncapsulatedDocument": b"%PDF-1.4"}),
    ):
        dataset = Dataset()
        dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, uid("other", kind)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = image.StudyInstanceUID, uid("other series", kind)
        dataset.PatientID, dataset.PatientName, dataset.StudyDate, dataset.StudyTime, dataset.StudyID = (
            "P1",
            "Test^Patient",
            "20260101",
            "1",
            "1",
        )
        dataset.StudyID, dataset.SeriesNumber, dataset.InstanceNumber = "1", 7, 1
        for keyword, value in extra.items():
            setattr(dataset, keyword, value)
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        made[kind] = dataset
    for kind, dataset in made.items():
        save(dataset, folder / f"other_{kind}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three images, everything that `usseg dicom` makes of them, and what another workstation made, beside a DICOMDIR."""
    place = tmp_path_factory.mktemp("study")
    predict("fetal_head", heads(place / "images"), place / "first")
    outcome = make_run(place / "first", [place / "images"], KINDS)
    assert not outcome.failed and {str(row["kind"]) for row in outcome.objects} == set(KINDS)
    disk = place / "disk"
    for number, file in enumerate(sorted([*(place / "images").iterdir(), *(place / "first" / "dicom").glob("*.dcm")])):
        disk.mkdir(exist_ok=True)
        (disk / f"IM{number:04d}").write_bytes(file.read_bytes())
    others(disk, pydicom.dcmread(place / "images" / "a.dcm"))
    files = FileSet()
    files.add(place / "images" / "a.dcm")
    files.write(place / "set")
    (disk / "DICOMDIR").write_bytes((place / "set" / "DICOMDIR").read_bytes())
    (disk / "README.TXT").write_text("viewer")
    return disk


def test_nothing_but_images_is_predicted_and_nothing_fails(folder: Path, tmp_path: Path) -> None:
    summary = predict("fetal_head", folder, tmp_path / "out")
    assert (summary.done, summary.failed) == (3, 0)
    skipped = {account.file: account.reason for account in read_accounts(tmp_path / "out") if account.state == "skipped"}
    assert len(skipped) == len(list(folder.iterdir())) - 3 - 1  # all but the images and the text
    for kind, words in EXPECTED.items():
        assert words in skipped[f"other_{kind}"]
    assert "DICOMDIR" in skipped["DICOMDIR"]
    assert sum("usseg-monai made of its results" in reason for reason in skipped.values()) == 3  # our captures


def test_the_second_result_of_a_study_is_that_of_the_first(folder: Path, tmp_path: Path) -> None:
    """The objects of the second run are those of the first: an archive keeps each once."""
    predict("fetal_head", folder, tmp_path / "out")
    outcome = make_run(tmp_path / "out", [folder])
    before = {pydicom.dcmread(file, stop_before_pixels=True).SOPInstanceUID for file in folder.glob("IM*")}
    assert {row["sop_instance_uid"] for row in outcome.objects} <= before and len(outcome.objects) == 5


def test_a_stack_with_its_own_objects_beside_it_stays_one_stack(tmp_path: Path) -> None:
    images = stack(tmp_path / "in" / "heart")
    first = predict("left_ventricle", tmp_path / "in", tmp_path / "out")
    make_run(tmp_path / "out", [tmp_path / "in"], ["seg", "sr", "gsps", "sc", "pdf"])
    for number, file in enumerate(sorted((tmp_path / "out" / "dicom").glob("*.dcm"))):
        (images / f"again{number}").write_bytes(file.read_bytes())
    again = predict("left_ventricle", tmp_path / "in", tmp_path / "second")
    assert again.studies == first.studies and again.failed == 0 and again.done == first.done


def test_objects_named_by_the_user_fail_with_the_reason(folder: Path, tmp_path: Path) -> None:
    from usseg_monai.errors import ImageError
    from usseg_monai.imaging import read_image

    with pytest.raises(ImageError, match="a segmentation"):
        read_image(folder / "other_SEG")
    with pytest.raises(ImageError, match="made from other images"):
        read_image(io.BytesIO((folder / "other_SC").read_bytes()).getvalue())
