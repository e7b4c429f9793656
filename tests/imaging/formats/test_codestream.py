"""Sizes in compressed headers."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, features

from tests.imaging.samples import pillow_bytes
from usseg_monai.errors import ImageError
from usseg_monai.imaging.formats.codestream import check_scans, read_codestream

PIXELS = np.zeros((37, 53), np.uint8)


SIZE = b"\x08\x00\x25\x00\x35\x01\x01\x11\x00"  # 8 bits, 37 x 53, one component
HUGE = b"\x08\x32\xc8\x32\xc8\x01\x01\x11\x00"  # 13000 x 13000


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body


SCAN = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")


def box(name: bytes, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4, "big") + name + body


def jpeg_2000_header(rows: int = 37, cols: int = 53, *, tile: int = 1 << 16, block: int = 4, precincts: bytes = b"") -> bytes:
    """SIZ and COD of one component of 8 bits; code-blocks have 4 << block pixels at each side."""
    size = b"".join(number.to_bytes(4, "big") for number in (cols, rows, 0, 0, tile, tile, 0, 0))
    siz = segment(0x51, b"\0\0" + size + b"\0\x01\x07\x01\x01")
    cod = segment(0x52, bytes([bool(precincts), 0, 0, 1, 0, max(len(precincts) - 1, 0), block, block, 0, 1]) + precincts)
    return b"\xff\x4f" + siz + cod + segment(0x90, bytes(8))


def size_of(frame: bytes) -> tuple[int, int]:
    code = read_codestream(frame)
    return code.rows, code.cols


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"exif": Image.Exif().tobytes(), "comment": b"text"}])
def test_jpeg(options: dict[str, object]) -> None:
    assert size_of(pillow_bytes(PIXELS, "JPEG", **options)) == (37, 53)


@pytest.mark.parametrize("marker", [0xC3, 0xF7])
def test_lossless_jpeg_and_jpeg_ls(marker: int) -> None:
    fill_bytes = b"\xff\xff"
    code = read_codestream(b"\xff\xd8" + fill_bytes + segment(marker, SIZE) + SCAN)
    assert (code.rows, code.cols, code.precision, code.kind) == (37, 53, 8, "jpeg_lossless" if marker == 0xC3 else "jpeg_ls")


@pytest.mark.skipif(not features.check("jpg_2000"), reason="this Pillow was built without OpenJPEG")
@pytest.mark.parametrize("bare", [True, False])
def test_jpeg_2000(bare: bool) -> None:
    assert size_of(pillow_bytes(PIXELS, "JPEG2000", no_jp2=bare)) == (37, 53)


@pytest.mark.parametrize(
    "frame", [b"", b"\xff\xd8", b"\xff\xd8\xff\xc4\0\x02", b"\xff\x4f\xff\x51\0", b"hello", b"\xff\xd8" + b"\xff" * 100]
)
def test_no_size(frame: bytes) -> None:
    with pytest.raises(ImageError, match="without a readable header"):
        size_of(frame)


@pytest.mark.parametrize(
    "frame",
    [
        b"\xff\xd8" + b"\xff\xd0\x00\x0d" + segment(0xC0, SIZE) + b"\xff\xd9" + segment(0xC0, HUGE) + SCAN,  # RST0 has no length
        b"\xff\xd8\xff\x01" + segment(0xC0, SIZE) + SCAN,
        b"\xff\xd8" + segment(0xC0, SIZE) + b"\xff\xd8" + segment(0xC0, HUGE) + SCAN,
        b"\xff\xd8" + segment(0xC0, SIZE),  # no scan
    ],
)
def test_markers_out_of_place(frame: bytes) -> None:
    with pytest.raises(ImageError, match="without a readable header"):
        size_of(frame)


def test_two_sizes() -> None:
    with pytest.raises(ImageError, match="two sizes"):
        size_of(b"\xff\xd8" + segment(0xC0, SIZE) + segment(0xC0, HUGE) + SCAN)


@pytest.mark.parametrize(("count", "read"), [(1000, True), (1001, False)])
def test_fill_bytes(count: int, read: bool) -> None:
    frame = b"\xff\xd8" + b"\xff" * count + segment(0xC0, SIZE) + SCAN
    if read:
        assert size_of(frame) == (37, 53)
    else:
        with pytest.raises(ImageError, match="more than 1000 fill bytes"):
            size_of(frame)


def test_boxes_of_any_length_and_order() -> None:
    code = jpeg_2000_header()
    first = box(b"jP  ", b"\r\n\x87\n")
    for boxes in (b"", box(b"free", jpeg_2000_header(13000, 13000) + bytes(999)), box(b"uuid", bytes(70000))):
        found = read_codestream(first + boxes + box(b"jp2c", code) + box(b"jp2h", b"\0" * 30))
        assert (found.rows, found.cols) == (37, 53)
        assert (first + boxes + box(b"jp2c", code))[found.begin : found.end] == code
    last = first + b"\0\0\0\0jp2c" + code  # length 0: to the end of the file
    assert (read_codestream(last).begin, read_codestream(last).end) == (20, len(last))


@pytest.mark.parametrize("boxes", [b"\0\0\0\x00free", b"\0\0\0\x04free", b"\0\0\0\x01jp2h\0\0\0\0\0\0\0\0", box(b"free", b"") * 2000])
def test_boxes_that_lead_nowhere(boxes: bytes) -> None:
    with pytest.raises(ImageError, match="without a readable header"):
        size_of(box(b"jP  ", b"\r\n\x87\n") + boxes + box(b"jp2c", jpeg_2000_header()))


@pytest.mark.parametrize(("side", "read"), [(5000, True), (5001, False)])
def test_tiles(side: int, read: bool) -> None:
    frame = jpeg_2000_header(8, 8 * side, tile=8)
    if read:
        assert size_of(frame) == (8, 8 * side)
    else:
        with pytest.raises(ImageError, match="5001 tiles, at most 5000"):
            size_of(frame)


def test_code_blocks_and_precincts() -> None:
    assert size_of(jpeg_2000_header(4096, 4096, block=2)) == (4096, 4096)  # 65,536 of 16 x 16
    assert size_of(jpeg_2000_header(4096, 4096, precincts=b"\x77\x88")) == (4096, 4096)
    for frame in (jpeg_2000_header(4096, 4096, block=0), jpeg_2000_header(4096, 4096, precincts=b"\x11\x11")):
        with pytest.raises(ImageError, match="code-blocks"):
            size_of(frame)


@pytest.mark.parametrize(("options", "stored_as"), [({}, "YBR"), ({"keep_rgb": True}, "RGB")])
def test_colours_of_a_jpeg(options: dict[str, bool], stored_as: str) -> None:
    code = read_codestream(pillow_bytes(np.dstack([PIXELS] * 3), "JPEG", **options))
    assert (code.components, code.stored_as, code.certain) == (3, stored_as, True)


@pytest.mark.parametrize(("count", "read"), [(9998, True), (9999, False)])
def test_segments(count: int, read: bool) -> None:
    """With the size and the scan 10,000 of them."""
    frame = b"\xff\xd8" + segment(0xE1, b"") * count + segment(0xC0, SIZE) + SCAN
    if read:
        assert size_of(frame) == (37, 53)
    else:
        with pytest.raises(ImageError, match="without a readable header"):
            size_of(frame)


@pytest.mark.parametrize(("count", "read"), [(998, True), (999, False)])
def test_boxes(count: int, read: bool) -> None:
    """With the signature and the codestream 1000 of them."""
    frame = box(b"jP  ", b"\r\n\x87\n") + box(b"free", b"") * count + box(b"jp2c", jpeg_2000_header())
    if read:
        assert size_of(frame) == (37, 53)
    else:
        with pytest.raises(ImageError, match="without a readable header"):
            size_of(frame)


@pytest.mark.parametrize(("blocks", "read"), [(300_000, True), (300_001, False)])
def test_code_blocks(blocks: int, read: bool) -> None:
    frame = jpeg_2000_header(4, 4 * blocks, block=0)
    if read:
        assert size_of(frame) == (4, 4 * blocks)
    else:
        with pytest.raises(ImageError, match="code-blocks"):
            size_of(frame)


def test_scans() -> None:
    check_scans(b"\xff\xda" * 100)
    with pytest.raises(ImageError, match="101 scans of a JPEG, at most 100 are read"):
        check_scans(b"\xff\xda" * 101)
