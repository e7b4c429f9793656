"""What all objects share: equipment, identifiers, times, references."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from highdicom import AlgorithmIdentificationSequence
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset

from usseg_monai.dicom.case import Case, Maker
from usseg_monai.dicom.tables import KINDS
from usseg_monai.imaging.formats.dicom_objects import OUR_MODEL
from usseg_monai.tasks.codes import OWN_SCHEME, Code

__all__ = ["MANUFACTURER", "Made", "algorithm", "concept", "equipment", "identifiers", "leave_empty", "settle"]

MANUFACTURER = OUR_MODEL
"""Manufacturer and model of all objects; by it they are recognized where they come back as inputs."""

_AI = Code("123110", "DCM", "Artificial Intelligence")  # CID 7162
_SERIAL = 16  # digits of the weights' SHA-256


@dataclass(frozen=True, eq=False)
class Made:
    """An object.

    Attributes:
        kind: as on the command line.
        dataset: with file meta information, ready to be saved or sent.
        part: which of several objects of one kind it is, as in a file name; empty for the only one.
    """

    kind: str
    dataset: Dataset
    part: str = ""


def concept(code: Code) -> CodedConcept:
    """The code as highdicom has it."""
    return CodedConcept(*code)


def identifiers(case: Case, maker: Maker, kind: str, part: str = "", number: int = 1) -> dict[str, Any]:
    """Series and instance of an object: objects of one kind from one series are one series."""
    series = case.shots[0].elements.SeriesInstanceUID
    return {
        "series_instance_uid": maker.uid("series", series, kind),
        "series_number": KINDS[kind].series_number,
        "sop_instance_uid": maker.uid("instance", case.identity, kind, part),
        "instance_number": number,
    }


def equipment(maker: Maker) -> dict[str, Any]:
    """The device that made an object; its serial number are the weights."""
    return {
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": MANUFACTURER,
        "software_versions": maker.version,
        "device_serial_number": maker.weights_sha256[:_SERIAL] or "no weights",
    }


def algorithm(maker: Maker) -> AlgorithmIdentificationSequence:
    """The algorithm, with its weights."""
    parameters = {"weights_sha256": maker.weights_sha256} if maker.weights_sha256 else None
    return AlgorithmIdentificationSequence(f"{MANUFACTURER} {maker.task.name}", concept(_AI), maker.version, parameters=parameters)


def leave_empty(dataset: Dataset, *keywords: str) -> None:
    """Add elements without a value: the standard asks for them, and the source does not say it."""
    for keyword in keywords:
        setattr(dataset, keyword, None)


def settle(dataset: Dataset, case: Case, maker: Maker, kind: str) -> Dataset:
    """Make an object independent of when it is made, name its series, and mark it as research.

    Args:
        dataset: is changed.
        case: what it was made from.
        maker: who made it.
        kind: of the object.
    """
    dataset.SeriesDescription = f"{MANUFACTURER} {maker.task.name} {kind}"
    dataset.ContentQualification = "RESEARCH"
    source = case.shots[0].elements
    if source.get("SpecificCharacterSet"):
        dataset.SpecificCharacterSet = source.SpecificCharacterSet
    organization = maker.uid("dimensions", dataset.SOPInstanceUID)
    date, time = case.made.strftime("%Y%m%d"), case.made.strftime("%H%M%S")
    _settle_items(dataset, {"Date": date, "Time": time, "DateTime": date + time}, organization)
    if _has_own_codes(dataset):
        scheme = Dataset()
        scheme.CodingSchemeDesignator, scheme.CodingSchemeName = OWN_SCHEME, "Codes of usseg-monai"
        scheme.CodingSchemeResponsibleOrganization = MANUFACTURER
        dataset.CodingSchemeIdentificationSequence = [scheme]
    return dataset


_MADE = {
    "InstanceCreationDate": "Date",
    "InstanceCreationTime": "Time",
    "ContentDate": "Date",
    "ContentTime": "Time",
    "PresentationCreationDate": "Date",
    "PresentationCreationTime": "Time",
    "DateOfSecondaryCapture": "Date",
    "TimeOfSecondaryCapture": "Time",
    "ContributionDateTime": "DateTime",
    "ObservationDateTime": "DateTime",
}


def _settle_items(dataset: Dataset, times: dict[str, str], organization: str) -> None:
    for element in dataset:
        if element.keyword in _MADE:
            element.value = times[_MADE[element.keyword]]
        elif element.keyword == "DimensionOrganizationUID":
            element.value = organization
        elif element.VR == "SQ":
            for item in element.value:
                _settle_items(item, times, organization)


def _has_own_codes(dataset: Dataset) -> bool:
    for element in dataset:
        if element.keyword == "CodingSchemeDesignator" and element.value == OWN_SCHEME:
            return True
        if element.VR == "SQ" and any(_has_own_codes(item) for item in element.value):
            return True
    return False
