"""Files composed by their format's grammar, with any number of parts of any size, since libraries do work for every part.

Mutations of valid files are refused early; expensive or fatal inputs are well-formed. So these are well-formed: markers, boxes, chunks, run
lengths, elements, directories and dimensions in odd numbers, overlapping lengths, and a second, contradicting header.
Numbers of parts are log-uniform, so that about one in twenty is as large as `MOST_BYTES` allows.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from math import log2
from random import Random

import numpy as np

from tests.imaging.samples import dicom_bytes, dicom_compressed_bytes, picture, pillow_bytes, png_chunk

__all__ = ["GRAMMARS", "MOST_BYTES", "Sparse"]

MOST_BYTES = 8 << 20
"""Maximum size of a composed file."""

_SIDES = (0, 1, 8, 37, 53, 64, 1000, 4096, 4097, 13_000, 65_535)
_JPEG, _JPEG_2000, _RLE = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"
_LARGEST_FILE = 511 << 20


class Sparse(bytes):
    """Bytes followed by zeros up to a size, which take no space on disk."""

    size: int

    @classmethod
    def of(cls, data: bytes, size: int) -> Sparse:
        sparse = cls(data)
        sparse.size = max(size, len(data))
        return sparse


def _count(rng: Random, most: int) -> int:
    """Log-uniform from 1 to `most`, with the largest values clipped to it."""
    return min(most, int(2 ** rng.uniform(0, log2(most) + 1.5)))


def _sides(rng: Random) -> tuple[int, int]:
    """Rows and columns, often the maximum allowed."""
    return (4096, 4096) if rng.random() < 0.3 else (rng.choice(_SIDES), rng.choice(_SIDES))


def _repeated(rng: Random, part: bytes, most: int = MOST_BYTES) -> bytes:
    return part * _count(rng, max(1, most // len(part)))


def _zeros(rng: Random, head: bytes) -> bytes:
    """A gzip stream of a header and up to 8 GB of zeros."""
    block, blocks = _zero_block(), _count(rng, MOST_BYTES // len(_zero_block()))
    engine = zlib.compressobj(1, zlib.DEFLATED, 31)
    return engine.compress(head) + engine.flush(zlib.Z_FULL_FLUSH) + block * blocks


@cache
def _zero_block() -> bytes:
    """A million zeros, deflated separately."""
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    engine.compress(b"")
    return engine.compress(bytes(1 << 20)) + engine.flush(zlib.Z_FULL_FLUSH)


def png(rng: Random) -> bytes:
    """Many chunks of odd names and sizes around the pixels."""
    depth, colours = rng.choice(((8, 0), (8, 0), (1, 0), (16, 0), (8, 2), (16, 6), (8, 3), (3, 9)))
    rows, cols = _sides(rng)
    samples = {0: 1, 2: 3, 3: 1, 6: 4}.get(colours, 1)
    length = min(rows * (1 + (cols * samples * depth + 7) // 8), 1 << 22)
    pixels = zlib.compress(bytes(length), 1)
    step = rng.choice((len(pixels), 8192, 1)) if len(pixels) < 1 << 16 else len(pixels)
    parts = [png_chunk(b"IDAT", pixels[at : at + step]) for at in range(0, len(pixels), step)]
    for _ in range(rng.randrange(3)):
        name = (
            b"prVt"
            if rng.random() < 0.4
            else rng.choice((b"IDAT", b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"PLTE", b"tRNS", b"fdAT", b"acTL", b"gAMA"))
        )
        body = rng.choice((b"", b"", b"", b"a\0b", b"a\0\0" + zlib.compress(bytes(_count(rng, 1 << 24))), bytes(_count(rng, 1 << 20))))
        chunk = png_chunk(name, body)
        parts.insert(rng.randrange(len(parts) + 1), _repeated(rng, chunk, max(len(chunk), MOST_BYTES)))
    header = struct.pack(">IIBBBBB", cols, rows, depth, colours, 0, 0, rng.choice((0, 0, 1)))
    end = png_chunk(b"IEND", b"") if rng.random() < 0.9 else b""
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + b"".join(parts) + end


def jpeg(rng: Random) -> bytes:
    """Fill bytes, markers without a length, many segments, false frame headers and many scans around a valid picture."""
    whole = _good_jpeg(rng.random() < 0.3)
    frame = next(at for at in range(len(whole)) if whole[at : at + 2] in (b"\xff\xc0", b"\xff\xc2"))
    false = b"\xff\xc0\0\x0b\x08" + struct.pack(">HH", rng.choice((8, 37, 64)), 53) + b"\1\1\x11\0"
    before = []
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        part = rng.choice((b"\xff", b"\xff\xd0", b"\xff\x01", b"\xff\xfe\0\2", b"\xff\xe1\0\2", b"\0", b"\xff\0", false, b"\xff\xdb\0\2"))
        before.append(_repeated(rng, part) if rng.random() < 0.7 else part)
    if rng.random() < 0.5:
        whole = whole[: frame + 5] + struct.pack(">HH", *_sides(rng)) + whole[frame + 9 :]
    elif rng.random() < 0.5:  # a marker without a length, whose "length" leads over the true header to a false one
        whole = whole[: frame + 5] + struct.pack(">HH", 13_000, 13_000) + whole[frame + 9 :]
        before.append(b"\xff\xd0" + struct.pack(">H", len(whole)))
        whole += false
    scan = whole.index(b"\xff\xda")
    end = _repeated(rng, rng.choice((whole[scan:-2], b"\xff\xd9", b"\xff\xda\0\2"))) if rng.random() < 0.3 else b""
    return (whole[:2] + b"".join(before) + whole[2:] + end)[:MOST_BYTES]


@cache
def _good_jpeg(progressive: bool) -> bytes:
    return pillow_bytes(picture(), "JPEG", progressive=progressive)


def bmp(rng: Random) -> bytes:
    """Programs of run lengths: ends of lines, jumps, runs, literals."""
    bits, packing = rng.choice(((8, 1), (8, 1), (4, 2), (8, 0), (24, 0)))
    rows, cols = _sides(rng)
    steps = (b"\0\0", b"\1\5", b"\xff\7", b"\0\2\0\1", b"\0\2\xff\0", b"\0\3abc\0", b"\0\xff" + bytes(256), b"\1\5\0\0", b"\0\1")
    program = b"".join(_repeated(rng, b"".join(rng.choices(steps, k=rng.choice((1, 1, 2, 5))))) for _ in range(rng.choice((1, 1, 3))))
    program = program[:MOST_BYTES]
    header = struct.pack("<IiiHHIIiiII", 40, cols, rng.choice((rows, -rows)), 1, bits, packing, len(program), 0, 0, 0, 0)
    start = 14 + len(header) + 1024
    return b"BM" + struct.pack("<IHHI", start + len(program), 0, 0, start) + header + bytes(1024) + program


_TIFF_SIZES = {1: 1, 3: 2, 4: 4, 5: 8, 12: 8}


def tiff(rng: Random) -> bytes:
    """Chains of directories that overlap, and strips, tiles and tags in any number."""
    order = rng.choice("<>")
    rows, cols = _sides(rng)
    side = rng.choice((1, 1, 16, 64, 4096, 65_536))
    tiled = rng.random() < 0.5
    parts = rng.choice((1, _count(rng, MOST_BYTES // 16)))
    fields = [(256, 4, 1, cols), (257, 4, 1, rows), (258, 3, 1, 8), (259, 3, 1, rng.choice((1, 1, 5, 7, 8, 32_773))), (262, 3, 1, 1)]
    tags = rng.choice((0, 0, _count(rng, 60_000)))
    pages = rng.choice((1, _count(rng, 6000)))
    spread = tags and rng.random() < 0.7  # the same tags for every page; each directory begins a little further on
    starts = 8
    entries = sorted(
        [
            *fields,
            (277, 3, 1, rng.choice((1, 3))),
            *([(322, 4, 1, side), (323, 4, 1, side)] if tiled else [(278, 4, 1, rng.choice((1, rows or 1)))]),
            (324 if tiled else 273, 4, parts, 0),
            (325 if tiled else 279, 4, parts, 0),
            *((33_000 + number % 30_000, rng.choice(tuple(_TIFF_SIZES)), 1, 0) for number in range(min(tags, 60_000))),
        ]
    )[:65_535]
    packed = b"".join(struct.pack(f"{order}HHII", *entry) for entry in entries)
    directory = struct.pack(f"{order}H", len(entries)) + packed
    arrays_at = starts + len(directory) + 4
    arrays = struct.pack(f"{order}I", starts) * parts + struct.pack(f"{order}I", 1) * parts
    body = bytearray(directory)
    for number, entry in enumerate(entries):
        if entry[0] in (273, 279, 324, 325) and entry[2] > 1:
            where = arrays_at + (4 * parts if entry[0] in (279, 325) else 0)
            struct.pack_into(f"{order}I", body, 2 + 12 * number + 8, where)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", starts)
    if not spread:
        step = len(body) + 4
        pages = min(pages, max(1, (MOST_BYTES - len(arrays)) // step))
        links = [starts + step * page for page in range(1, pages)] + [0]
        return head + b"".join(bytes(body) + struct.pack(f"{order}I", link) for link in links) + arrays
    return head + _overlapping(order, len(entries), min(pages, 500))


def _overlapping(order: str, entries: int, pages: int) -> bytes:
    """Directories that begin 16 bytes after each other and share the bytes of their tags; their ends link them."""
    length = 2 + 12 * entries
    data = bytearray(length + 16 * pages + 64)
    tag = struct.pack(f"{order}HHII", 40_000, 1, 1, 0)
    for at in range(0, len(data) - 16, 16):
        data[at : at + 12] = tag
    for page in range(pages):
        struct.pack_into(f"{order}H", data, 16 * page, entries)
        struct.pack_into(f"{order}I", data, 16 * page + length, 8 + 16 * (page + 1) if page + 1 < pages else 0)
    return bytes(data)


def _nifti_header(rng: Random) -> bytes:
    code, bits = rng.choice(((2, 8), (4, 16), (16, 32), (64, 64), (128, 24), (1792, 128), (512, 16)))
    axes = rng.choice((2, 2, 3, 3, 4, 7))
    sides = [rng.choice((*_SIDES[:-2], 32_767)) for _ in range(min(axes, 2))]
    sides += [rng.choice((1, 2, 30, 59, 5000, 32_767)) for _ in range(axes - 2)]
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into(f"<{axes + 1}h", header, 40, axes, *sides)
    struct.pack_into("<hh", header, 70, code, bits)
    struct.pack_into("<4f", header, 76, 1, 1, 1, 1)
    struct.pack_into("<f", header, 108, rng.choice((352, 352, 352, 0, 1e6, 1e9, 4.9e9, float("nan"))))
    header[344:348] = b"n+1\0"
    return bytes(header)


def nifti(rng: Random) -> bytes:
    """Dimensions, offsets, and gzip streams of zeros, of many members or of empty ones."""
    header = _nifti_header(rng)
    kind = rng.randrange(4)
    if kind == 0:
        return _zeros(rng, header)
    if kind == 1:
        return gzip.compress(header) + _repeated(rng, gzip.compress(rng.choice((b"", b"a", bytes(1 << 16))), 1))
    return header + bytes(_count(rng, MOST_BYTES)) if kind == 2 else gzip.compress(header + bytes(_count(rng, 1 << 20)), 1)


def _text_header(rng: Random, lines: Sequence[str], odd: Sequence[str]) -> bytes:
    chosen = [*lines, *rng.choices(odd, k=rng.randrange(3))]
    if rng.random() < 0.3:
        chosen += [rng.choice(odd)] * _count(rng, 100_000)
    if rng.random() < 0.3:
        at = rng.randrange(len(chosen))
        chosen[at] += rng.choice((" 1", " 8", ",", " (1,0,0)")) * _count(rng, 100_000)
    return "\n".join(chosen).encode()


def nrrd(rng: Random) -> bytes:
    """Long headers, long lists in them, and packed zeros."""
    axes = rng.choice((2, 3, 4))
    sides = " ".join(str(rng.choice((*_SIDES, 5000))) for _ in range(axes))
    encoding = rng.choice(("raw", "gzip"))
    kind = rng.choice(("uchar", "short", "float", "double", "int64"))
    lines = ["NRRD0005", f"type: {kind}", f"dimension: {axes}", f"sizes: {sides}", f"encoding: {encoding}", "endian: little"]
    odd = ("kinds: RGB-color domain domain", "space directions: none (1,0,0) (0,1,0)", "spacings: 1 1 1", "a:=b", "# no", "thicknesses: 1")
    return _text_header(rng, lines, odd) + b"\n\n" + (_zeros(rng, b"") if encoding == "gzip" else bytes(_count(rng, MOST_BYTES)))


def metaimage(rng: Random) -> bytes:
    """As `nrrd`."""
    axes = rng.choice((2, 3, 4))
    sides = " ".join(str(rng.choice((*_SIDES, 5000))) for _ in range(axes))
    packed = rng.random() < 0.5
    lines = ["ObjectType = Image", f"NDims = {axes}", f"DimSize = {sides}", f"CompressedData = {packed}"]
    kind = rng.choice(("UCHAR", "SHORT", "DOUBLE", "ULONG_LONG"))
    odd = ("ElementSpacing = 1 1 1", "ElementNumberOfChannels = 3", "TransformMatrix = 1 0 0 1", "Comment = a", "Offset = 0 0 0")
    header = _text_header(rng, lines, odd) + f"\nElementType = MET_{kind}\nElementDataFile = LOCAL\n".encode()
    return header + (_zeros(rng, b"") if packed else bytes(_count(rng, MOST_BYTES)))


_TEXT_VR = {0x00280030: b"DS", 0x00200032: b"DS", 0x00200037: b"DS", 0x00280008: b"IS", 0x00080032: b"TM", 0x00201041: b"DS"}
_SEQUENCES = (0x00186011, 0x00209221, 0x00081140, 0x52009229, 0x52009230, 0x00091010)
_NUMBERS = (0x00281101, 0x00281201, 0x00281221, 0x00280100, 0x00280006)


def _element(rng: Random, implicit: bool) -> bytes:
    """One element with a value of its VR, of any length."""
    kind = rng.random()
    undefined = False
    if kind < 0.35:
        tag = rng.choice(tuple(_TEXT_VR))
        vr, value = _TEXT_VR[tag], _repeated(rng, rng.choice((b"1\\", b"0.5\\", b"1,5", b"x\\", b"-1e9\\")), MOST_BYTES // 2)
    elif kind < 0.8:
        tag, vr = rng.choice(_SEQUENCES), b"SQ"
        undefined = rng.random() < 0.5
        item = rng.choice((b"\xfe\xff\0\xe0\0\0\0\0", b"\xfe\xff\0\xe0\xff\xff\xff\xff\xfe\xff\x0d\xe0\0\0\0\0", _region(implicit)))
        if rng.random() < 0.2:  # deep instead of long
            head = struct.pack("<HHI", tag >> 16, tag & 0xFFFF, 0xFFFFFFFF) if implicit else _explicit(tag, b"SQ", b"", True)
            item, undefined = b"\xfe\xff\0\xe0\xff\xff\xff\xff" + head, True
        value = _repeated(rng, item, MOST_BYTES // 2) + (b"\xfe\xff\xdd\xe0\0\0\0\0" if undefined else b"")
    else:
        tag = rng.choice(_NUMBERS)
        vr, value = (b"OW" if tag >= 0x00281201 else b"US"), _repeated(rng, struct.pack("<HHH", 1, 65_535, 1), MOST_BYTES // 2)
    value += b" " * (len(value) % 2)
    if implicit:
        return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, 0xFFFFFFFF if undefined else len(value)) + value
    return _explicit(tag, vr, value, undefined)


def _explicit(tag: int, vr: bytes, value: bytes, undefined: bool) -> bytes:
    start = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr
    if vr in (b"SQ", b"OW"):
        return start + b"\0\0" + struct.pack("<I", 0xFFFFFFFF if undefined else len(value)) + value
    value = value[:65_534]
    return start + struct.pack("<H", len(value)) + value


@cache
def _region(implicit: bool) -> bytes:
    """An item of the ultrasound regions with one number."""
    value = struct.pack("<HHI", 0x18, 0x6012, 2) if implicit else struct.pack("<HH", 0x18, 0x6012) + b"US\2\0"
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(value) + 2) + value + b"\1\0"


def dicom(rng: Random) -> bytes:
    """Elements of any VR, length and number in the header of a valid file; sequences wide or deep, with or without a length."""
    implicit = rng.random() < 0.5
    whole = _good_dicom(implicit)
    at = whole.index(struct.pack("<HH", 0x28, 2))
    elements = b"".join(_element(rng, implicit) for _ in range(rng.choice((1, 1, 1, 3, 10))))
    return (whole[:at] + elements)[:MOST_BYTES] + whole[at:]


@cache
def _good_dicom(implicit: bool) -> bytes:
    return dicom_bytes(picture(), syntax="1.2.840.10008.1.2" if implicit else "1.2.840.10008.1.2.1")


def dicom_frames(rng: Random) -> bytes:
    """Numbers of frames and sizes that match the pixels or not."""
    rows, cols = _sides(rng)
    frames = rng.choice((1, _count(rng, 6000)))
    bits = rng.choice((1, 8, 16, 32, 64))
    samples = rng.choice((1, 1, 3))
    colours = rng.choice(("MONOCHROME2", "RGB", "PALETTE COLOR", "YBR_FULL_422"))
    sizes = {"Rows": rows, "Columns": cols, "NumberOfFrames": frames, "BitsAllocated": bits, "BitsStored": bits, "HighBit": bits - 1}
    pixels = np.zeros((8, 8, 3) if samples == 3 else (8, 8), np.uint8)
    whole = bytearray(dicom_bytes(pixels, PixelData=b"", SamplesPerPixel=samples, PhotometricInterpretation=colours, **sizes))
    length = min(rows * cols * frames * samples * bits // 8 & ~1, _LARGEST_FILE)
    whole[-4:] = struct.pack("<I", length)
    return Sparse.of(bytes(whole), len(whole) + length)


def _run_lengths(rng: Random) -> bytes:
    """Segments of DICOM's RLE: runs, literals and no-ops, beyond the picture's size."""
    segments = rng.choice((1, 1, 3, 15, 16))
    offsets = [64, *(64 + rng.choice((0, 64, number * 64, 2**31)) for number in range(1, 15))]
    stream = _repeated(rng, rng.choice((b"\x81\7", b"\0\7", b"\x80", b"\x7f" + bytes(128), b"\xff\7")))
    return struct.pack("<16I", segments, *offsets[:15]) + stream + b"\0" * (len(stream) % 2)


def _jpeg_2000(rng: Random) -> bytes:
    """Boxes whose first codestream is a decoy, or a codestream of another size."""
    stream = bytearray(_good_jpeg_2000())
    rows, cols = _sides(rng)
    if rng.random() < 0.7:
        struct.pack_into(">II", stream, 8, cols, rows)
        struct.pack_into(">II", stream, 24, cols, rows)
    if rng.random() < 0.3:
        return bytes(stream)

    def box(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", 8 + len(body)) + name + body

    false = box(rng.choice((b"free", b"uuid", b"xml ")), _good_jpeg_2000()[: rng.choice((40, 100))])
    header = box(b"jp2h", box(b"ihdr", struct.pack(">IIHBBBB", rows, cols, 1, 7, 7, 0, 0)) + box(b"colr", b"\1\0\0\0\0\0\x11"))
    boxes = box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    return boxes + (_repeated(rng, false, 1 << 20) if rng.random() < 0.7 else b"") + header + box(b"jp2c", bytes(stream))


@cache
def _good_jpeg_2000() -> bytes:
    return pillow_bytes(picture(), "JPEG2000", no_jp2=True)


def dicom_compressed(rng: Random) -> bytes:
    """Any number of frames whose streams state another size than the header, or never end."""
    syntax, make = rng.choice(((_RLE, _run_lengths), (_JPEG, jpeg), (_JPEG_2000, _jpeg_2000)))
    frame = make(rng)
    frame += b"\0" * (len(frame) % 2)
    frames = min(rng.choice((1, 1, _count(rng, 6000))), max(1, MOST_BYTES // len(frame)))
    shape = np.broadcast_to(picture(), (frames, *picture().shape)) if frames > 1 else picture()
    return dicom_compressed_bytes([frame] * frames, shape, syntax)


GRAMMARS: dict[str, Callable[[Random], bytes]] = {
    grammar.__name__: grammar for grammar in (png, jpeg, tiff, bmp, nifti, nrrd, metaimage, dicom, dicom_frames, dicom_compressed)
}
"""By the name of the target that uses it for some of its inputs."""


def sparse(rng: Random, data: bytes) -> Sparse:
    """The file, followed by zeros."""
    return Sparse.of(data, _count(rng, _LARGEST_FILE))
