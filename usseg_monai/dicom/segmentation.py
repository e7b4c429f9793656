"""Masks as DICOM segmentations (SEG).

One file gives one segmentation, a stack one for each phase: viewers join the phases of one segmentation into one volume without a word. An
empty mask gives none; the report says that nothing was found. Segments of several structures are numbered as in the table of parts.

highdicom refuses sources of several frames without a position, as in ultrasound: their segmentation is made for one frame, and then gets
the other frames (`_of_frames`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import numpy.typing as npt
from highdicom.seg import Segmentation, SegmentDescription
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pack_bits

from usseg_monai.annotation.structures import structures
from usseg_monai.dicom.case import Case, Maker, Shot
from usseg_monai.dicom.common import Made, algorithm, concept, equipment, identifiers, leave_empty, settle
from usseg_monai.dicom.headers import shallow_copy
from usseg_monai.dicom.tables import TYPES
from usseg_monai.errors import UsageError
from usseg_monai.imaging import GreyImage
from usseg_monai.predict.prediction import Prediction

__all__ = ["prediction_of", "segment_name", "segmentations", "tracking_uid"]

_SINGLE_FRAME_CLASS = "1.2.840.10008.5.1.4.1.1.6.1"  # Ultrasound Image Storage
_TEMPORAL_INDEX, _FRAME_CONTENT = 0x00209128, 0x00209111
_FULL = 255

Pixels = npt.NDArray[Any]


def segmentations(case: Case, maker: Maker, kind: str = "binary") -> list[Made]:
    """The segmentations of a case; none if nothing was found.

    Args:
        case: what was measured.
        maker: who measured it.
        kind: one of `TYPES`. ``fractional`` needs the probabilities.

    Raises:
        UsageError: there are no probabilities.
    """
    if case.phases is None:
        found = [("", case.shots)]
    else:
        found = [(name, [case.shots[index] for index in indices]) for name, indices in case.phases.items()]
    made = []
    for number, (part, shots) in enumerate(found, 1):
        shots = [shot for shot in shots if shot.mask.any()]
        if shots:
            dataset = _segmentation(case, shots, maker, kind, part, number)
            made.append(Made("seg", settle(dataset, case, maker, "seg"), part.replace(" ", "_")))
    return made


def segment_name(maker: Maker, number: int | None = None) -> str:
    """Label of a segment, and tracking identifier of its structure.

    >>> from usseg_monai.tasks import get_task
    >>> segment_name(Maker(get_task("breast"), ""), 2)
    'lesion 2'
    """
    name = maker.task.labels[1]
    return name if number is None else f"{name} {number}"


def tracking_uid(shot: Shot, maker: Maker, number: int | None = None) -> str:
    """Identifies a structure in the segmentation and the reports of one picture."""
    return maker.uid("structure", shot.identity, number)


def _segmentation(case: Case, shots: Sequence[Shot], maker: Maker, kind: str, part: str, number: int) -> Dataset:
    first = shots[0]
    framed = first.frame_number is not None
    masks = _segments(first, maker) if len(shots) == 1 and not framed else [np.stack([shot.mask != 0 for shot in shots])]
    several = bool(maker.task.part_name) and len(shots) == 1 and not framed
    corrected = any(shot.corrected for shot in shots)
    label = f"{maker.task.name}_{kind}"[:16].upper()
    region = maker.codes.region
    described = [
        SegmentDescription(
            index,
            f"{segment_name(maker, index if several else None)}{f', {part}' if part else ''}",
            concept(maker.codes.category),
            concept(maker.codes.structure),
            "SEMIAUTOMATIC" if corrected else "AUTOMATIC",
            algorithm(maker),
            tracking_uid(first, maker, index) if several else maker.uid("segment", part, *(shot.identity for shot in shots)),
            segment_name(maker, index if several else None),
            [concept(region)] if region else None,
        )
        for index in range(1, len(masks) + 1)
    ]
    cures = [cure for cure in case.cures if "frame of reference" in cure]
    description = "; ".join([f"{maker.task.labels[1]}{', corrected by hand' if corrected else ''}", *cures])[:64]

    def build(sources: Sequence[Dataset], pixels: Pixels) -> Segmentation:
        return Segmentation(
            sources,
            pixels,
            TYPES[kind],
            described,
            **identifiers(case, maker, "seg", f"{kind} {part}", number),
            **equipment(maker),
            content_description=description,
            content_label=label,
        )

    frames = [_pixels([mask[index] for mask in masks], shot, kind) for index, shot in enumerate(shots)]
    dataset = _of_frames(shots, frames, build) if framed else _of_files(shots, frames, build)
    if "PatientOrientation" not in dataset and "FrameOfReferenceUID" not in dataset:
        leave_empty(dataset, "PatientOrientation")
    return dataset


def prediction_of(shot: Shot, maker: Maker) -> Prediction:
    """The shot as the prediction that it was, without its picture."""
    nothing = np.zeros(shot.mask.shape, np.float32)
    return Prediction(GreyImage(nothing), shot.mask, nothing, shot.measurement, maker.task)


def _segments(shot: Shot, maker: Maker) -> list[npt.NDArray[np.bool_]]:
    """One mask ``(1, rows, cols)`` for each structure; together they are the mask, pixel by pixel."""
    return [found.mask[None] for found in structures(prediction_of(shot, maker))]


def _pixels(masks: Sequence[npt.NDArray[np.bool_]], shot: Shot, kind: str) -> Pixels:
    """Pixels of one picture for highdicom: ``(rows, cols, segments)``, or labels ``(rows, cols)``."""
    if kind == "labelmap":
        return sum((number * mask.astype(np.uint8) for number, mask in enumerate(masks, 1)), np.zeros(shot.mask.shape, np.uint8))
    stacked = np.stack(masks, axis=-1)
    if kind == "binary":
        return stacked
    if shot.probability is None:
        raise UsageError("--seg fractional needs the probabilities: run 'usseg predict' with --save mask,probability")
    return shot.probability()[..., None] * (stacked if len(masks) > 1 else 1)


def _of_files(shots: Sequence[Shot], frames: Sequence[Pixels], build: Callable[[Sequence[Dataset], Pixels], Segmentation]) -> Dataset:
    """The segmentation of several files, which may be of several series: highdicom takes one series, so the references are set after."""
    first = shots[0].elements
    sources = []
    for shot in shots:
        source = shot.elements
        if source.SeriesInstanceUID != first.SeriesInstanceUID:
            source = shallow_copy(source)
            source.SeriesInstanceUID = first.SeriesInstanceUID
        sources.append(source)
    dataset: Dataset = build(sources, np.stack(frames))
    series = {str(shot.elements.SOPInstanceUID): str(shot.elements.SeriesInstanceUID) for shot in shots}
    if len(set(series.values())) > 1:
        referred: dict[str, list[Dataset]] = {}
        for instance in dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence:
            referred.setdefault(series[str(instance.ReferencedSOPInstanceUID)], []).append(instance)
        items = []
        for uid, instances in referred.items():
            item = Dataset()
            item.SeriesInstanceUID, item.ReferencedInstanceSequence = uid, instances
            items.append(item)
        dataset.ReferencedSeriesSequence = items
    return dataset


def _of_frames(shots: Sequence[Shot], frames: Sequence[Pixels], build: Callable[[Sequence[Dataset], Pixels], Segmentation]) -> Dataset:
    """The segmentation of the frames of one file.

    It is built as if the first frame were a file of its own; then each frame gets its own functional groups, which say which frame of the
    source it belongs to.
    """
    source = shots[0].elements
    single = shallow_copy(source)
    single.SOPClassUID = _SINGLE_FRAME_CLASS
    for keyword in ("NumberOfFrames", "FrameOfReferenceUID", "PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        if keyword in single:
            delattr(single, keyword)
    built = build([single], frames[0][None])
    dataset = shallow_copy(built)
    dataset.file_meta, dataset.preamble = built.file_meta, built.preamble
    _retarget(dataset, str(source.SOPInstanceUID), str(source.SOPClassUID))
    group = dataset.PerFrameFunctionalGroupsSequence[0]
    groups, samples = [], []
    for index, (shot, frame) in enumerate(zip(shots, frames, strict=True), 1):
        own = deepcopy(group)
        for image in own.DerivationImageSequence[0].SourceImageSequence:
            image.ReferencedFrameNumber = shot.frame_number
        content = own.FrameContentSequence[0]
        content.TemporalPositionIndex = index
        content.DimensionIndexValues = [*_listed(content.DimensionIndexValues), index]
        groups.append(own)
        samples.append(_samples(frame, dataset))
    dataset.PerFrameFunctionalGroupsSequence = groups
    dimension = shallow_copy(dataset.DimensionIndexSequence[0])
    dimension.DimensionIndexPointer, dimension.FunctionalGroupPointer = _TEMPORAL_INDEX, _FRAME_CONTENT
    dimension.DimensionDescriptionLabel = "Temporal Position Index"
    dataset.DimensionIndexSequence.append(dimension)
    dataset.NumberOfFrames = len(shots)
    pixels = np.stack(samples)
    dataset.PixelData = pack_bits(pixels, pad=True) if dataset.BitsAllocated == 1 else _even(pixels.tobytes())
    return dataset


def _samples(frame: Pixels, dataset: Dataset) -> npt.NDArray[np.uint8]:
    """Stored samples of a frame ``(rows, cols)``; fractions are of 255."""
    frame = frame[..., 0] if frame.ndim == 3 else frame
    if dataset.SegmentationType == "FRACTIONAL":
        return np.asarray(np.rint(frame * _FULL), np.uint8)
    return np.asarray(frame, np.uint8)


def _even(data: bytes) -> bytes:
    return data + b"\0" * (len(data) % 2)


def _listed(value: Any) -> list[int]:
    return [int(value)] if isinstance(value, int) else [int(number) for number in value]


def _retarget(dataset: Dataset, instance: str, sop_class: str) -> None:
    """Let all references to an instance state its class."""
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                if item.get("ReferencedSOPInstanceUID") == instance:
                    item.ReferencedSOPClassUID = sop_class
                _retarget(item, instance, sop_class)
