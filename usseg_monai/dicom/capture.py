"""Overlays as secondary captures: the picture with its outline and numbers, for viewers that know nothing else."""

from __future__ import annotations

import numpy as np
from highdicom.sc import SCImage
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from usseg_monai.dicom.case import Case, Maker, Shot, image_of
from usseg_monai.dicom.common import Made, equipment, identifiers, leave_empty, settle
from usseg_monai.predict.prediction import Prediction

__all__ = ["captures"]


def captures(case: Case, maker: Maker) -> list[Made]:
    """One secondary capture, RGB, for each picture of a case; the pictures of a file with several frames are numbered.

    Raises:
        ImageError: a picture cannot be read.
    """
    made = []
    for number, shot in enumerate(case.shots, 1):
        part = shot.place.replace(", ", "_").replace(" ", "_") or (f"frame{shot.frame:03d}" if shot.frame_number else "")
        made.append(Made("sc", settle(_capture(case, shot, maker, part, number), case, maker, "sc"), part))
    return made


def _capture(case: Case, shot: Shot, maker: Maker, part: str, number: int) -> Dataset:
    probability = shot.mask.astype(np.float32)
    picture = Prediction(image_of(shot), shot.mask, probability, shot.measurement, maker.task).overlay()
    dataset = SCImage.from_ref_dataset(
        shot.elements,
        picture,
        "RGB",
        8,
        "PATIENT",
        **identifiers(case, maker, "sc", part, number),
        **equipment(maker),
        patient_orientation=("L", "P"),  # highdicom asks for it; it is taken back below
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    leave_empty(dataset, "PatientOrientation", "Laterality")
    dataset.ConversionType = "WSD"
    source = Dataset()
    source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID = shot.elements.SOPClassUID, shot.elements.SOPInstanceUID
    if shot.frame_number is not None:
        source.ReferencedFrameNumber = shot.frame_number
    dataset.SourceImageSequence = [source]
    dataset.DerivationDescription = f"outline and numbers of {maker.task.labels[1]}, drawn over the picture"
    for keyword in ("BurnedInAnnotation", "LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        if keyword in shot.elements:  # what holds for the pixels of the source holds for these
            dataset[keyword] = shot.elements[keyword]
    return dataset
