"""Sources as scanners write them, and their results, made for the tests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from usseg_monai.dicom.case import Case, Maker, Shot, Study
from usseg_monai.dicom.headers import cured
from usseg_monai.files.table import Value
from usseg_monai.geometry.types import MaskArray
from usseg_monai.imaging import GreyImage
from usseg_monai.tasks import get_task

US, US_FRAMES, MR = "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.5.1.4.1.1.4"
MADE = datetime(2026, 3, 4, 5, 6, 7)
SHAPE = 120, 160


def uid(*names: object) -> str:
    return str(generate_uid(entropy_srcs=["test", *map(str, names)]))


def source(sop_class: str, name: str, shape: tuple[int, int] = SHAPE, frames: int = 1, **elements: Any) -> Dataset:
    """A file of a scanner with its pixels; identifiers follow from the name."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = sop_class, uid("instance", name)
    made.StudyInstanceUID, made.SeriesInstanceUID = uid("study"), uid("series", sop_class)
    made.file_meta.MediaStorageSOPClassUID, made.file_meta.MediaStorageSOPInstanceUID = UID(sop_class), made.SOPInstanceUID
    made.Modality, made.Manufacturer = "MR" if sop_class == MR else "US", "Scanner"
    made.PatientName, made.PatientID, made.PatientBirthDate, made.PatientSex = "Test^Patient", "P1", "19900101", "F"
    made.StudyDate, made.StudyTime, made.StudyID, made.AccessionNumber = "20260101", "101112", "1", "A1"
    made.ReferringPhysicianName, made.SeriesNumber, made.InstanceNumber = "", 1, 1
    made.ImageType, made.LossyImageCompression = ["ORIGINAL", "PRIMARY"], "00"
    made.Rows, made.Columns = shape
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    if frames > 1:
        made.NumberOfFrames = frames
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    made.PixelData = np.tile(((rows * 3 + cols) % 200).astype(np.uint8), (frames, 1, 1)).tobytes()
    return made


def slice_of_heart(number: int, phase: int, **elements: Any) -> Dataset:
    """A slice of a cine stack, 8 mm apart."""
    made = source(MR, f"{number} {phase}", (64, 64), **elements)
    made.PixelSpacing, made.SliceThickness = [1.5, 1.5], 8
    made.ImageOrientationPatient, made.ImagePositionPatient = [1, 0, 0, 0, 0.8, 0.6], [-48, -30 - 4.8 * number, -20 + 6.4 * number]
    made.FrameOfReferenceUID, made.TriggerTime = uid("frame of reference"), 40 * phase
    made.InstanceNumber = number * 20 + phase + 1
    made.ScanningSequence, made.SequenceVariant, made.ScanOptions, made.MRAcquisitionType = "GR", "SK", "", "2D"
    made.EchoTime, made.EchoTrainLength, made.RepetitionTime, made.PositionReferenceIndicator = 1, 1, 3, ""
    made.PatientPosition, made.Laterality = "HFS", ""
    return made


def blob(shape: tuple[int, int], row: float, col: float, down: float, right: float, angle: float = 0.0) -> MaskArray:
    """A mask with an ellipse."""
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    turn = np.deg2rad(angle)
    y, x = rows - row, cols - col
    along, across = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
    return np.asarray((along / right) ** 2 + (across / down) ** 2 <= 1, np.uint8)


def maker(task: str) -> Maker:
    return Maker(get_task(task), "ab" * 32)


def shot(task: str, elements: Dataset, mask: MaskArray, frame: int = 0, spacing: float = 0.5, **facts: Any) -> Shot:
    said = dict.fromkeys(get_task(task).outputs, 0.25)
    measured = get_task(task).measure(mask, (spacing, spacing), **said)
    grey = np.frombuffer(elements.PixelData, np.uint8)[: mask.size].reshape(mask.shape)
    facts.setdefault("image", lambda: GreyImage(grey.astype(np.float32), (spacing, spacing)))
    return Shot(cured(elements), frame, mask, measured, (spacing, spacing), **facts)


def head() -> Case:
    return Case(MADE, [shot("fetal_head", source(US, "head"), blob(SHAPE, 60, 80, 40, 52, 20))])


def color_head() -> Case:
    """A color picture, of an image class that takes one."""
    elements = source(US, "color", SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0)
    elements.PixelData = np.repeat(np.frombuffer(elements.PixelData, np.uint8), 3).tobytes()
    return Case(MADE, [shot("fetal_head", elements, blob(SHAPE, 60, 80, 40, 52, 20))])


def empty_head() -> Case:
    return Case(MADE, [shot("fetal_head", source(US, "no head"), np.zeros(SHAPE, np.uint8))])


def two_lesions() -> Case:
    mask = blob(SHAPE, 50, 40, 20, 25) | blob(SHAPE, 70, 110, 12, 18)
    mask[5:7, 5:7] = 1  # a speck, which is not measured
    return Case(MADE, [shot("breast", source(US, "breast"), mask)])


def cine() -> Case:
    """Thirty frames; the first, and every tenth, show nothing."""
    film = source(US_FRAMES, "cine", frames=30, FrameTime=40, FrameIncrementPointer=0x00181063)
    masks = [blob(SHAPE, 60, 70 + frame, 15, 20) * np.uint8(frame % 10 > 0) for frame in range(30)]
    return Case(MADE, [shot("nerve", film, mask, frame) for frame, mask in enumerate(masks)])


def heart() -> Case:
    """Five slices at end diastole and end systole; the last slice at end systole is empty."""
    shots = []
    for phase, (name, radius) in enumerate((("end diastole", 16), ("end systole", 9))):
        for number in range(5):
            mask = blob((64, 64), 32, 30, radius, radius + 1) * np.uint8(phase + number < 5)
            shots.append(shot("left_ventricle", slice_of_heart(number, phase), mask, spacing=1.5, place=f"{name}, slice {number}"))
    values: dict[str, Value] = {column.name: None for column in get_task("left_ventricle").study_columns}
    values |= {"end_diastolic_volume_ml": 120.123456, "end_systolic_volume_ml": 50.5, "ejection_fraction_percent": 57.96}
    return Case(MADE, shots, {"end diastole": range(5), "end systole": range(5, 10)}, Study("heart", values))


CASES = {"head": (head, "fetal_head"), "empty": (empty_head, "fetal_head"), "lesions": (two_lesions, "breast")}
CASES["color"] = color_head, "fetal_head"
CASES |= {"cine": (cine, "nerve"), "heart": (heart, "left_ventricle")}
"""Cases by name, each with its task."""
