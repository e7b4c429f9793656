"""Outlines and numbers as presentation states: viewers draw them over the picture, whose pixels are neither changed nor copied.

A grey picture gets a Grayscale Softcopy Presentation State, a color picture a Color Softcopy Presentation State, with the color profile of
the picture, or sRGB where it states none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from highdicom.pr import (
    ColorSoftcopyPresentationState,
    GraphicAnnotation,
    GraphicLayer,
    GraphicObject,
    GrayscaleSoftcopyPresentationState,
    TextObject,
)
from pydicom.dataset import Dataset

from usseg_monai.dicom.case import Case, Maker, Shot
from usseg_monai.dicom.common import Made, equipment, identifiers, leave_empty, settle
from usseg_monai.dicom.headers import frames_of, shallow_copy
from usseg_monai.dicom.regions import graphic, outline_of
from usseg_monai.report.caption import describe
from usseg_monai.report.words import HEADINGS

__all__ = ["presentation"]

_BOX = (0.01, 0.72, 0.6, 0.99)  # of the text, in the displayed area: left, top, right, bottom
_ASCII = {"±": "+/-", "²": "2", "°": " deg", "–": "-"}
_MOST_LINES = 8
_PROFILE_CLASS, _PROFILE_TIME = slice(12, 16), slice(24, 36)  # of the header of an ICC profile


def presentation(case: Case, maker: Maker) -> Made:
    """The presentation state of a case: of the pictures with a structure; of the first one where there is none."""
    shots = [shot for shot in case.shots if shot.mask.any()] or case.shots[:1]
    layer = GraphicLayer("USSEG", 1, f"{maker.task.labels[1]}, found by software")
    color = int(shots[0].elements.get("SamplesPerPixel", 1)) > 1
    profile: dict[str, Any] = {"icc_profile": shots[0].elements.get("ICCProfile") or _srgb()} if color else {}
    state = (ColorSoftcopyPresentationState if color else GrayscaleSoftcopyPresentationState)(
        list({str(shot.elements.SOPInstanceUID): _plain(shot.elements) for shot in shots}.values()),
        **identifiers(case, maker, "gsps"),
        **equipment(maker),
        content_label=maker.task.name.upper()[:16],
        content_description=f"outline of {maker.task.labels[1]}",
        graphic_annotations=[_annotation(shot, maker, layer) for shot in shots],
        graphic_layers=[layer],
        **profile,
    )
    leave_empty(state, "Laterality")
    return Made("gsps", settle(state, case, maker, "gsps"))


def _srgb() -> bytes:
    """The profile of sRGB, which a color presentation state must have; without the time at which it was made."""
    from PIL import ImageCms

    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_PROFILE_TIME] = bytes(_PROFILE_TIME.stop - _PROFILE_TIME.start)
    profile[_PROFILE_CLASS] = b"scnr"  # of an input device, as DICOM demands (PS3.3, C.11.15); its tags are those of a display
    return bytes(profile)


def _plain(elements: Dataset) -> Dataset:
    """A header that highdicom takes: it expects functional groups in all files with several frames, and ultrasound has none."""
    if frames_of(elements) == 1 or "SharedFunctionalGroupsSequence" in elements:
        return elements
    result = shallow_copy(elements)
    result.SharedFunctionalGroupsSequence = [Dataset()]
    result.PerFrameFunctionalGroupsSequence = [Dataset() for _ in range(frames_of(elements))]
    return result


def _annotation(shot: Shot, maker: Maker, layer: GraphicLayer) -> GraphicAnnotation:
    drawn = []
    if shot.mask.any():
        lines = [graphic(line) for line in shot.measurement.outlines] or [outline_of(shot.mask)]
        lines += [graphic(axis) for axis in shot.measurement.axes if len(axis) == 2]
        drawn = [GraphicObject("POLYLINE", line, "PIXEL") for line in lines]
    text = TextObject("\r\n".join(_lines(shot, maker)), "DISPLAY", bounding_box=_BOX, text_justification="LEFT")
    return GraphicAnnotation([shot.elements], layer, shot.frame_number, graphic_objects=drawn or None, text_objects=[text])


def _lines(shot: Shot, maker: Maker) -> Sequence[str]:
    """Status and numbers, in letters that every viewer has."""
    said = [HEADINGS[shot.measurement.status] + (", corrected by hand" if shot.corrected else "")]
    said += describe(maker.task, shot.measurement)[: _MOST_LINES - 2]
    said.append("usseg-monai, for research only")
    for letter, plain in _ASCII.items():
        said = [line.replace(letter, plain) for line in said]
    return [line.encode("ascii", "replace").decode() for line in said]
