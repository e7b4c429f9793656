"""Compressed DICOM frames: which library decodes a codestream, and what to install where none does."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from usseg_monai.errors import ImageError
from usseg_monai.imaging.codestream import Codestream, check_scans

RLE = "1.2.840.10008.1.2.5"
ENCAPSULATED = "1.2.840.10008.1.2.1.98"
_HIGH_THROUGHPUT = {f"1.2.840.10008.1.2.4.20{number}" for number in (1, 2, 3)}
_JPEG = {f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70, 80, 81, 90, 91)}
COMPRESSED = _JPEG | _HIGH_THROUGHPUT | {RLE, ENCAPSULATED}
"""Transfer syntaxes whose frames are encapsulated and can be decoded, some with packages of the extra ``codecs`` only."""

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
_LIBJPEG = "pip install pylibjpeg pylibjpeg-libjpeg (GPL, so not among ours)"


def decode_frame(frame: memoryview, code: Codestream, syntax: str, interpretation: str) -> tuple[npt.NDArray[Any], str]:
    """Samples of a compressed frame, ``(rows, cols)`` or ``(rows, cols, 3)``, and the photometric interpretation that holds for them.

    Args:
        frame: the codestream, with the boxes of a JP2 file or without.
        code: its header, whose size passed the limits.
        syntax: transfer syntax of the file; the codestream is believed before it.
        interpretation: photometric interpretation of the compressed samples.

    Raises:
        ImageError: no installed library decodes it.
    """
    if code.kind == "jpeg" and code.precision == 8:
        return _decode_jpeg(bytes(frame), code, interpretation)
    bare = bytes(frame[code.begin : code.end])  # the boxes are no business of DICOM's, and decoders follow them anywhere
    high_throughput = syntax in _HIGH_THROUGHPUT
    if code.kind == "jpeg_2000" and code.components == 3 and code.precision == 8 and not high_throughput:
        return _decode_colour_jpeg_2000(bare), "RGB" if interpretation in ("YBR_ICT", "YBR_RCT") else interpretation
    return _decode_by_plugin(bare, code, syntax if high_throughput else _SYNTAX[code.kind], interpretation)


def _decode_jpeg(frame: bytes, code: Codestream, interpretation: str) -> tuple[npt.NDArray[Any], str]:
    check_scans(frame)
    image = Image.open(BytesIO(frame), formats=["JPEG"])
    if code.components == 1:
        return np.asarray(image), interpretation
    if code.stored_as == "RGB":
        return np.asarray(image), "RGB"
    image.draft("YCbCr", image.size)  # as it is stored: what the samples mean is the header's to say
    if interpretation == "RGB":
        return np.asarray(image), interpretation
    return np.asarray(image.getchannel(0)), interpretation


def _decode_colour_jpeg_2000(bare: bytes) -> npt.NDArray[Any]:
    with Image.open(BytesIO(bare), formats=["JPEG2000"]) as image:
        return np.asarray(image)


def _decode_by_plugin(bare: bytes, code: Codestream, syntax: str, interpretation: str) -> tuple[npt.NDArray[Any], str]:
    from pydicom.encaps import encapsulate
    from pydicom.pixels.decoders.base import get_decoder

    decoder = get_decoder(syntax)
    usable = [name for name in _PLUGINS[code.kind] if name in decoder.available_plugins and _can_decode(name, code)]
    if not usable:
        install = _LIBJPEG if code.kind == "jpeg" else _EXTRA
        name = f"{_NAMES[code.kind]} ({code.precision} bits, {code.components} samples a pixel)"
        raise ImageError(f"{name} needs another package: {install}; or convert the file, for example by 'dcmconv' or 'gdcmconv --raw'")
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
    samples, properties = decoder.as_array(file, index=0, raw=True, decoding_plugin=usable[0], **options)
    return samples, str(properties["photometric_interpretation"])


def _can_decode(plugin: str, code: Codestream) -> bool:
    """Pillow reduces colours of more than 8 bits, and has no samples of more than 16."""
    return plugin != "pillow" or code.precision <= (16 if code.components == 1 else 8)
