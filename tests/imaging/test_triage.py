"""What is decoded in this process: files just within each bound are, files just beyond it are not."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.imaging.samples import (
    FORMATS,
    dicom_bytes,
    dicom_compressed_bytes,
    picture,
    pillow_bytes,
    png_chunk,
    sample,
    tiff_pages,
    ultrasound_region,
)
from usseg_monai.imaging import Limits, isolated, read_image, triage
from usseg_monai.imaging.decode import open_frames
from usseg_monai.imaging.kind import kind_of
from usseg_monai.imaging.triage import is_cheap, unpacks_cheaply

JPEG = "1.2.840.10008.1.2.4.50"


def cheap(data: bytes, kind: str = "") -> bool:
    """Whether a file is opened in this process, be it only to find out what is wrong with it."""
    try:
        kind = kind or kind_of(data)
        return is_cheap(data, kind) and unpacks_cheaply(len(data), open_frames(data, kind, Limits()).unpacks_to)
    except Exception:
        return True


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("mp4", "mov", "avi")])  # videos never do
def test_ordinary_files_stay_here(name: str) -> None:
    assert cheap(sample(name))


@pytest.mark.parametrize(
    "image",
    [
        pillow_bytes(Image.fromarray(picture()).convert("RGB"), "PNG"),
        pillow_bytes(picture().astype(np.uint16), "PNG"),
        pillow_bytes(Image.fromarray(picture()), "JPEG", progressive=True, comment=b"made by a camera", dpi=(72, 72)),
        pillow_bytes(Image.fromarray(picture()).convert("RGB"), "BMP"),
        pillow_bytes(Image.fromarray(picture()).convert("RGB"), "TIFF", compression="tiff_lzw"),
        pillow_bytes(picture(), "TIFF", big_tiff=True),
        dicom_bytes(np.stack([picture()] * 3), SequenceOfUltrasoundRegions=[ultrasound_region((0, 0, 9, 9), (1, 1))]),
        dicom_bytes(picture(), syntax="1.2.840.10008.1.2"),
        dicom_bytes(picture(), syntax="1.2.840.10008.1.2.2"),
        dicom_bytes(picture(), syntax="1.2.840.10008.1.2")[132:],
        dicom_compressed_bytes([pillow_bytes(picture(), "JPEG")] * 3, np.stack([picture()] * 3), JPEG),
    ],
    ids=["colour", "16 bit", "progressive", "bmp", "lzw", "big tiff", "cine", "implicit", "big endian", "bare", "jpeg"],
)
def test_variants_stay_here(image: bytes) -> None:
    from usseg_monai.imaging.formats.dicom_kind import looks_like_dicom

    assert cheap(image, "dicom" if looks_like_dicom(image) else kind_of(image))


def test_an_undefined_length_is_walked_through() -> None:
    from io import BytesIO

    from pydicom import dcmread

    data = dicom_bytes(picture(), SequenceOfUltrasoundRegions=[ultrasound_region((0, 0, 9, 9), (1, 1))])
    dataset = dcmread(BytesIO(data))
    dataset["SequenceOfUltrasoundRegions"].is_undefined_length = True
    dataset.SequenceOfUltrasoundRegions[0].is_undefined_length_sequence_item = True
    file = BytesIO()
    dataset.save_as(file)
    assert b"\xff\xff\xff\xff" in file.getvalue() and cheap(file.getvalue())


def png_of_parts(parts: int) -> bytes:
    """A PNG of so many parts before the last."""
    whole = pillow_bytes(picture(), "PNG")
    return whole[:33] + png_chunk(b"prVt", b"") * (parts - 2) + whole[33:]


def png_declaring(rows: int, cols: int) -> bytes:
    header = cols.to_bytes(4, "big") + rows.to_bytes(4, "big") + b"\x10\x06\0\0\0"  # RGBA of 16 bits
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IEND", b"")


def jpeg_of_segments(segments: int) -> bytes:
    """A JPEG of so many segments before its scan."""
    whole = pillow_bytes(picture(), "JPEG")
    own = len(_segments(whole))
    return whole[:2] + b"\xff\xfe\0\2" * (segments - own) + whole[2:]


def _segments(data: bytes) -> list[int]:
    found, at = [], 2
    while data[at + 1] != 0xDA:
        found.append(data[at + 1])
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return found


def jpeg_of_scans(scans: int) -> bytes:
    """A header of 2048 x 2048 pixels, and the beginnings of so many scans."""
    whole = bytearray(pillow_bytes(picture(), "JPEG"))
    frame = whole.index(b"\xff\xc0")
    whole[frame + 5 : frame + 9] = b"\x08\0\x08\0"
    return bytes(whole) + b"\xff\xda" * (scans - 1)


def jpeg_with_long_header(length: int) -> bytes:
    """A JPEG whose scan begins so far in."""
    whole = pillow_bytes(picture(), "JPEG")
    missing = length - whole.index(b"\xff\xda")
    parts, rest = divmod(missing - 4, 60_000)
    comment = b"\xff\xfe" + (59_998).to_bytes(2, "big") + bytes(59_996)
    return whole[:2] + comment * parts + b"\xff\xfe" + (rest + 2).to_bytes(2, "big") + bytes(rest) + whole[2:]


def tiff_with_tags(more: dict[int, Any], **options: Any) -> bytes:
    return pillow_bytes(picture(), "TIFF", tiffinfo=more, **options)


def tiff_of_tags(tags: int) -> bytes:
    own = int.from_bytes(sample("tiff")[8:10], "little")
    return tiff_with_tags({65000 + number: 1 for number in range(tags - own)})


def tiff_declaring(rows: int, cols: int, tag: int = 256) -> bytes:
    """Sizes in a TIFF's directory, or of its tiles."""
    changed = bytearray(tiff_with_tags({65000: 1, 65001: 1}))
    fields = {256: (256, cols), 257: (257, rows)} if tag == 256 else {65000: (322, cols), 65001: (323, rows)}
    for at in range(10, 10 + 12 * int.from_bytes(changed[8:10], "little"), 12):
        found = int.from_bytes(changed[at : at + 2], "little")
        if found in fields:
            name, value = fields[found]
            changed[at : at + 12] = name.to_bytes(2, "little") + b"\4\0\1\0\0\0" + value.to_bytes(4, "little")
    return bytes(changed)


