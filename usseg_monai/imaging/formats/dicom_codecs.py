"""Compressed DICOM frames: which library decodes a codestream, and what to install if none does."""

from __future__ import annotations

import re
from contextlib import suppress
from importlib.util import find_spec
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from usseg_monai.errors import ImageError
from usseg_monai.imaging.formats.codestream import Codestream, check_scans

__all__ = ["COMPRESSED", "ENCAPSULATED", "RLE", "decode_frame", "unread_syntax"]

RLE = "1.2.840.10008.1.2.5"
ENCAPSULATED = "1.2.840.10008.1.2.1.98"
_HIGH_THROUGHPUT = {f"1.2.840.10008.1.2.4.20{number}" for number in (1, 2, 3)}
_JPEG = {f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70, 80, 81, 90, 91)}
COMPRESSED = _JPEG | _HIGH_THROUGHPUT | {RLE, ENCAPSULATED}
"""Transfer syntaxes with encapsulated frames that can be decoded, some only with packages of the extra ``codecs``."""

_UNREAD = (
    (range(92, 94), "JPEG 2000 of part 2"),
    (range(94, 96), "JPIP, pixels that lie on a server,"),
    (range(100, 109), "MPEG video"),
    (range(110, 113), "JPEG XL"),
)
_SYNTAX = {
    "jpeg": "1.2.840.10008.1.2.4.51",
    "jpeg_lossless": "1.2.840.10008.1.2.4.57",
    "jpeg_ls": "1.2.840.10008.1.2.4.80",
    "jpeg_2000": "1.2.840.10008.1.2.4.90",
}
_PLUGINS = {
    "jpeg": ("pylibjpeg",),
    "jpeg_lossless": ("gdcm", "pylibjpeg"),
    "jpeg_ls": ("pyjpegls", "gdcm", "pylibjpeg"),
    "jpeg_2000": ("pillow", "pylibjpeg", "gdcm"),
}
_NAMES = {"jpeg": "JPEG of 12 bits", "jpeg_lossless": "JPEG Lossless", "jpeg_ls": "JPEG-LS", "jpeg_2000": "JPEG 2000"}
_EXTRA = "pip install 'usseg-monai[codecs]'"


def unread_syntax(syntax: str) -> str | None:
    """Name of a transfer syntax whose pixels cannot be decoded here; ``None`` for all others.

    >>> unread_syntax("1.2.840.10008.1.2.4.102"), unread_syntax("1.2.840.10008.1.2.4.50")
    ('MPEG video', None)
    """
    family, _, number = syntax.rpartition(".")
    if family != "1.2.840.10008.1.2.4" or not re.fullmatch(r"[0-9]{1,3}", number):
        return None
    return next((name for numbers, name in _UNREAD if int(number) in numbers), None)


def decode_frame(frame: memoryview, code: Codestream, syntax: str, interpretation: str) -> tuple[npt.NDArray[Any], str]:
    """Samples of a compressed frame, ``(rows, cols)`` or ``(rows, cols, 3)``, and the photometric interpretation that holds for them.

    Args:
        frame: the codestream, with the boxes of a JP2 file or without.
        code: its header, whose size passed the limits.
        syntax: transfer syntax of the file; the codestream takes precedence.
        interpretation: photometric interpretation of the compressed samples.

    Raises:
        ImageError: no installed library decodes it.
    """
    if code.kind == "jpeg" and code.precision == 8:
        return _decode_jpeg(bytes(frame), code, interpretation)
    bare = bytes(frame[code.begin : code.end])  # boxes are not part of DICOM, and decoders follow them anywhere
    if code.kind == "jpeg" and code.precision == 12 and code.components == 1 and find_spec("gdcm"):
        with suppress(ImageError):
            return _decode_by_plugin(bare, code, _SYNTAX["jpeg"], interpretation)
        return _decode_deep_jpeg(bare, code), interpretation
    high_throughput = syntax in _HIGH_THROUGHPUT
    if code.kind == "jpeg_2000" and code.components == 3 and code.precision == 8 and not high_throughput:
        with suppress(OSError):  # Pillow fails on streams that others decode
            return _decode_colour_jpeg_2000(bare), "RGB" if interpretation in ("YBR_ICT", "YBR_RCT") else interpretation
    return _decode_by_plugin(bare, code, syntax if high_throughput else _SYNTAX[code.kind], interpretation)


