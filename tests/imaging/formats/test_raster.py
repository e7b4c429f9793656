"""The kinds of pixels that PNG, JPEG, TIFF and BMP files have."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.imaging.samples import l_mask, picture, pillow_bytes, png_chunk, png_of_zeros, tiff_pages
from usseg_monai.errors import ImageError
from usseg_monai.imaging import Limits, read_image, read_mask

MASK = l_mask()


def write(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "file"
    path.write_bytes(data)
    return path


def colours(kind: str) -> Image.Image:
    """The picture as an image of the named mode, with alpha that varies where there is one."""
    grey = Image.fromarray(picture())
    if kind in ("LA", "RGBA"):
        image = grey.convert(kind)
        image.putalpha(Image.fromarray(np.where(MASK, 0, 200).astype(np.uint8)))
        return image
    if kind == "P":
        image = Image.fromarray(255 - picture(), "P")  # its palette undoes the inversion: indices are no grey values
        image.putpalette([value for index in range(256) for value in (255 - index,) * 3])
        return image
    return grey.convert(kind)


@pytest.mark.parametrize("kind", ["L", "LA", "RGB", "RGBA", "P"])
@pytest.mark.parametrize("file", ["PNG", "TIFF"])
def test_grey_of_every_mode(kind: str, file: str, tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_image(write(tmp_path, pillow_bytes(colours(kind), file))).pixels, picture())


@pytest.mark.parametrize("file", ["JPEG", "TIFF"])
def test_cmyk(file: str, tmp_path: Path) -> None:
    assert np.abs(read_image(write(tmp_path, pillow_bytes(colours("CMYK"), file, quality=100))).pixels - picture()).max() <= 8


@pytest.mark.parametrize("file", ["PNG", "TIFF", "BMP"])
def test_one_bit(file: str, tmp_path: Path) -> None:
    path = write(tmp_path, pillow_bytes(Image.fromarray(MASK * 255).convert("1"), file))
    np.testing.assert_array_equal(read_image(path).pixels, MASK * 255)
    np.testing.assert_array_equal(read_mask(path), MASK)


@pytest.mark.parametrize("file", ["PNG", "TIFF"])
def test_sixteen_bits_are_kept(file: str, tmp_path: Path) -> None:
    deep = picture().astype(np.uint16) * 257
    np.testing.assert_array_equal(read_image(write(tmp_path, pillow_bytes(deep, file))).pixels, deep)


def test_real_numbers_are_kept_and_nan_is_counted(tmp_path: Path) -> None:
    real = picture().astype(np.float32) / 7
    np.testing.assert_array_equal(read_image(write(tmp_path, pillow_bytes(real, "TIFF"))).pixels, real)
    real[5, 5] = np.nan
    with pytest.raises(ImageError, match="1 of 1961 pixels are NaN"):
        read_image(write(tmp_path, pillow_bytes(real, "TIFF")))


@pytest.mark.parametrize("file", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (1, np.copy),
        (2, np.fliplr),
        (3, lambda shown: np.rot90(shown, 2)),
        (4, np.flipud),
        (5, np.transpose),
        (6, np.rot90),
        (7, lambda shown: np.rot90(shown, 2).T),
        (8, lambda shown: np.rot90(shown, -1)),
    ],
)
def test_pictures_are_turned_as_their_camera_says(file: str, orientation: int, stored: Any, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = pillow_bytes(np.ascontiguousarray(stored(MASK * 255)), file, exif=exif)
    np.testing.assert_array_equal(read_mask(write(tmp_path, data)), MASK)


def test_alpha_of_a_mask_is_not_the_mask(tmp_path: Path) -> None:
    rgba = np.dstack([MASK * 255] * 3 + [np.full_like(MASK, 255)])
    np.testing.assert_array_equal(read_mask(write(tmp_path, pillow_bytes(rgba, "PNG"))), MASK)


def test_edges_of_a_jpeg_mask_are_not_smeared(tmp_path: Path) -> None:
    data = pillow_bytes(MASK * 255, "JPEG", quality=60)
    assert (read_image(write(tmp_path, data)).pixels > 0).sum() > MASK.sum()
    np.testing.assert_array_equal(read_mask(write(tmp_path, data)), MASK)


def test_print_resolutions_are_no_spacing(tmp_path: Path) -> None:
    for file in ("PNG", "TIFF", "JPEG", "BMP"):
        assert read_image(write(tmp_path, pillow_bytes(picture(), file, dpi=(300, 300)))).spacing_mm is None


def test_an_animation_is_refused(tmp_path: Path) -> None:
    data = pillow_bytes(Image.fromarray(picture()), "PNG", save_all=True, append_images=[Image.fromarray(255 - picture())])
    with pytest.raises(ImageError, match="an animation of 2 pictures"):
        read_image(write(tmp_path, data))


def test_kinds_of_pixels_without_grey_values(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="pixels of kind LAB"):
        read_image(write(tmp_path, pillow_bytes(Image.new("LAB", (20, 20)), "TIFF")))


def test_every_page_has_to_pass_the_limits(tmp_path: Path) -> None:
    path = write(tmp_path, tiff_pages([picture(), np.zeros((200, 200), np.uint8)]))
    limits = Limits(max_pixels=10_000)
    read_image(path, frame=0, limits=limits)
    with pytest.raises(ImageError, match="200 rows x 200 columns: more than 10000"):
        read_image(path, frame=1, limits=limits)


def test_png_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    data = png_of_zeros(30_000, 30_000)
    assert len(data) < 200_000
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageError, match="30000 rows x 30000 columns"):
            read_image(write(tmp_path, data))


def test_tiff_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    data = pillow_bytes(Image.new("1", (20_000, 20_000)), "TIFF", compression="tiff_adobe_deflate")
    assert len(data) < 200_000
    with pytest.raises(ImageError, match="20000 rows x 20000 columns"):
        read_image(write(tmp_path, data))


def test_a_tile_larger_than_its_picture_is_not_decoded(tmp_path: Path) -> None:
    tags = {256: 16, 257: 16, 258: 8, 259: 8, 262: 1, 277: 1, 322: 20_000, 323: 20_000, 324: 138, 325: 100}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    data = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(104)
    with pytest.raises(ImageError, match="tiles of 20000 x 20000 pixels"):
        read_image(write(tmp_path, data))


def test_pages_are_counted_without_reading_them(tmp_path: Path) -> None:
    path = write(tmp_path, tiff_pages([picture()] * 4))
    assert read_image(path, frame=3).source.frames == 4
    with pytest.raises(ImageError, match="4 frames: more than 3 per file"):
        read_image(path, limits=Limits(max_frames=3))


def test_pages_that_lead_back_to_the_first(tmp_path: Path) -> None:
    data = bytearray(pillow_bytes(picture(), "TIFF"))
    (first,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * entries, first)
    assert read_image(write(tmp_path, bytes(data))).source.frames == 1


def test_big_tiff(tmp_path: Path) -> None:
    data = pillow_bytes(picture(), "TIFF", big_tiff=True)
    assert data[2] == 43
    np.testing.assert_array_equal(read_image(write(tmp_path, data)).pixels, picture())


def test_a_progressive_jpeg_of_many_scans(tmp_path: Path) -> None:
    data = pillow_bytes(picture(), "JPEG", progressive=True, quality=100)
    assert np.abs(read_image(write(tmp_path, data)).pixels - picture()).max() <= 1
    last = data[data.rindex(b"\xff\xda") : -2]
    with pytest.raises(ImageError, match="scans of a JPEG, at most 100"):
        read_image(write(tmp_path, data[:-2] + 100 * last + data[-2:]))


def test_text_that_inflates_is_not_inflated(tmp_path: Path) -> None:
    """A PNG may carry compressed text beside its picture."""
    data = pillow_bytes(picture(), "PNG")
    bomb = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(80_000_000), 1))
    with pytest.raises(ImageError):
        read_image(write(tmp_path, data[:33] + bomb + data[33:]))


@pytest.mark.parametrize(("at", "chunk"), [(19, "IHDR"), (60, "IDAT")])
def test_flipped_bits_of_a_png_are_found_by_its_checksums(at: int, chunk: str, tmp_path: Path) -> None:
    data = bytearray(pillow_bytes(picture(), "PNG", compress_level=0))  # not compressed: only the checksum can tell
    data[at] ^= 1
    with pytest.raises(ImageError, match=f"part {chunk} of the PNG is damaged"):
        read_image(write(tmp_path, bytes(data)))


def test_a_png_without_its_end(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="the PNG ends early"):
        read_image(write(tmp_path, pillow_bytes(picture(), "PNG")[:-12]))


@pytest.mark.parametrize("between", [0, 1, 15, 65_535])
def test_bytes_between_the_segments_of_a_jpeg(between: int, tmp_path: Path) -> None:
    data = pillow_bytes(picture(), "JPEG", quality=100)
    assert np.abs(read_image(write(tmp_path, data[:2] + between * b"\xff" + data[2:])).pixels - picture()).max() <= 1


@pytest.mark.parametrize("stuffing", [65_600 * b"\xff", 65_600 * b"\0", 32_800 * b"\xff\0", 4096 * b"\xff\xe1\0\2", 4100 * b"\xff\x01"])
def test_a_jpeg_that_is_stuffed_before_its_picture(stuffing: bytes, tmp_path: Path) -> None:
    data = pillow_bytes(picture(), "JPEG")
    with pytest.raises(ImageError, match="before the first scan of a JPEG"):
        read_image(write(tmp_path, data[:20] + stuffing + data[20:]))


@pytest.mark.parametrize(
    ("stuffing", "read"),
    [
        (65_536 * b"\xff", True),
        (65_537 * b"\xff", False),
        (4090 * b"\xff\xe1\0\2", True),  # with its own six segments up to the scan they are 4096
        (4091 * b"\xff\xe1\0\2", False),
    ],
)
def test_how_much_may_stand_before_the_scan_of_a_jpeg(stuffing: bytes, read: bool, tmp_path: Path) -> None:
    data = pillow_bytes(picture(), "JPEG", quality=100)
    path = write(tmp_path, data[:20] + stuffing + data[20:])
    if read:
        assert np.abs(read_image(path).pixels - picture()).max() <= 1
    else:
        with pytest.raises(ImageError, match="more than 4096 segments, or 65536 bytes between them, before the first scan of a JPEG"):
            read_image(path)


def test_a_jpeg_of_nothing_but_fill_bytes(tmp_path: Path) -> None:
    with pytest.raises(ImageError):
        read_image(write(tmp_path, b"\xff\xd8" + 2_000_000 * b"\xff"))


@pytest.mark.parametrize(("parts", "read"), [((1 << 15) - 2, True), ((1 << 15) - 1, False)])
def test_the_number_of_parts_of_a_png(parts: int, read: bool, tmp_path: Path) -> None:
    data = pillow_bytes(picture(), "PNG")
    path = write(tmp_path, data[:33] + parts * png_chunk(b"prVt", b"") + data[33:])
    if read:
        np.testing.assert_array_equal(read_image(path).pixels, picture())
    else:
        with pytest.raises(ImageError, match="more than 32768 parts of a PNG"):
            read_image(path)


def run_length_bmp(rows: int, cols: int, packed: bytes) -> bytes:
    """A BMP of 8 bits and a grey palette, packed by run lengths."""
    palette = b"".join(bytes([value] * 3 + [0]) for value in range(256))
    header = struct.pack("<IiiHHIIiiII", 40, cols, rows, 1, 8, 1, len(packed), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 14 + 40 + 1024 + len(packed), 0, 0, 14 + 40 + 1024) + header + palette + packed


def test_a_bmp_packed_by_run_lengths(tmp_path: Path) -> None:
    values = l_mask() * 200
    rows = b"".join(b"".join(bytes([1, value]) for value in row) + b"\0\0" for row in values[::-1])
    np.testing.assert_array_equal(read_image(write(tmp_path, run_length_bmp(len(values), values.shape[1], rows + b"\0\1"))).pixels, values)


@pytest.mark.parametrize(("rows", "padding", "read"), [(2048, 0, True), (2049, 0, False), (2048, 4 << 20, False)])
def test_the_size_of_a_bmp_packed_by_run_lengths(rows: int, padding: int, read: bool, tmp_path: Path) -> None:
    path = write(tmp_path, run_length_bmp(rows, 2048, b"\0\1") + bytes(padding))
    if read:
        with pytest.raises(ImageError, match="damaged"):  # it holds no row; the bound is what is tested
            read_image(path)
    else:
        with pytest.raises(ImageError, match=f"a BMP of {rows} rows x 2048 columns .* run-length encoded"):
            read_image(path)


def test_a_file_of_more_bytes_than_its_picture_can_have(tmp_path: Path) -> None:
    data = pillow_bytes(picture(), "PNG")
    limits = Limits(max_pixels=10_000)
    most = 8 * 10_000 + (32 << 20)
    np.testing.assert_array_equal(read_image(write(tmp_path, data.ljust(most, b"\0")), limits=limits).pixels, picture())
    with pytest.raises(ImageError, match=f"{most + 1} bytes, more than the largest picture has"):
        read_image(write(tmp_path, data.ljust(most + 1, b"\0")), limits=limits)
