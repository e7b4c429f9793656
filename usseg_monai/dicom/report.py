"""Results as an imaging measurement report: a Comprehensive SR with template TID 1500.

Each structure is a planar region with its measurements (TID 1410), an ellipse where one was measured, else the outline of the mask.
Numbers of a whole picture or stack are groups without a region (TID 1501), as are those with a method of their own: readers lose the
method of a single measurement. Numbers are those of the tables, with their digits. The report is preliminary and not verified: no person
has seen it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from highdicom.sr import (
    AlgorithmIdentification,
    ComprehensiveSR,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    GraphicTypeValues,
    ImageRegion,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    SubjectContext,
    SubjectContextFetus,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset

from usseg_monai.annotation.structures import image_columns, structures
from usseg_monai.dicom.case import Case, Maker, Shot
from usseg_monai.dicom.common import MANUFACTURER, Made, concept, equipment, identifiers, settle
from usseg_monai.dicom.regions import Points, ellipse_of, outline_of
from usseg_monai.dicom.segmentation import prediction_of, segment_name, tracking_uid
from usseg_monai.dicom.tables import CORRECTED, EXPECTED_DICE, STATUS, STATUSES
from usseg_monai.files.table import Value, cell_text
from usseg_monai.tasks.codes import Code, unit_of

__all__ = ["FETUS", "observation_context", "report", "sent_value"]

FETUS = Code("121026", "DCM", "Fetus")  # CID 271
"""Class of the subject in tasks of a fetus."""

_YES = Code("373066001", "SCT", "Yes")  # CID 230
_NO_UNITS = Code("1", "UCUM", "no units")
_LIBRARY = "111028"  # DCM, Image Library
_PROCEDURE = Code("363679005", "SCT", "Imaging procedure")  # CID 100
_TITLE = Code("126000", "DCM", "Imaging Measurement Report")  # CID 7021
_DEVICE = Code("121007", "DCM", "Device")  # CID 270
_AI = Code("123110", "DCM", "Artificial Intelligence")  # CID 7162

_Group = PlanarROIMeasurementsAndQualitativeEvaluations | MeasurementsAndQualitativeEvaluations


def report(case: Case, maker: Maker) -> Made:
    """The report of a case."""
    content = MeasurementReport(
        observation_context(maker, fetus=maker.codes.fetus),
        concept(_PROCEDURE),
        list(_groups(case, maker)),
        concept(_TITLE),
        referenced_images=case.headers,
    )
    _share_descriptors(content[0])
    dataset = ComprehensiveSR(
        case.headers,
        content[0],
        **identifiers(case, maker, "sr"),
        **equipment(maker),
        is_complete=True,
        is_final=False,
    )
    return Made("sr", settle(dataset, case, maker, "sr"))


def _share_descriptors(root: Dataset) -> None:
    """Say what holds for all images of the library once, in their group (TID 1601): it is most of the bytes of a stack's report."""
    library = next(item for item in root.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == _LIBRARY)
    (group,) = library.ContentSequence
    images = list(group.ContentSequence)
    if len(images) < 2:
        return
    texts = [{item.to_json() for item in image.ContentSequence} for image in images]
    common = set.intersection(*texts)
    shared = [item for item in images[0].ContentSequence if item.to_json() in common]
    for image in images:
        image.ContentSequence = [item for item in image.ContentSequence if item.to_json() not in common]
        if not image.ContentSequence:
            del image.ContentSequence
    group.ContentSequence = [*shared, *images]


def observation_context(maker: Maker, *, fetus: bool) -> ObservationContext:
    """Who observed, and whom: a fetus, or the patient."""
    made_by = equipment(maker)
    device = DeviceObserverIdentifyingAttributes(
        maker.uid("device"),
        MANUFACTURER,
        made_by["manufacturer"],
        made_by["manufacturer_model_name"],
        made_by["device_serial_number"],
    )
    subject = SubjectContext(concept(FETUS), SubjectContextFetus("1")) if fetus else None
    return ObservationContext(observer_device_context=ObserverContext(concept(_DEVICE), device), subject_context=subject)


def sent_value(maker: Maker, column: str, value: float) -> float:
    """The number that is sent for a value of a coded column: that of the table, in the unit of `unit_of`."""
    return round(float(cell_text(float(value))) * maker.codes.columns[column].scale, 6)


def _groups(case: Case, maker: Maker) -> Iterator[_Group]:
    """The groups of a case: of the stack, then of each picture with a structure; of the first picture where there is none at all."""
    if case.study is not None:
        columns = [column.name for column in maker.task.study_columns]
        said = {"measurements": _measurements(columns, case.study.values, maker)}
        yield _group(maker, f"{segment_name(maker)}, whole stack", maker.uid("study", case.identity), None, said)
    found = [shot for shot in case.shots if shot.mask.any()]
    for shot in found or case.shots[:1]:
        yield from _groups_of(shot, maker)


