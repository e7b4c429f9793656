"""Small files of every format, written by the libraries that users write them with, so that our reader is held against others' work.

All show the same picture: 37 x 53 pixels, grey ramps and an L off the centre, so that no turn, flip or transposition goes unseen.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

ROWS, COLS = 37, 53
SPACING_MM = (0.25, 0.5)

ByteArray = npt.NDArray[np.uint8]


def l_mask() -> ByteArray:
    """An L, 0 and 1: a long upright at the left, a short foot to the right."""
    mask = np.zeros((ROWS, COLS), np.uint8)
    mask[4:24, 7:12] = 1
    mask[19:24, 7:31] = 1
    return mask


def picture() -> ByteArray:
    """Grey ramps in both directions, the L in white."""
    row, col = np.mgrid[:ROWS, :COLS]
    return np.where(l_mask() == 1, 255, 2 * row + col).astype(np.uint8)


def pillow_bytes(pixels: npt.NDArray[Any] | Image.Image, kind: str, **options: Any) -> bytes:
    """A file of Pillow's."""
    file = BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(file, format=kind, **options)
    return file.getvalue()


def tiff_pages(pages: list[npt.NDArray[Any]], **options: Any) -> bytes:
    """A TIFF with several pages."""
    first, *others = map(Image.fromarray, pages)
    return pillow_bytes(first, "TIFF", save_all=True, append_images=others, **options)


def nifti_bytes(
    pixels: npt.NDArray[Any], *, spacing_mm: tuple[float, float] | None = SPACING_MM, suffix: str = ".nii", **scale: float
) -> bytes:
    """A NIfTI file of nibabel's; `pixels` are ``(rows, cols[, slices])``."""
    import nibabel

    array = np.swapaxes(pixels, 0, 1)
    zooms = (spacing_mm[1], spacing_mm[0]) if spacing_mm else (1.0, 1.0)
    image = nibabel.Nifti1Image(array, np.diag([*zooms, 1.0, 1.0]))
    image.header.set_zooms((*zooms, *([1.0] * (array.ndim - 2))))
    if spacing_mm:
        image.header.set_xyzt_units("mm")
    if scale:
        image.header.set_slope_inter(scale["slope"], scale["intercept"])
    return _written(lambda path: nibabel.save(image, path), suffix)


def itk_bytes(
    pixels: npt.NDArray[Any],
    suffix: str,
    *,
    spacing_mm: tuple[float, ...] | None = SPACING_MM,
    compress: bool = False,
    vector: bool = False,
) -> bytes:
    """A NRRD or MetaImage file of ITK's; `pixels` are ``([slices,] rows, cols[, channels])``, the spacing in the same order."""
    import itk

    image = itk.image_from_array(pixels, is_vector=vector)
    if spacing_mm:
        image.SetSpacing([float(step) for step in reversed(spacing_mm)])
    return _written(lambda path: itk.imwrite(image, str(path), compression=compress), suffix)


def dicom_dataset(pixels: npt.NDArray[Any], **elements: Any) -> Any:
    """A dataset of pydicom's: an ultrasound image of ``([frames,] rows, cols)``, with ``SamplesPerPixel=3`` and channels behind."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = elements.pop("syntax", ExplicitVRLittleEndian)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = UltrasoundImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid(entropy_srcs=["sample"])
    dataset.PatientName = "Doe^Jane"
    dataset.PatientID = "4711"
    samples = elements.get("SamplesPerPixel") or 1
    shape = pixels.shape[:-1] if samples == 3 else pixels.shape
    dataset.Rows, dataset.Columns = shape[-2:]
    if len(shape) == 3:
        dataset.NumberOfFrames = shape[0]
    bits = 8 * pixels.dtype.itemsize
    dataset.SamplesPerPixel = samples
    dataset.PhotometricInterpretation = "RGB" if samples == 3 else "MONOCHROME2"
    if samples > 1:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    data = pixels.tobytes()
    dataset.add_new("PixelData", "OB" if bits == 8 else "OW", data + b"\0" * (len(data) % 2))
    for name, value in elements.items():
        if value is not None:
            setattr(dataset, name, value)
        elif name in dataset:
            delattr(dataset, name)
    return dataset


def dicom_bytes(pixels: npt.NDArray[Any], **elements: Any) -> bytes:
    """A DICOM file of pydicom's; elements override those of `dicom_dataset`, ``None`` leaves one out; ``syntax``: the transfer syntax."""
    dataset = dicom_dataset(pixels, **elements)
    file = BytesIO()
    syntax = dataset.file_meta.TransferSyntaxUID
    dataset.save_as(file, enforce_file_format=True, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian)
    return file.getvalue()


def dicom_compressed_bytes(frames: list[bytes], pixels: npt.NDArray[Any], syntax: str, **elements: Any) -> bytes:
    """A DICOM file with encapsulated frames."""
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID

    dataset = dicom_dataset(pixels, syntax=UID(syntax), **elements)
    dataset.PixelData = encapsulate(frames)
    dataset["PixelData"].is_undefined_length = True
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True, implicit_vr=False, little_endian=True)
    return file.getvalue()


