"""The grammars compose, within some hundred inputs, every kind of file that once took a reader more than 2 s or 300 MB.

Each kind is told by what the reader of that time did: how often its loops ran, and what sizes it believed.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from benchmarks.fuzz.structures import GRAMMARS, Sparse, sparse
from benchmarks.fuzz.targets import TARGETS
from usseg_monai.errors import ImageError
from usseg_monai.imaging import Limits, read_frames

INPUTS = 400
MOST_PIXELS = Limits().max_pixels


def _believed_size(frame: bytes) -> tuple[int, int] | None:
    """Rows and columns of a compressed frame as they were once read: any marker has a length, any first codestream is the one."""
    at = 2
    while frame[:2] == b"\xff\xd8" and at + 9 <= len(frame) and frame[at] == 0xFF:
        marker, length = frame[at + 1], struct.unpack_from(">H", frame, at + 2)[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return struct.unpack_from(">HH", frame, at + 5)
        at += 1 if marker == 0xFF else 2 + length
    start = frame.find(b"\xff\x4f\xff\x51", 0, 256)
    if start < 0 or len(frame) < start + 24:
        return None
    right, bottom, left, top = struct.unpack_from(">4I", frame, start + 8)
    return bottom - top, right - left


def _frame(data: bytes) -> bytes:
    """The first frame of a compressed DICOM file; behind the empty table of offsets, which is the first item."""
    at = data.index(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff") + 12
    at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
    return data[at + 8 : at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")]


def _syntax(data: bytes) -> str:
    found = re.search(rb"1\.2\.840\.10008\.1\.2\.(?:4\.\d\d|5)", data[:1000])
    return found[0].decode() if found else ""


def _run_lengths_beyond_the_picture(data: bytes) -> bool:
    return _syntax(data).endswith("2.5") and 64 * len(_frame(data)) > 300e6


def _hidden_jpeg_2000(data: bytes) -> bool:
    frame = _frame(data)
    if not _syntax(data).endswith("4.90") or b"jp2c" not in frame or _believed_size(frame) != (37, 53):
        return False
    rows, cols = _believed_size(frame[frame.index(b"jp2c") + 4 :]) or (0, 0)
    return rows * cols > MOST_PIXELS


def _hidden_jpeg(data: bytes) -> bool:
    frame = _frame(data)
    if not _syntax(data).endswith("4.50"):
        return False
    sizes = [struct.unpack(">HH", size) for size in re.findall(rb"\xff[\xc0\xc2]\0[\x0b\x11]\x08(....)", frame[:100_000], re.DOTALL)]
    believed = _believed_size(frame)
    return believed is not None and believed[0] * believed[1] <= MOST_PIXELS and any(rows * cols > MOST_PIXELS for rows, cols in sizes)


def _frames_without_offsets(data: bytes) -> bool:
    frames = re.search(rb"\x28\0\x08\0IS..(\d+)", data, re.DOTALL)
    return _syntax(data).endswith("4.50") and frames is not None and int(frames[1]) ** 2 * 1.6e-6 > 2


def _values(data: bytes) -> bool:
    return bool(re.search(rb"(?:1\\|0\.5\\){500000}", data))


def _sequence(tag: bytes, length: bytes = b"") -> Callable[[bytes], bool]:
    """A sequence of so many items that 2.3 s a megabyte are more than 2 s; with an undefined length where that is asked for."""
    items = rb"(?:\xfe\xff\0\xe0....){60000}"

    def found(data: bytes) -> bool:
        return bool(re.search(re.escape(tag) + rb"(?:SQ\0\0)?" + (length or rb"....") + items, data, re.DOTALL))

    return found


def _tags_of_all_pages(data: bytes) -> bool:
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(f"{order}I", data, 4)
    tags, seen = 0, set()
    while at and at not in seen and at + 2 <= len(data):
        seen.add(at)
        (entries,) = struct.unpack_from(f"{order}H", data, at)
        tags += entries
        (at,) = struct.unpack_from(f"{order}I", data, at + 2 + 12 * entries)
    return tags * 55e-3 / 60_000 > 2


def _tiles(data: bytes) -> bool:
    order = "<" if data[:2] == b"II" else ">"
    tiles = re.search(re.escape(struct.pack(f"{order}HH", 324, 4)) + rb"(....)", data[:1_000_000], re.DOTALL)
    return tiles is not None and struct.unpack(f"{order}I", tiles[1])[0] * 5.8e-6 > 2


def _inflated(head: bytes) -> bytes:
    return zlib.decompressobj(31).decompress(head[:5000], 352) if head[:2] == b"\x1f\x8b" else b""


def _far_offset(data: bytes) -> bool:
    header = _inflated(data)
    return len(header) >= 352 and struct.unpack_from("<f", header, 108)[0] >= 1e9 and len(data) > 1 << 20


def _inflates_to_gigabytes(data: bytes) -> bool:
    header = _inflated(data)
    if len(header) < 352 or len(data) < 1 << 20:
        return False
    axes, *sides = struct.unpack_from("<8h", header, 40)
    voxels = 1
    for side in sides[: max(0, min(axes, 7))]:
        voxels *= side
    result: bool = sides[0] * sides[1] <= MOST_PIXELS and voxels * struct.unpack_from("<h", header, 72)[0] / 8 > 2e9
    return result


def _lines_filled_up(data: bytes) -> bool:
    cols, rows = struct.unpack_from("<ii", data, 18)
    filled = cols * data.count(b"\1\5\0\0") if data[30] == 1 else 0
    result: bool = abs(rows) * cols <= MOST_PIXELS and min(abs(rows) * cols, filled) > 14e6
    return result


def _fill_bytes(data: bytes) -> bool:
    return b"\xff" * 4_500_000 in data


def _chunks(data: bytes) -> bool:
    return data.count(b"prVt") * 2.9e-6 > 2


def _sparse(data: bytes) -> bool:
    return isinstance(data, Sparse) and data.size > 300e6


def _large_samples(data: bytes) -> bool:
    rows = data.index(b"\x28\0\x10\0US\2\0") + 8
    cols = data.index(b"\x28\0\x11\0US\2\0") + 8
    bits = data.index(b"\x28\0\0\1US\2\0") + 8
    pixels = int.from_bytes(data[rows : rows + 2], "little") * int.from_bytes(data[cols : cols + 2], "little")
    return 1 << 23 < pixels <= MOST_PIXELS and data[bits] >= 32


KINDS: dict[str, tuple[str, Callable[[bytes], bool]]] = {
    "RLE segments longer than the picture": ("dicom_compressed", _run_lengths_beyond_the_picture),
    "a JPEG 2000 codestream behind a false one": ("dicom_compressed", _hidden_jpeg_2000),
    "a JPEG frame header behind a false one": ("dicom_compressed", _hidden_jpeg),
    "thousands of frames without a table of offsets": ("dicom_compressed", _frames_without_offsets),
    "millions of values": ("dicom", _values),
    "ultrasound regions without number": ("dicom", _sequence(b"\x18\0\x11\x60")),
    "a sequence that is not wanted and has no length": ("dicom", _sequence(b"\x20\0\x21\x92", rb"\xff\xff\xff\xff")),
    "frames of many bits": ("dicom_frames", _large_samples),
    "a sparse DICOM file": ("dicom_frames", _sparse),
    "directories that overlap": ("tiff", _tags_of_all_pages),
    "tiles of one pixel": ("tiff", _tiles),
    "voxels behind gigabytes": ("nifti", _far_offset),
    "gigabytes of voxels": ("nifti", _inflates_to_gigabytes),
    "lines of run lengths that are filled up": ("bmp", _lines_filled_up),
    "fill bytes": ("jpeg", _fill_bytes),
    "chunks that nobody knows": ("png", _chunks),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_composed(kind: str) -> None:
    name, is_of_kind = KINDS[kind]
    assert any(is_of_kind(GRAMMARS[name](Random(f"{name}/{number}"))) for number in range(INPUTS))


@pytest.mark.parametrize("name", [name for name in GRAMMARS if name not in ("nrrd", "metaimage")])  # whose other inputs take long to make
def test_a_target_takes_some_of_its_inputs_from_the_grammar(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GRAMMARS, name, lambda rng: b"composed")
    make = TARGETS[name].maker()
    made = [make(Random(number)) for number in range(300)]
    composed = made.count(b"composed")
    assert 3 < composed < 40


@pytest.mark.parametrize("name", GRAMMARS)
def test_the_same_chance_composes_the_same_file(name: str) -> None:
    first, second = (GRAMMARS[name](Random("same")) for _ in range(2))
    assert first == second


def test_zeros_behind_a_file_take_no_place(tmp_path: Path) -> None:
    data = max((sparse(Random(number), b"BM" + bytes(60)) for number in range(20)), key=lambda made: made.size)
    assert len(data) == 62 < data.size <= 511 << 20
    path = tmp_path / "input"
    with pytest.raises(ImageError):
        TARGETS["bmp"].check(data, path)
    assert path.stat().st_size == data.size
    with pytest.raises(ImageError):
        list(read_frames(path))
