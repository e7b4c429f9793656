"""Makes the objects of a case: a function of sources and results, without files."""

from __future__ import annotations

from collections.abc import Collection

from usseg_monai.dicom.capture import captures
from usseg_monai.dicom.case import Case, Maker
from usseg_monai.dicom.common import Made
from usseg_monai.dicom.document import document
from usseg_monai.dicom.obstetric import check_obstetric, obstetric_report
from usseg_monai.dicom.presentation import presentation
from usseg_monai.dicom.report import report
from usseg_monai.dicom.segmentation import segmentations
from usseg_monai.dicom.tables import KINDS, TYPES
from usseg_monai.errors import UsageError, did_you_mean

__all__ = ["check_kinds", "make_objects"]


def make_objects(case: Case, maker: Maker, kinds: Collection[str] = ("seg", "sr"), *, seg: str = "binary") -> list[Made]:
    """The objects of a case.

    Args:
        case: measured pictures of one file or one stack.
        maker: who measured them.
        kinds: of `usseg_monai.dicom.tables.KINDS`.
        seg: type of segmentations, one of `usseg_monai.dicom.tables.TYPES`.

    Raises:
        UsageError: an unknown kind, or one that the task does not have.
        ImageError: a picture cannot be shown.
    """
    check_kinds(kinds, maker, seg)
    made = []
    if "seg" in kinds:
        made += segmentations(case, maker, seg)
    if "sr" in kinds:
        made.append(report(case, maker))
    if "obgyn" in kinds and (obstetric := obstetric_report(case, maker)) is not None:
        made.append(obstetric)
    if "gsps" in kinds:
        made.append(presentation(case, maker))
    if "sc" in kinds:
        made += captures(case, maker)
    if "pdf" in kinds:
        made.append(document(case, maker))
    return made


def check_kinds(kinds: Collection[str], maker: Maker, seg: str = "binary") -> None:
    """Raise `UsageError` for kinds of objects that cannot be made, whatever the case."""
    if seg not in TYPES:
        raise UsageError(f"segmentation {seg!r}: the types are {', '.join(TYPES)}{did_you_mean(seg, TYPES)}")
    maker.codes  # noqa: B018 a task may have none
    if "obgyn" in kinds:
        check_obstetric(maker)
    for kind in kinds:
        if kind not in KINDS:
            raise UsageError(f"cannot make {kind!r}: what can be made is {', '.join(KINDS)}{did_you_mean(kind, KINDS)}")