def _decode_jpeg(frame: bytes, code: Codestream, interpretation: str) -> tuple[npt.NDArray[Any], str]:
    check_scans(frame)
    image = Image.open(BytesIO(frame), formats=["JPEG"])
    if code.components == 1:
        return np.asarray(image), interpretation
    if code.stored_as == "RGB":
        return np.asarray(image), "RGB"
    image.draft("YCbCr", image.size)  # as stored: the header states what the samples mean
    if interpretation == "RGB":
        return np.asarray(image), interpretation
    return np.asarray(image.getchannel(0)), interpretation


def _decode_colour_jpeg_2000(bare: bytes) -> npt.NDArray[Any]:
    with Image.open(BytesIO(bare), formats=["JPEG2000"]) as image:
        return np.asarray(image)


def _decode_deep_jpeg(bare: bytes, code: Codestream) -> npt.NDArray[np.uint16]:
    """Grey JPEG of 12 bits by GDCM, as in pydicom's plugin, which does not support this kind."""
    import gdcm

    gdcm.Trace.WarningOff()
    fragment, fragments, element, image = gdcm.Fragment(), gdcm.SequenceOfFragments.New(), gdcm.DataElement(), gdcm.Image()
    fragment.SetByteStringValue(bare)
    fragments.AddFragment(fragment)
    element.SetTag(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image.SetNumberOfDimensions(2)
    image.SetDimensions((code.cols, code.rows, 1))
    image.SetDataElement(element)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(_SYNTAX["jpeg"])))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, code.precision, code.precision - 1, 0))
    samples = np.frombuffer(image.GetBuffer().encode("utf-8", "surrogateescape"), "<u2")  # GDCM returns bytes as text
    if samples.size != code.rows * code.cols:
        raise ImageError("a JPEG frame of 12 bits that gdcm cannot decode; the file is damaged, export it again")
    return samples.reshape(code.rows, code.cols)


def _decode_by_plugin(bare: bytes, code: Codestream, syntax: str, interpretation: str) -> tuple[npt.NDArray[Any], str]:
    from pydicom.encaps import encapsulate
    from pydicom.pixels.decoders.base import get_decoder

    decoder = get_decoder(syntax)
    usable = [name for name in _PLUGINS[code.kind] if name in decoder.available_plugins and _can_decode(name, code)]
    options: dict[str, Any] = {
        "rows": code.rows,
        "columns": code.cols,
        "number_of_frames": 1,
        "samples_per_pixel": code.components,
        "planar_configuration": 0,
        "photometric_interpretation": interpretation,
        "bits_allocated": 8 if code.precision <= 8 else 16 if code.precision <= 16 else 32,
        "bits_stored": code.precision,
        "pixel_representation": int(code.signed),
        "pixel_keyword": "PixelData",
    }
    file = encapsulate([bare], has_bot=False)
    for name in usable:
        with suppress(RuntimeError):  # another plugin may succeed
            samples, properties = decoder.as_array(file, index=0, raw=True, decoding_plugin=name, **options)
            return samples, str(properties["photometric_interpretation"])
    raise _undecoded(code, syntax)


def _undecoded(code: Codestream, syntax: str) -> ImageError:
    what = f"{_NAMES[code.kind]} ({code.precision} bits, {code.components} samples per pixel)"
    if code.kind == "jpeg_2000" and syntax not in _HIGH_THROUGHPUT and code.precision <= (16 if code.components == 1 else 8):
        what += " that Pillow gives up on, damaged or too large for the memory that a file may take,"
    return ImageError(f"{what} needs another package: {_EXTRA}; or convert the file, for example by 'gdcmconv --raw'")


def _can_decode(plugin: str, code: Codestream) -> bool:
    """Pillow has no samples above 16 bits, and reduces colours to 8 bits; 8-bit colours were tried with it before."""
    return plugin != "pillow" or (code.components == 1 and code.precision <= 16)
