"""Results on paper: a PDF in a DICOM object (Encapsulated PDF), one page for each picture with a structure.

A PDF is paper: it names patient and study as the source did when it was made.
"""

from __future__ import annotations

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, EncapsulatedPDFStorage, ExplicitVRLittleEndian

from usseg_monai.dicom.case import Case, Maker, image_of
from usseg_monai.dicom.common import MANUFACTURER, Made, concept, equipment, identifiers, settle
from usseg_monai.dicom.headers import shallow_copy
from usseg_monai.report.sheet import Sheet, draw_sheets
from usseg_monai.tasks.codes import Code

__all__ = ["document"]

_TITLE = Code("126000", "DCM", "Imaging Measurement Report")  # CID 7021
_CARRIED = (0x0010, 0x0012)  # groups of the patient and of clinical trials
_STUDY = ("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName", "StudyDescription")


def document(case: Case, maker: Maker) -> Made:
    """The document of a case.

    Raises:
        ImageError: a picture cannot be read.
    """
    source = case.shots[0].elements
    dataset = Dataset()
    for element in shallow_copy(source):
        if element.tag.group in _CARRIED or element.keyword in _STUDY:
            dataset.add(element)
    uids, device = identifiers(case, maker, "pdf"), equipment(maker)
    dataset.SOPClassUID, dataset.SOPInstanceUID = EncapsulatedPDFStorage, UID(uids["sop_instance_uid"])
    dataset.SeriesInstanceUID, dataset.SeriesNumber = uids["series_instance_uid"], uids["series_number"]
    dataset.InstanceNumber, dataset.Modality, dataset.ConversionType = 1, "DOC", "WSD"
    dataset.Manufacturer, dataset.ManufacturerModelName = device["manufacturer"], device["manufacturer_model_name"]
    dataset.SoftwareVersions, dataset.DeviceSerialNumber = device["software_versions"], device["device_serial_number"]
    dataset.InstanceCreationDate = dataset.InstanceCreationTime = dataset.ContentDate = dataset.ContentTime = ""  # see `settle`
    dataset.AcquisitionDateTime = ""
    dataset.BurnedInAnnotation = "YES"  # the pages name the patient
    dataset.DocumentTitle = f"{MANUFACTURER}: {maker.task.title.partition(':')[0]}"
    dataset.ConceptNameCodeSequence = [concept(_TITLE)]
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    sources = []
    for elements in case.headers:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = elements.SOPClassUID, elements.SOPInstanceUID
        sources.append(item)
    dataset.SourceInstanceSequence = sources
    pdf = _pdf(case, maker)
    dataset.EncapsulatedDocumentLength = len(pdf)
    dataset.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID, dataset.file_meta.MediaStorageSOPInstanceUID = EncapsulatedPDFStorage, dataset.SOPInstanceUID
    return Made("pdf", settle(dataset, case, maker, "pdf"))


def _pdf(case: Case, maker: Maker) -> bytes:
    """The pages; each names the patient, since it may be printed."""
    source = case.shots[0].elements
    patient = ", ".join(str(source[keyword].value) for keyword in ("PatientName", "PatientID", "StudyDate") if source[keyword].value)
    sheets = []
    for shot in [shot for shot in case.shots if shot.mask.any()] or case.shots[:1]:
        place = shot.place or ("" if shot.frame_number is None else f"frame {shot.frame_number}")
        name = "; ".join(filter(None, (patient.replace("^", " "), place)))
        weights = maker.weights_sha256
        pixels = image_of(shot).pixels
        sheets.append(Sheet(maker.task, name, pixels, shot.mask, shot.measurement, shot.spacing_mm, weights, shot.corrected))
    return draw_sheets(sheets)