def dicom_of_header(length: int) -> bytes:
    """A file with so many bytes beside its pixels."""
    pixels = picture()[:36]
    lengths = len(dicom_bytes(pixels)) - pixels.size
    missing = length - lengths
    last = missing - 12  # header of an element with a long length
    return dicom_bytes(pixels, EncapsulatedDocument=bytes(last)) if missing else dicom_bytes(pixels)


def dicom_of_elements(elements: int) -> bytes:
    """A file with so many elements behind its file meta information, and the end that is looked for behind them."""
    from pydicom import dcmread
    from pydicom.filebase import DicomBytesIO

    own = len(dcmread(DicomBytesIO(dicom_bytes(picture()))))
    whole = dicom_bytes(picture())
    return whole + b"".join(b"\xe1\x7f" + (0x1000 + number).to_bytes(2, "little") + b"UN\0\0\0\0\0\0" for number in range(elements - own))


def dicom_of_jpegs(scans: int) -> bytes:
    """A file of frames of 2048 x 2048 pixels, each of one scan."""
    return dicom_compressed_bytes([jpeg_of_scans(1)] * scans, np.broadcast_to(picture(), (scans, *picture().shape)), JPEG)


def dicom_of_small_jpegs(frames: int) -> bytes:
    return dicom_compressed_bytes([pillow_bytes(picture(), "JPEG")] * frames, np.broadcast_to(picture(), (frames, *picture().shape)), JPEG)


def dicom_that_reuses_a_jpeg(frames: int) -> bytes:
    """More frames declared than there are: a table of offsets may name one of them many times."""
    return dicom_compressed_bytes([jpeg_of_scans(1)], np.broadcast_to(picture(), (frames, *picture().shape)), JPEG)


def dicom_of_palette(bytes_of_pixels: int) -> bytes:
    pixels = bytes(bytes_of_pixels)
    return dicom_bytes(
        picture(), PixelData=pixels, RedPaletteColorLookupTableDescriptor=[256, 0, 8], RedPaletteColorLookupTableData=bytes(256)
    )


def nifti_packed(cols: int) -> bytes:
    """The header of a NIfTI file of 4 slices of 4096 rows, packed."""
    header = bytearray(352)
    header[:4] = np.int32(348).tobytes()
    header[40:50] = np.array([3, cols, 4096, 4, 1], "<i2").tobytes()
    header[70:74] = np.array([2, 8], "<i2").tobytes()
    header[108:112] = np.float32(352).tobytes()
    header[344:348] = b"n+1\0"
    return gzip.compress(bytes(header))


def nrrd_packed_in(size: int) -> bytes:
    header = b"NRRD0004\ntype: uchar\ndimension: 2\nsizes: 9 9\nencoding: gzip\n\n" + zlib.compress(bytes(81))
    return header + bytes(size - len(header))