def _groups_of(shot: Shot, maker: Maker) -> Iterator[_Group]:
    """The groups of one picture."""
    task, values = maker.task, shot.measurement.values
    of_picture = [column.name for column in image_columns(task)]
    if task.part_name or not shot.mask.any():
        said = _said(of_picture, shot, maker)
        yield _group(maker, _tracking(shot, f"{segment_name(maker)}, picture"), maker.uid("picture", shot.identity), shot, said)
    if task.part_name:
        for number, part in enumerate(structures(prediction_of(shot, maker)), 1):
            if part.values:
                measured = _measurements([column.name for column in task.part_columns], part.values, maker)
                yield _planar(shot, maker, number, GraphicTypeValues.POLYLINE, outline_of(part.mask), {"measurements": measured})
    elif shot.mask.any():
        said = _said(of_picture, shot, maker)
        ellipse = ellipse_of(task, shot)
        kind = GraphicTypeValues.POLYLINE if ellipse is None else GraphicTypeValues.ELLIPSE
        yield _planar(shot, maker, None, kind, outline_of(shot.mask) if ellipse is None else ellipse, said)
        for name in of_picture:
            coded = maker.codes.columns.get(name)
            if coded and coded.method and values[name] is not None:
                said = {"measurements": _measurements([name], values, maker, methods=True), "method": concept(coded.method)}
                yield _group(maker, _tracking(shot, segment_name(maker)), tracking_uid(shot, maker), shot, said, algorithm=False)


def _planar(shot: Shot, maker: Maker, number: int | None, kind: GraphicTypeValues, points: Points, said: dict[str, Any]) -> _Group:
    elements = shot.elements
    image = SourceImageForRegion(elements.SOPClassUID, elements.SOPInstanceUID, _frames(shot))
    tracking = TrackingIdentifier(tracking_uid(shot, maker, number), _tracking(shot, segment_name(maker, number)))
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking, ImageRegion(kind, points, image), **_finding(maker, algorithm=not shot.place), **said
    )


def _group(maker: Maker, name: str, uid: str, shot: Shot | None, said: dict[str, Any], *, algorithm: bool = True) -> _Group:
    images = None
    if shot is not None:
        images = [SourceImageForMeasurementGroup(shot.elements.SOPClassUID, shot.elements.SOPInstanceUID, _frames(shot))]
    finding = _finding(maker, algorithm=algorithm)
    return MeasurementsAndQualitativeEvaluations(TrackingIdentifier(uid, name), source_images=images, **finding, **said)


def _finding(maker: Maker, *, algorithm: bool = True) -> dict[str, Any]:
    """What was found and by what; slices of a stack and further methods leave the latter to the group before them."""
    codes = maker.codes
    weights = [f"weights_sha256={maker.weights_sha256}"] if maker.weights_sha256 else None
    made_by = AlgorithmIdentification(f"{MANUFACTURER} {maker.task.name}", maker.version, weights, concept(_AI), MANUFACTURER)
    return {
        "finding_type": concept(codes.structure),
        "finding_category": concept(codes.category),
        "finding_sites": [FindingSite(concept(codes.region))] if codes.region else None,
        "algorithm_id": made_by if algorithm else None,
    }


def _measurements(columns: Iterable[str], values: Mapping[str, Value], maker: Maker, *, methods: bool = False) -> list[Measurement]:
    """Coded values that are known, without those of a method, which have a group of their own; or those alone."""
    found = []
    for name in columns:
        coded, value = maker.codes.columns.get(name), values[name]
        if coded and bool(coded.method) is methods and isinstance(value, (int, float)):
            found.append(Measurement(concept(coded.concept), sent_value(maker, name, value), concept(unit_of(name))))
    return found


def _said(columns: Iterable[str], shot: Shot, maker: Maker) -> dict[str, Any]:
    """The numbers of a picture, with how far they can be trusted."""
    measured = _measurements(columns, shot.measurement.values, maker)
    if shot.measurement.confidence is not None:
        measured.append(Measurement(concept(EXPECTED_DICE), float(cell_text(shot.measurement.confidence)), concept(_NO_UNITS)))
    return {"measurements": measured, "qualitative_evaluations": _evaluations(shot)}


def _evaluations(shot: Shot) -> list[QualitativeEvaluation]:
    said = [QualitativeEvaluation(concept(STATUS), concept(STATUSES[shot.measurement.status]))]
    if shot.corrected:
        said.append(QualitativeEvaluation(concept(CORRECTED), concept(_YES)))
    return said


def _tracking(shot: Shot, name: str) -> str:
    return f"{name}, {shot.place}" if shot.place else name


def _frames(shot: Shot) -> list[int] | None:
    return None if shot.frame_number is None else [shot.frame_number]
