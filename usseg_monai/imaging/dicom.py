"""DICOM, single and multi-frame, through pydicom.

Only the elements that describe the pixels, their place and their time are read: nothing about the patient enters the process's objects.
Grey values are the stored ones (no window, no rescale); MONOCHROME1, where 0 is white, is inverted.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from io import BufferedReader
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError
from usseg_monai.imaging.codestream import check_scans, codestream_size
from usseg_monai.imaging.file_bytes import BufferFile
from usseg_monai.imaging.frames import Frames
from usseg_monai.imaging.image import Place, Spacing, is_spacing
from usseg_monai.imaging.limits import Limits

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.pixels.decoders.base import Decoder

_IMPLICIT = "1.2.840.10008.1.2"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_DEFLATED = "1.2.840.10008.1.2.1.99"
_JPEG_FAMILY = "1.2.840.10008.1.2.4."
_TAGS = [
    "AcquisitionTime",
    "BitsAllocated",
    "BitsStored",
    "BluePaletteColorLookupTableData",
    "BluePaletteColorLookupTableDescriptor",
    "CardiacNumberOfImages",
    "Columns",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "GreenPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableDescriptor",
    "HighBit",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "InstanceNumber",
    "Modality",
    "NumberOfFrames",
    "PhotometricInterpretation",
    "PixelData",
    "PixelRepresentation",
    "PixelSpacing",
    "PlanarConfiguration",
    "RedPaletteColorLookupTableData",
    "RedPaletteColorLookupTableDescriptor",
    "Rows",
    "SamplesPerPixel",
    "SequenceOfUltrasoundRegions",
    "SeriesInstanceUID",
    "SharedFunctionalGroupsSequence",
    "StudyInstanceUID",
    "TriggerTime",
]
_CENTIMETRES = 3  # PhysicalUnitsXDirection, PS3.3 C.8.5.5.1.15
_TWO_DIMENSIONAL = 1  # RegionSpatialFormat, PS3.3 C.8.5.5.1.1
_LARGEST_NUMBER = 2.0**31  # of InstanceNumber (PS3.5, 6.2); places in mm and times in ms are far smaller


def open_dicom(data: bytes | memoryview, limits: Limits) -> Frames:
    """Open a DICOM file.

    Args:
        data: the whole file, preamble included.
        limits: bounds of a frame and of the file.

    Raises:
        ImageError: deflated, no pixels, fewer pixels than declared, a compression that no installed library decodes.
    """
    syntax, dataset = _read(data)
    if "PixelData" not in dataset:
        raise ImageError("the DICOM file holds no picture (no PixelData)")
    samples = int(dataset.SamplesPerPixel)
    if samples not in (1, 3):
        raise ImageError(f"{samples} samples a pixel: only 1 (grey or palette) and 3 (colour) are read")
    rows, cols = int(dataset.Rows), int(dataset.Columns)
    count = int(dataset.get("NumberOfFrames") or 1)
    limits.check(rows, cols, count)
    decoder = _decoder(syntax)
    if not decoder.UID.is_encapsulated:
        _check_length(dataset, rows * cols * count * samples)

    def load(index: int) -> npt.NDArray[Any]:
        if syntax.startswith(_JPEG_FAMILY):
            _check_codestream(dataset, index, count, rows, cols)
        stored, properties = decoder.as_array(dataset, index=index, raw=True)
        return _displayed(stored, str(properties["photometric_interpretation"]), dataset)

    return Frames("dicom", count, _spacing(dataset, rows, cols), load, lambda index: _place(dataset, index))


def _read(data: bytes | memoryview) -> tuple[str, Dataset]:
    """Transfer syntax and the elements of the pixels.

    In two steps and not by ``dcmread``, which inflates a deflated file whole (400 kB of it to 850 MB) whatever else it is told.
    """
    from pydicom.filereader import read_dataset
    from pydicom.tag import Tag

    file = BufferedReader(BufferFile(data))
    file.seek(132)  # the preamble; behind it the elements of group 2, always Explicit VR Little Endian (PS3.10, 7.1)
    meta = read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2)
    syntax = str(meta.get("TransferSyntaxUID", ""))
    if not syntax:
        raise ImageError("no TransferSyntaxUID: how the DICOM file is written is not known; export it again")
    if syntax == _DEFLATED:
        raise ImageError("a deflated DICOM file (1.2.840.10008.1.2.1.99) is not read; convert it, for example by 'dcmconv +te'")
    encoding = syntax == _IMPLICIT, syntax != _BIG_ENDIAN
    dataset = read_dataset(file, *encoding, specific_tags=[Tag(name) for name in _TAGS])
    dataset.set_original_encoding(*encoding)
    return syntax, dataset


def _decoder(syntax: str) -> Decoder:
    from pydicom.pixels.decoders.base import get_decoder

    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise ImageError(f"transfer syntax {syntax[:64]!r} is not known; convert the file to Explicit VR Little Endian") from None
    if not decoder.is_available:
        plugins = ", ".join(decoder.missing_dependencies)
        raise ImageError(f"{decoder.UID.name} needs another package ({plugins}); install one, or convert to Explicit VR Little Endian")
    return decoder


def _check_length(dataset: Dataset, samples: int) -> None:
    """Pixels that are there against pixels declared: pydicom hands out a short element without a word."""
    bits = int(dataset.BitsAllocated)
    if dataset.PhotometricInterpretation == "YBR_FULL_422":
        samples = samples * 2 // 3  # two pixels share their colour
    declared, found = math.ceil(samples * bits / 8), len(dataset.PixelData)
    if found < declared:
        raise ImageError(f"{found} bytes of pixels, {declared} were declared; the file is cut, copy or export it again")


def _check_codestream(dataset: Dataset, index: int, count: int, rows: int, cols: int) -> None:
    """A compressed frame has a size of its own; decoders obey that one, so it must be the one that passed the limits."""
    from pydicom.encaps import get_frame

    frame = get_frame(dataset.PixelData, index, number_of_frames=count)
    if frame.startswith(b"\xff\xd8"):
        check_scans(frame)
    size = codestream_size(frame)
    if size != (rows, cols):
        raise ImageError(f"frame {index} is compressed as {size[0]} x {size[1]} pixels, {rows} x {cols} were declared; export it again")


def _displayed(stored: npt.NDArray[Any], interpretation: str, dataset: Dataset) -> npt.NDArray[Any]:
    """Grey or RGB samples whose larger values are brighter."""
    if interpretation == "MONOCHROME1":
        brightest = -1 if int(dataset.PixelRepresentation) else 2 ** int(dataset.BitsStored) - 1  # -1 - v mirrors a signed range
        inverted: npt.NDArray[np.float32] = np.float32(brightest) - stored.astype(np.float32)
        return inverted
    if interpretation == "PALETTE COLOR":
        from pydicom.pixels.processing import apply_color_lut

        colors: npt.NDArray[Any] = apply_color_lut(stored, dataset)
        return colors
    if interpretation.startswith("YBR") and stored.ndim == 3:
        luminance: npt.NDArray[Any] = stored[..., 0]
        return luminance
    if interpretation in ("MONOCHROME2", "RGB"):
        return stored
    raise ImageError(f"photometric interpretation {interpretation[:20]!r}: only MONOCHROME, PALETTE COLOR, RGB and YBR are read")


def _spacing(dataset: Dataset, rows: int, cols: int) -> Spacing | None:
    """From the ultrasound regions, else PixelSpacing, of an enhanced object that of its shared pixel measures."""
    regions = dataset.get("SequenceOfUltrasoundRegions") or ()
    if (spacing := region_spacing(regions, rows, cols)) is not None:
        return spacing
    steps = dataset.get("PixelSpacing")
    if steps is None:
        for group in dataset.get("SharedFunctionalGroupsSequence") or ():
            for measures in group.get("PixelMeasuresSequence") or ():
                steps = measures.get("PixelSpacing")
    return _positive(*map(float, steps)) if steps and len(steps) == 2 else None


def region_spacing(regions: Sequence[Dataset], rows: int, cols: int) -> Spacing | None:
    """Spacing of the ultrasound region that holds the picture (PS3.3 C.8.5.5).

    Of the two-dimensional regions calibrated in centimetres: the ones that hold the centre of the picture before others, then the largest.
    """
    best: tuple[tuple[bool, int], Spacing] | None = None
    for region in regions:
        units = region.get("PhysicalUnitsXDirection"), region.get("PhysicalUnitsYDirection")
        if units != (_CENTIMETRES, _CENTIMETRES) or region.get("RegionSpatialFormat", _TWO_DIMENSIONAL) != _TWO_DIMENSIONAL:
            continue
        spacing = _positive(abs(float(region.PhysicalDeltaY)) * 10, abs(float(region.PhysicalDeltaX)) * 10)
        left, right = int(region.RegionLocationMinX0), int(region.RegionLocationMaxX1)
        top, bottom = int(region.RegionLocationMinY0), int(region.RegionLocationMaxY1)
        rank = (left <= cols // 2 <= right and top <= rows // 2 <= bottom, (right - left) * (bottom - top))
        if spacing is not None and (best is None or rank > best[0]):
            best = rank, spacing
    return None if best is None else best[1]


def _positive(row: float, col: float) -> Spacing | None:
    return (row, col) if is_spacing(row, col) else None


def _place(dataset: Dataset, index: int) -> Place:
    """Place and time of the slice; in a file of several frames these stand elsewhere and only the frame's index is known."""
    modality = str(dataset.get("Modality", ""))[:16]
    study, series = (_digest(dataset, name) for name in ("StudyInstanceUID", "SeriesInstanceUID"))
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        return Place(modality, study, series, number=index)
    number, phases = (_numbers(dataset, name, 1) for name in ("InstanceNumber", "CardiacNumberOfImages"))
    time_ms = _numbers(dataset, "TriggerTime", 1)
    position = _numbers(dataset, "ImagePositionPatient", 3)
    return Place(
        modality=modality,
        study=study,
        series=series,
        position_mm=(position[0], position[1], position[2]) if position else None,
        normal=_normal(_numbers(dataset, "ImageOrientationPatient", 6)),
        time_ms=time_ms[0] if time_ms else None,
        number=int(number[0]) if number else None,
        acquired_s=_seconds(str(dataset.get("AcquisitionTime", ""))),
        phases=int(phases[0]) if phases else None,
    )


