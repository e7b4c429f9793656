"""What is made, as tables: the objects are made by them, and the conformance statement prints them. Needs no library of DICOM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from usseg_monai.measuring.result import Status
from usseg_monai.report.words import HEADINGS
from usseg_monai.tasks.codes import OWN_SCHEME, Code

__all__ = ["CORRECTED", "EXPECTED_DICE", "KINDS", "STATUS", "STATUSES", "TRANSFER_SYNTAX", "TYPES", "Kind"]


class Kind(NamedTuple):
    """A kind of object.

    Attributes:
        title: what it is.
        classes: its SOP classes, name by identifier.
        series_number: of its series in a study.
        made: how many are made of what.
    """

    title: str
    classes: Mapping[str, str]
    series_number: int
    made: str


_REPORT = {"1.2.840.10008.5.1.4.1.1.88.33": "Comprehensive SR Storage"}

KINDS: Mapping[str, Kind] = {
    "seg": Kind(
        "segmentation",
        {
            "1.2.840.10008.5.1.4.1.1.66.4": "Segmentation Storage",
            "1.2.840.10008.5.1.4.1.1.66.7": "Label Map Segmentation Storage (only `--seg labelmap`)",
        },
        9101,
        "one per file, per phase of a stack; none where nothing was found",
    ),
    "sr": Kind("measurement report, TID 1500", _REPORT, 9102, "one per file or stack"),
    "obgyn": Kind("obstetric report, TID 5000", _REPORT, 9103, "one per file with a length in mm; only tasks of a fetus"),
    "gsps": Kind(
        "presentation state",
        {
            "1.2.840.10008.5.1.4.1.1.11.1": "Grayscale Softcopy Presentation State Storage",
            "1.2.840.10008.5.1.4.1.1.11.2": "Color Softcopy Presentation State Storage (color pictures)",
        },
        9104,
        "one per file or stack",
    ),
    "sc": Kind("overlay", {"1.2.840.10008.5.1.4.1.1.7": "Secondary Capture Image Storage"}, 9105, "one per frame, per slice of a phase"),
    "pdf": Kind("report on paper", {"1.2.840.10008.5.1.4.1.1.104.1": "Encapsulated PDF Storage"}, 9106, "one per file or stack"),
}
"""Objects that can be made, by their names on the command line."""

TYPES: Mapping[str, str] = {"binary": "BINARY", "fractional": "FRACTIONAL", "labelmap": "LABELMAP"}
"""Types of segmentations: the name on the command line, and SegmentationType."""

TRANSFER_SYNTAX = "1.2.840.10008.1.2.1", "Explicit VR Little Endian"
"""Of all objects: every archive must take it."""

STATUS = Code("STATUS", OWN_SCHEME, "Status of the result")
"""Concept of the status, whose value is one of `STATUSES`."""

STATUSES: Mapping[Status, Code] = {
    status: Code(value, OWN_SCHEME, HEADINGS[status])
    for status, value in (
        (Status.OK, "OK"),
        (Status.EMPTY, "EMPTY"),
        (Status.MULTIPLE_STRUCTURES, "MULTIPLE"),
        (Status.TOUCHES_BORDER, "BORDER"),
        (Status.LOW_CONFIDENCE, "DOUBTFUL"),
        (Status.UNLIKE_TRAINING_DATA, "UNLIKE"),
    )
}
"""The codes of statuses; what failed has no report."""

EXPECTED_DICE = Code("EXPECTED_DICE", OWN_SCHEME, "Expected Dice of the mask")
"""Concept of the confidence, 0 to 1, without a unit."""

CORRECTED = Code("CORRECTED", OWN_SCHEME, "Mask corrected by hand")
"""Concept that is there, with the value yes, where a person changed the mask."""
