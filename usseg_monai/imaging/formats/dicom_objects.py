"""DICOM objects that hold no picture to predict.

They are recognized by their SOP class, or by their modality if the class is unknown. Secondary captures may be pictures of a scanner; they
are left out where their header says that they were made from other images, as our own are.
"""

from __future__ import annotations

from usseg_monai.errors import ImageError, NoPictureError
from usseg_monai.imaging.formats.dicom_elements import DataSet

__all__ = ["OUR_MODEL", "TAGS", "check_has_picture", "check_not_derived", "object_without_picture"]

OUR_MODEL = "usseg-monai"
"""ManufacturerModelName of the objects that this package makes."""

_MODEL, _IMAGE_TYPE, _CONVERSION = 0x00081090, 0x00080008, 0x00080064
TAGS = frozenset((_MODEL, _IMAGE_TYPE, _CONVERSION))
"""Elements that say how a picture was made."""

_STANDARD = "1.2.840.10008."
_STORAGE = f"{_STANDARD}5.1.4.1.1."
_RT_IMAGES = {f"{_STORAGE}481.1", f"{_STORAGE}481.23", f"{_STORAGE}481.24"}
_CLASSES = {
    "1.2.840.10008.1.3.10": "a DICOMDIR, the index of a medium",
    "1.2.840.10008.5.1.4.34.7": "a radiotherapy delivery instruction",
    "1.2.840.10008.5.1.4.38": "a hanging protocol",
    "1.2.840.10008.5.1.4.39": "a color palette",
    f"{_STORAGE}4.2": "an MR spectroscopy",
    f"{_STORAGE}8": "a standalone overlay",
    f"{_STORAGE}9": "a curve or waveform",
    f"{_STORAGE}10": "a lookup table",
    f"{_STORAGE}11": "a presentation state",
    f"{_STORAGE}30": "a parametric map",
    f"{_STORAGE}66.1": "a spatial registration",
    f"{_STORAGE}66.2": "spatial fiducials",
    f"{_STORAGE}66.3": "a deformable spatial registration",
    f"{_STORAGE}66.4": "a segmentation (SEG)",
    f"{_STORAGE}66.5": "a surface segmentation",
    f"{_STORAGE}66.6": "tractography results",
    f"{_STORAGE}66.7": "a segmentation (SEG, label map)",
    f"{_STORAGE}66": "raw data",
    f"{_STORAGE}67": "a real world value mapping",
    f"{_STORAGE}68": "a surface scan",
    f"{_STORAGE}78": "an ophthalmic measurement",
    f"{_STORAGE}79": "an ophthalmic measurement",
    f"{_STORAGE}80": "an ophthalmic measurement",
    f"{_STORAGE}88.59": "a key object selection (KO)",
    f"{_STORAGE}88": "a structured report (SR)",
    f"{_STORAGE}90": "a content assessment",
    f"{_STORAGE}104.1": "an encapsulated PDF",
    f"{_STORAGE}104.2": "an encapsulated CDA document",
    f"{_STORAGE}104.3": "an encapsulated STL model",
    f"{_STORAGE}104": "an encapsulated document",
    f"{_STORAGE}131": "a basic structured display",
    f"{_STORAGE}200": "a protocol",
    f"{_STORAGE}201": "a storage inventory",
    f"{_STORAGE}481.2": "a radiotherapy dose",
    f"{_STORAGE}481.3": "a radiotherapy structure set",
    f"{_STORAGE}481.5": "a radiotherapy plan",
    f"{_STORAGE}481.8": "a radiotherapy plan",
    f"{_STORAGE}481": "a radiotherapy object",
}
_CAPTURE = f"{_STORAGE}7"
_DRAWN = {"DRW": "a drawing", "SD": "a scanned document", "SYN": "a synthetic image"}  # by ConversionType (PS3.3, C.8.6.1)
_MODALITIES = {
    "AU": "audio",
    "DOC": "a document",
    "ECG": "a waveform",
    "FID": "spatial fiducials",
    "HD": "a waveform",
    "KO": "a key object selection (KO)",
    "M3D": "a model",
    "PLAN": "a plan",
    "PR": "a presentation state",
    "REG": "a spatial registration",
    "RESP": "a waveform",
    "RTDOSE": "a radiotherapy dose",
    "RTPLAN": "a radiotherapy plan",
    "RTRECORD": "a radiotherapy record",
    "RTSTRUCT": "a radiotherapy structure set",
    "SEG": "a segmentation (SEG)",
    "SMR": "a stereometric relationship",
    "SR": "a structured report (SR)",
}


def object_without_picture(sop_class: str, modality: str) -> str | None:
    """Kind of an object without a picture; ``None`` if it may hold one. Secondary captures are pictures.

    >>> object_without_picture("1.2.840.10008.5.1.4.1.1.88.33", "SR"), object_without_picture("1.2.840.10008.5.1.4.1.1.7", "SR")
    ('a structured report (SR)', None)
    """
    if sop_class in _RT_IMAGES:
        return None
    parts = sop_class.split(".")
    for length in range(len(parts), 5, -1):  # an unlisted class counts as its family
        if (found := _CLASSES.get(".".join(parts[:length]))) is not None:
            return found
    return None if sop_class.startswith(_STORAGE) else _MODALITIES.get(modality)


def check_has_picture(sop_class: str, modality: str, has_pixels: bool) -> None:
    """Check that an object holds a picture to predict.

    Raises:
        NoPictureError: its kind holds none, or it is of a manufacturer's own class and has no pixels.
        ImageError: its class is an image or is not stated, but its pixels are missing: the file may be truncated.
    """
    found = object_without_picture(sop_class, modality)
    if found is None and not has_pixels:
        if not sop_class or sop_class.startswith(_STANDARD):
            raise ImageError("the DICOM file holds no picture (no PixelData); it may be cut, copy or export it again")
        found = "an object of a manufacturer's own class, without PixelData"
    if found is not None:
        raise NoPictureError(f"no picture to predict: the file is {found}; give the images that belong to it")


def check_not_derived(dataset: DataSet, sop_class: str) -> None:
    """Check that a picture was not made from others: by this package, or as a secondary capture that its header calls derived or drawn.

    Args:
        dataset: with the elements of `TAGS`.
        sop_class: of the object.

    Raises:
        NoPictureError: it was.
    """
    found = None
    if dataset.text(_MODEL) == OUR_MODEL:
        found = "a picture that usseg-monai made of its results"
    elif sop_class == _CAPTURE or sop_class.startswith(f"{_CAPTURE}."):
        found = _DRAWN.get(dataset.text(_CONVERSION))
        if found is None and dataset.text(_IMAGE_TYPE).partition("\\")[0].strip() == "DERIVED":
            found = "a secondary capture that was made from other images (ImageType DERIVED)"
    if found is not None:
        raise NoPictureError(f"no picture to predict: the file is {found}; give the images that it was made of, or its pixels as PNG")