def _digest(dataset: Dataset, name: str) -> str:
    """Tells identifiers apart without keeping them, as a UID may lead to the patient; their bytes, as pydicom warns of odd ones."""
    element = dataset.get_item(name)
    value = None if element is None else element.value
    identifier = value if isinstance(value, bytes) else str(value or "").encode()
    return hashlib.sha256(identifier).hexdigest()[:16] if identifier else ""


def _numbers(dataset: Dataset, name: str, count: int) -> tuple[float, ...] | None:
    """So many numbers of an element, or ``None`` where they cannot be: a picture is read whatever else its header holds."""
    try:
        value = dataset[name].value
        numbers = tuple(map(float, value if count > 1 else [value]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return numbers if len(numbers) == count and all(abs(number) <= _LARGEST_NUMBER for number in numbers) else None  # NaN is not


def _normal(orientation: tuple[float, ...] | None) -> tuple[float, float, float] | None:
    """Unit vector across the slice from the directions of its rows and columns (PS3.3 C.7.6.2.1.1)."""
    if orientation is None:
        return None
    across = np.cross(orientation[:3], orientation[3:])
    length = float(np.linalg.norm(across))
    if length < 0.5:  # the directions are perpendicular unit vectors, or they say nothing
        return None
    x, y, z = (across / length).tolist()
    return x, y, z


def _seconds(time: str) -> float | None:
    """Seconds of a DICOM time ``HHMMSS.FFFFFF``; shorter ones leave out what follows.

    >>> _seconds("083920.5"), _seconds("0839"), _seconds("noon")
    (31160.5, 31140.0, None)
    """
    match = re.fullmatch(r"(\d\d)(\d\d)?(\d\d(?:\.\d+)?)?", time.strip())
    if match is None:
        return None
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + seconds
