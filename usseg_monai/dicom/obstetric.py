"""Fetal biometry as obstetric systems import it: a Comprehensive SR with template TID 5000.

Ratios are in TID 5004, measurements in TID 5005, each in a group of its own (TID 5008) with the gestational age that follows from it, in
days. Only ages with a method of CID 12013 are sent. One fetus is known. A file with several frames gives one group for each frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from highdicom.sr import (
    CodeContentItem,
    ComprehensiveSR,
    ContainerContentItem,
    ContentItem,
    ContentSequence,
    ImageContentItem,
    NumContentItem,
    RelationshipTypeValues,
    SubjectContext,
    SubjectContextFetus,
)

from usseg_monai.dicom.case import Case, Maker, Shot
from usseg_monai.dicom.common import Made, concept, equipment, identifiers, settle
from usseg_monai.dicom.report import FETUS, observation_context, sent_value
from usseg_monai.errors import UsageError
from usseg_monai.tasks.codes import UCUM, Code, unit_of

__all__ = ["check_obstetric", "obstetric_report"]

_REPORT = Code("125000", "DCM", "OB-GYN Ultrasound Procedure Report")  # CID 12024
_LIBRARY = Code("111028", "DCM", "Image Library")
_RATIOS = Code("125001", "DCM", "Fetal Biometry Ratios")
_BIOMETRY = Code("125002", "DCM", "Fetal Biometry")
_GROUP = Code("125005", "DCM", "Biometry Group")
_EQUATION = Code("121420", "DCM", "Equation")  # CID 228
_SOURCE = Code("121112", "DCM", "Source of Measurement")
_DAYS = 7
_CONTAINS = RelationshipTypeValues.CONTAINS


def check_obstetric(maker: Maker) -> None:
    """Raise `UsageError` for a task that measures no fetus."""
    if maker.codes.biometry is None:
        raise UsageError(f"obgyn is for the biometry of a fetus, not for {maker.task.name}: make sr")


def obstetric_report(case: Case, maker: Maker) -> Made | None:
    """The obstetric report of a case; ``None`` where nothing was measured in millimetres: these templates have no place for it."""
    shots = [shot for shot in case.shots if any(shot.measurement.values[name] is not None for name in maker.codes.biometry or ())]
    if not shots:
        return None
    root = ContainerContentItem(concept(_REPORT), template_id="5000")
    content: list[ContentItem] = list(cast(Iterable[ContentItem], observation_context(maker, fetus=False)))
    content.append(_container(_LIBRARY, [_image(shot, _CONTAINS) for shot in shots]))
    ratios = [_number(name, shot, maker) for shot in shots for name in maker.codes.ratios if shot.measurement.values[name] is not None]
    if ratios:
        content.append(_container(_RATIOS, [*_fetus(), *ratios]))
    content.append(_container(_BIOMETRY, [*_fetus(), *(group for shot in shots for group in _groups(shot, maker))]))
    root.ContentSequence = ContentSequence(content)
    dataset = ComprehensiveSR(case.headers, root, **identifiers(case, maker, "obgyn"), **equipment(maker), is_complete=True, is_final=False)
    return Made("obgyn", settle(dataset, case, maker, "obgyn"))


def _groups(shot: Shot, maker: Maker) -> Iterator[ContentItem]:
    for name, age in (maker.codes.biometry or {}).items():
        if shot.measurement.values[name] is None:
            continue
        items: list[ContentItem] = [_number(name, shot, maker)]
        weeks = shot.measurement.values[age] if age else None
        if isinstance(weeks, (int, float)):
            coded = maker.codes.columns[age]
            days = NumContentItem(concept(coded.concept), round(weeks * _DAYS, 1), concept(UCUM["days"]), relationship_type=_CONTAINS)
            assert coded.method is not None  # of an age
            method = CodeContentItem(concept(_EQUATION), concept(coded.method), RelationshipTypeValues.INFERRED_FROM)
            days.ContentSequence = ContentSequence([method])
            items.append(days)
        yield _container(_GROUP, items)


def _number(name: str, shot: Shot, maker: Maker) -> ContentItem:
    """A measurement (TID 300) with the picture that it was made in."""
    value = shot.measurement.values[name]
    assert isinstance(value, (int, float))  # see `_groups`
    coded = maker.codes.columns[name]
    item = NumContentItem(concept(coded.concept), sent_value(maker, name, value), concept(unit_of(name)), relationship_type=_CONTAINS)
    item.ContentSequence = ContentSequence([_image(shot, RelationshipTypeValues.INFERRED_FROM)])
    return item


def _image(shot: Shot, relationship: RelationshipTypeValues) -> ContentItem:
    frames = None if shot.frame_number is None else [shot.frame_number]
    uids = shot.elements.SOPClassUID, shot.elements.SOPInstanceUID
    return ImageContentItem(concept(_SOURCE), *uids, frames, relationship_type=relationship)


def _fetus() -> Sequence[ContentItem]:
    return list(cast(Iterable[ContentItem], SubjectContext(concept(FETUS), SubjectContextFetus("1"))))


def _container(name: Code, items: Sequence[ContentItem]) -> ContentItem:
    container = ContainerContentItem(concept(name), relationship_type=_CONTAINS)
    container.ContentSequence = ContentSequence(items)
    return container