INSIDE_AND_OUTSIDE: dict[str, tuple[Callable[[int], bytes], int]] = {
    "parts of a PNG": (png_of_parts, triage.MOST_PARTS - 1),
    "samples of a PNG": (lambda cols: png_declaring(2048, cols), 4096),
    "segments of a JPEG": (jpeg_of_segments, triage.MOST_SEGMENTS - 1),
    "header of a JPEG": (jpeg_with_long_header, triage.MOST_HEADER),
    "passes of a JPEG": (jpeg_of_scans, 16),
    "tags of a TIFF": (tiff_of_tags, triage.MOST_TAGS),
    "values of a TIFF": (lambda count: _values(count), triage.MOST_HEADER),
    "samples of a TIFF": (lambda cols: tiff_declaring(4096, cols), 4096),
    "tiles of a TIFF": (lambda rows: tiff_declaring(rows, 4096, 322), 4096),
    "header of a DICOM file": (lambda pairs: dicom_of_header(2 * pairs), triage.MOST_HEADER // 2),
    "elements of a DICOM file": (dicom_of_elements, triage.MOST_ELEMENTS - 1),
    "frames of a DICOM file": (lambda count: dicom_bytes(np.zeros((count, 8, 8), np.uint8)), triage.MOST_FRAMES),
    "passes of JPEG in DICOM": (dicom_of_jpegs, 16),
    "frames of JPEG in DICOM": (dicom_of_small_jpegs, triage.MOST_FRAMES),
    "passes of one JPEG in DICOM": (dicom_that_reuses_a_jpeg, 16),
    "palette of a DICOM file": (lambda rows: dicom_of_palette(8 * rows), triage.MOST_COLOUR_MAPPED // 8),
    "unpacked NIfTI": (nifti_packed, triage.MOST_UNPACKED // (4 * 4096) - 1),
    "packed NRRD": (nrrd_packed_in, triage.MOST_PACKED),
}


def _values(size: int) -> bytes:
    """A TIFF whose values take so many bytes."""
    data = tiff_with_tags({65000: b"\0" * 8})
    own = 0
    for at in range(10, 10 + 12 * int.from_bytes(data[8:10], "little"), 12):
        own += triage._TIFF_SIZES[int.from_bytes(data[at + 2 : at + 4], "little")] * int.from_bytes(data[at + 4 : at + 8], "little")
    return tiff_with_tags({65000: b"\0" * (8 + size - own)})


@pytest.mark.parametrize("name", INSIDE_AND_OUTSIDE)
def test_bounds(name: str) -> None:
    make, most = INSIDE_AND_OUTSIDE[name]
    assert cheap(make(most)) and not cheap(make(most + 1))


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8" + b"\xff" + pillow_bytes(picture(), "JPEG")[2:],
        b"\xff\xd8" + b"\xff\xd0" + pillow_bytes(picture(), "JPEG")[2:],
        pillow_bytes(picture(), "BMP")[:30] + b"\1" + pillow_bytes(picture(), "BMP")[31:],
        tiff_pages([picture()] * 2),
        pillow_bytes(Image.fromarray(picture()), "TIFF", compression="jpeg"),
        dicom_compressed_bytes([pillow_bytes(picture(), "JPEG2000", no_jp2=True)], picture(), "1.2.840.10008.1.2.4.90"),
        dicom_compressed_bytes([pillow_bytes(picture(), "JPEG")], picture(), "1.2.840.10008.1.2.4.51"),
        dicom_compressed_bytes([pillow_bytes(picture(), "JPEG2000", no_jp2=True)], picture(), JPEG),
        dicom_compressed_bytes([pillow_bytes(picture(), "JPEG").replace(b"\0\x0b\x08", b"\0\x0b\x0c")], picture(), JPEG),
        dicom_compressed_bytes([pillow_bytes(picture(), "JPEG").replace(b"\xff\xc0", b"\xff\xc3")], picture(), JPEG),
        dicom_compressed_bytes([jpeg_of_segments(300)], picture(), JPEG),
        dicom_compressed_bytes([pillow_bytes(picture(), "JPEG")], picture(), JPEG)[:-8],
        dicom_bytes(picture(), SegmentedRedPaletteColorLookupTableData=bytes(4)),
        dicom_bytes(picture(), BitsAllocated=1),
        sample("dicom").replace(b"\xe0\x7f\x10\0OB", b"\xe0\x7f\x10\0SQ"),
        sample("dicom").replace(b"CS", b"cs"),
        sample("png")[:20],
        sample("tiff")[:12],
    ],
    ids=[
        "fill",
        "no-length",
        "run-lengths",
        "pages",
        "jpeg-in-tiff",
        "jpeg-2000",
        "extended",
        "mislabelled",
        "deep",
        "lossless",
        "many-segments",
        "no-end",
        "segments",
        "bits",
        "sequence",
        "odd-vr",
        "cut-png",
        "cut-tiff",
    ],
)
def test_what_goes_elsewhere(data: bytes) -> None:
    assert not cheap(data)


def test_the_largest_file_that_is_read_here(tmp_path: Path) -> None:
    isolated.end_all()
    header = b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 4096 1024 4\nencoding: raw\n\n"
    path = tmp_path / "a.nrrd"
    for size, processes in ((triage.LARGEST_HERE, 0), (triage.LARGEST_HERE + 1, 1)):
        path.write_bytes(header.ljust(size, b"\0"))
        try:
            read_image(path)
        finally:
            assert len(isolated._all) == processes
    isolated.end_all()