def dicom_with_raw(pixels: npt.NDArray[Any], tag: int, vr: str, value: bytes, **elements: Any) -> bytes:
    """A DICOM file, Explicit VR Little Endian, with one element whose VR and bytes are as given, whatever pydicom thinks of them."""
    mark = b"PLACE OF THE VALUE"
    dataset = dicom_dataset(pixels, **elements)
    dataset.add_new(tag, "LO", mark.decode())
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True, implicit_vr=False, little_endian=True)
    data = file.getvalue()
    at = data.index(mark) - 8
    value += b"\0" * (len(value) % 2) if vr in ("OB", "UN", "UI") else b" " * (len(value) % 2)
    long = vr in ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UC", "UN", "UR", "UT")
    length = b"\0\0" + len(value).to_bytes(4, "little") if long else len(value).to_bytes(2, "little")
    return data[: at + 4] + vr.encode() + length + value + data[at + 8 + len(mark) :]


def ultrasound_region(
    box: tuple[int, int, int, int], delta_cm: tuple[float, float], *, units: int = 3, spatial_format: int = 1, data_type: int = 1
) -> Any:
    """An item of SequenceOfUltrasoundRegions: box ``(left, top, right, bottom)``, step ``(row, col)`` in cm."""
    from pydicom.dataset import Dataset

    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType = spatial_format, data_type
    region.RegionLocationMinX0, region.RegionLocationMinY0, region.RegionLocationMaxX1, region.RegionLocationMaxY1 = box
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = units
    region.PhysicalDeltaY, region.PhysicalDeltaX = delta_cm
    return region


def png_chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG, with a right checksum."""
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")


def png_of_zeros(rows: int, cols: int) -> bytes:
    """A black PNG of 1 bit a pixel, built without holding the picture."""
    engine = zlib.compressobj(9)
    line = b"\0" * (1 + (cols + 7) // 8)
    body = b"".join(engine.compress(line) for _ in range(rows)) + engine.flush()
    header = cols.to_bytes(4, "big") + rows.to_bytes(4, "big") + b"\x01\0\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


def video_bytes(
    frames: Sequence[npt.NDArray[Any]],
    container: str = "mp4",
    codec: str = "libx264",
    pixels: str = "yuv420p",
    *,
    stored: str = "gray",
    times: Sequence[int] | None = None,
    aspect: Fraction | None = None,
    sound: bool = False,
    **options: str,
) -> bytes:
    """A video of FFmpeg's, 25 frames a second.

    Args:
        frames: grey, or of the kind of pixels that ``stored`` names.
        container: of the file.
        codec: encoder; H.264 is lossless unless ``options`` say otherwise.
        pixels: kind of pixels in the file.
        stored: kind of pixels of the frames.
        times: of each frame, in milliseconds.
        aspect: width to height of a pixel.
        sound: whether it has a silent sound track.
        options: of the encoder.
    """
    import av

    buffer = BytesIO()
    with av.open(buffer, "w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=25, options=options or ({"qp": "0"} if codec == "libx264" else {}))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        if pixels.startswith("gray"):
            stream.codec_context.color_range = 2  # black is 0
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        audio: Any = file.add_stream("aac" if container != "avi" else "mp2", rate=44100, layout="mono") if sound else None
        for number, each in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(each), format=stored)
            if stored != pixels:
                frame = frame.reformat(format=pixels)
            if times is not None:
                frame.pts, frame.time_base = times[number], Fraction(1, 1000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
        if audio is not None:
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 44100), np.float32), format="fltp", layout="mono")
            silence.sample_rate = 44100
            file.mux(audio.encode(silence))
            file.mux(audio.encode())
    return buffer.getvalue()


_WRITERS: dict[str, Callable[[ByteArray], bytes]] = {
    "png": lambda pixels: pillow_bytes(pixels, "PNG"),
    "jpeg": lambda pixels: pillow_bytes(pixels, "JPEG", quality=100),
    "tiff": lambda pixels: pillow_bytes(pixels, "TIFF"),
    "tiff_deflate": lambda pixels: pillow_bytes(pixels, "TIFF", compression="tiff_adobe_deflate"),
    "bmp": lambda pixels: pillow_bytes(pixels, "BMP"),
    "nifti": nifti_bytes,
    "nifti_gz": lambda pixels: nifti_bytes(pixels, suffix=".nii.gz"),
    "nrrd": lambda pixels: itk_bytes(pixels, ".nrrd"),
    "nrrd_gz": lambda pixels: itk_bytes(pixels, ".nrrd", compress=True),
    "mha": lambda pixels: itk_bytes(pixels, ".mha"),
    "mha_zlib": lambda pixels: itk_bytes(pixels, ".mha", compress=True),
    "dicom": lambda pixels: dicom_bytes(pixels, PixelSpacing=list(SPACING_MM)),
    "mp4": lambda pixels: video_bytes([pixels], pixels="gray"),
    "mov": lambda pixels: video_bytes([pixels], "mov", "png", "gray"),
    "avi": lambda pixels: video_bytes([pixels], "avi", "rawvideo", "gray"),
}
FORMATS = tuple(_WRITERS)
SUFFIX = {name: f".{name.split('_')[0]}" for name in FORMATS} | {"nifti": ".nii", "nifti_gz": ".nii.gz", "dicom": ".dcm"}
WITH_SPACING = tuple(name for name in FORMATS if name.startswith(("nifti", "nrrd", "mha", "dicom")))


def as_file(name: str, pixels: ByteArray) -> bytes:
    """Grey pixels as a file of the named format."""
    return _WRITERS[name](pixels)


@cache
def sample(name: str) -> bytes:
    """The picture as a file of the named format."""
    return as_file(name, picture())


def mask_sample(name: str) -> bytes:
    """The L as a mask of 0 and 255 in the named format."""
    return as_file(name, l_mask() * 255)


def _written(write: Callable[[Path], Any], suffix: str) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"sample{suffix}"
        write(path)
        return path.read_bytes()
