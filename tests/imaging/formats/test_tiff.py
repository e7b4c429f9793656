"""TIFF files of every kind of samples, written here byte by byte after the text of TIFF 6.0."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.imaging.samples import COLS, ROWS, l_mask, picture, pillow_bytes, tiff_pages
from usseg_monai.errors import ImageError
from usseg_monai.imaging import GreyImage, Limits, read_frames, read_image, read_mask

Values = tuple[int, ...]
_TYPES = {1: "B", 2: "s", 3: "H", 4: "I", 16: "Q"}


def tiff(*pages: tuple[dict[int, Any], list[bytes]], order: str = "<", big: bool = False, behind: bytes = b"") -> bytes:
    """A TIFF. A page is its tags and its strips (or tiles, if tag 322 is there); `behind` follows the strips of the last page."""
    wide, pointer = (8, "Q") if big else (4, "I")
    body = bytearray(
        struct.pack(order + ("2sHHHQ" if big else "2sHI"), b"II" if order == "<" else b"MM", *((43, 8, 0, 0) if big else (42, 0)))
    )
    link = len(body) - wide
    for number, (tags, strips) in enumerate(pages):
        starts = []
        for strip in strips:
            starts.append(len(body))
            body += strip
        if number == len(pages) - 1:
            body += behind
        where, lengths = (324, 325) if 322 in tags else (273, 279)
        known = {where: tuple(starts), lengths: tuple(map(len, strips))} | tags
        entries = []
        for tag in sorted(known):
            value = known[tag]
            kind, values = (2, [value]) if isinstance(value, bytes) else (16 if big else 4, value if isinstance(value, tuple) else (value,))
            count = len(value) if isinstance(value, bytes) else len(values)
            packed = value if isinstance(value, bytes) else struct.pack(f"{order}{count}{_TYPES[kind]}", *values)
            if len(packed) > wide:
                at = len(body)
                body += packed
                packed = struct.pack(order + pointer, at)
            entries.append(struct.pack(f"{order}HH{pointer}", tag, kind, count) + packed.ljust(wide, b"\0"))
        struct.pack_into(order + pointer, body, link, len(body))
        body += struct.pack(order + ("Q" if big else "H"), len(entries)) + b"".join(entries)
        link = len(body)
        body += bytes(wide)
    return bytes(body)


def page(
    pixels: npt.NDArray[Any], *, order: str = "<", deflate: bool = False, rows_per_strip: int = 10, **more: Any
) -> tuple[dict[int, Any], list[bytes]]:
    """Tags and strips of ``(rows, cols[, samples])``; further tags as ``t262=0``."""
    stored = pixels.astype(order + pixels.dtype.str[1:])
    rows, cols, *samples = pixels.shape
    tags = {
        256: cols,
        257: rows,
        258: (8 * pixels.dtype.itemsize,) * (samples or [1])[0],
        259: 8 if deflate else 1,
        262: 2 if samples else 1,
    }
    tags |= {277: (samples or [1])[0], 278: rows_per_strip, 339: ({"u": 1, "i": 2, "f": 3}[pixels.dtype.kind],) * (samples or [1])[0]}
    strips = [stored[top : top + rows_per_strip].tobytes() for top in range(0, rows, rows_per_strip)]
    return tags | {int(name[1:]): value for name, value in more.items()}, [zlib.compress(s) for s in strips] if deflate else strips


def frames_of(tmp_path: Path, data: bytes, **limits: int) -> list[GreyImage]:
    path = tmp_path / "file.tif"
    path.write_bytes(data)
    return list(read_frames(path, limits=Limits(**limits)))


def pixels_of(tmp_path: Path, data: bytes) -> npt.NDArray[np.float32]:
    (image,) = frames_of(tmp_path, data)
    return image.pixels


def scaled(dtype: str) -> npt.NDArray[Any]:
    """The picture over the range of a type, as far as float32 tells its values apart."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return (picture() / 8 - 5).astype(kind)
    low, high = int(np.iinfo(kind).min), int(np.iinfo(kind).max)
    return np.array([low + (high - low) // 255 * int(value) for value in picture().ravel()], kind).reshape(picture().shape)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"])
def test_samples_of_every_width_and_sign(dtype: str, order: str, deflate: bool, big: bool, tmp_path: Path) -> None:
    values = scaled(dtype)
    got = pixels_of(tmp_path, tiff(page(values, order=order, deflate=deflate), order=order, big=big))
    np.testing.assert_array_equal(got, values.astype(np.float32))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8"])
def test_white_is_zero(dtype: str, order: str, tmp_path: Path) -> None:
    values = scaled(dtype)
    got = pixels_of(tmp_path, tiff(page(values, order=order, t262=0), order=order))
    if values.dtype.kind == "f":
        low, high = float(values.min()), float(values.max())
        np.testing.assert_allclose(got, high + low - values.astype(float), atol=0.01)
    else:
        low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
        np.testing.assert_array_equal(got, np.array([[low + high - int(value) for value in row] for row in values], np.float32))


@pytest.mark.parametrize("packing", [None, "tiff_lzw", "packbits", "tiff_adobe_deflate"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_white_is_zero_however_it_is_packed(dtype: str, packing: str | None, tmp_path: Path) -> None:
    values = (picture().astype(dtype) * (257 if dtype == "u2" else 1)).astype(dtype)
    data = bytearray(pillow_bytes(values, "TIFF", compression=packing))
    at = data.index(struct.pack("<HHIH", 262, 3, 1, 1))
    data[at + 8] = 0
    expected = {"u1": 255.0, "u2": 65535.0, "f4": 255.0}[dtype] - values.astype(np.float32)
    np.testing.assert_array_equal(pixels_of(tmp_path, bytes(data)), expected)


@pytest.mark.parametrize(("bits", "kind"), [(1, "1"), (4, "L")])
def test_white_is_zero_of_less_than_a_byte(bits: int, kind: str, tmp_path: Path) -> None:
    mask = l_mask()[:, :48]
    packed = np.packbits(mask, axis=1) if bits == 1 else (mask[:, ::2] * 240 + mask[:, 1::2] * 15).astype(np.uint8)
    tags = {256: 48, 257: ROWS, 258: bits, 259: 1, 277: 1, 278: ROWS}
    for photometric in (0, 1):
        got = pixels_of(tmp_path, tiff((tags | {262: photometric}, [packed.tobytes()])))
        np.testing.assert_array_equal(got, 255 * (mask if photometric else 1 - mask))


def test_a_mask_of_real_numbers_whose_zero_is_white(tmp_path: Path) -> None:
    path = tmp_path / "mask.tif"
    path.write_bytes(tiff(page((1 - l_mask()).astype(np.float32), t262=0)))
    np.testing.assert_array_equal(read_mask(path), l_mask())


@pytest.mark.parametrize("packing", ["tiff_lzw", "packbits"])
def test_signed_bytes_that_pillow_unpacks(packing: str, tmp_path: Path) -> None:
    data = pillow_bytes(picture(), "TIFF", compression=packing, tiffinfo={339: 2})
    np.testing.assert_array_equal(pixels_of(tmp_path, data), picture().view(np.int8))


def test_large_unsigned_numbers_that_pillow_unpacks(tmp_path: Path) -> None:
    values = scaled("u4")
    data = bytearray(pillow_bytes(Image.fromarray(values.view(np.int32)), "TIFF", compression="tiff_lzw"))
    data[data.index(struct.pack("<HHIH", 339, 3, 1, 2)) + 8] = 1
    np.testing.assert_array_equal(pixels_of(tmp_path, bytes(data)), values.astype(np.float32))


def test_no_word_about_zero_means_black(tmp_path: Path) -> None:
    tags, strips = page(picture())
    del tags[262]
    np.testing.assert_array_equal(pixels_of(tmp_path, tiff((tags, strips))), picture())


@pytest.mark.parametrize("planar", [1, 2])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
@pytest.mark.parametrize("samples", [3, 4])
def test_colours_together_and_in_planes(samples: int, dtype: str, planar: int, tmp_path: Path) -> None:
    values = np.dstack([picture()] * 3 + [np.full_like(picture(), 7)] * (samples - 3)).astype(dtype)
    more: dict[str, Any] = {"t338": 2} if samples == 4 else {}
    tags, strips = page(values, t284=planar, **more)
    if planar == 2:
        strips = [values[top : top + 10, :, channel].tobytes() for channel in range(samples) for top in range(0, ROWS, 10)]
    np.testing.assert_allclose(pixels_of(tmp_path, tiff((tags, strips))), picture(), atol=1e-4)


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("side", [16, 32, 64])
def test_tiles(side: int, deflate: bool, tmp_path: Path) -> None:
    values = picture().astype(np.uint16) * 257
    padded = np.pad(values, ((0, -ROWS % side), (0, -COLS % side)), constant_values=9)
    tiles = [
        padded[top : top + side, left : left + side].astype(">u2").tobytes()
        for top in range(0, ROWS, side)
        for left in range(0, COLS, side)
    ]
    tags, _ = page(values, deflate=deflate, t322=side, t323=side)
    data = tiff((tags, [zlib.compress(tile) for tile in tiles] if deflate else tiles), order=">")
    np.testing.assert_array_equal(pixels_of(tmp_path, data), values)


@pytest.mark.parametrize("dtype", ["u1", "u2", "u8"])
def test_differences_of_neighbours(dtype: str, tmp_path: Path) -> None:
    values = scaled(dtype)
    steps = np.diff(values, axis=1, prepend=np.zeros((ROWS, 1), dtype))
    np.testing.assert_array_equal(
        pixels_of(tmp_path, tiff(page(steps, order=">", deflate=True, t317=2), order=">")), values.astype(np.float32)
    )


@pytest.mark.parametrize("packing", [None, "tiff_lzw"])
@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (2, np.fliplr),
        (3, lambda a: np.rot90(a, 2)),
        (4, np.flipud),
        (5, np.transpose),
        (6, np.rot90),
        (7, lambda a: np.rot90(a, 2).T),
        (8, lambda a: np.rot90(a, -1)),
    ],
)
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_turned_pictures(dtype: str, orientation: int, stored: Any, packing: str | None, tmp_path: Path) -> None:
    values = np.ascontiguousarray(stored(picture().astype(dtype)))
    np.testing.assert_array_equal(
        pixels_of(tmp_path, pillow_bytes(values, "TIFF", compression=packing, tiffinfo={274: orientation})), picture()
    )


IMAGEJ = b"ImageJ=1.53t\nimages=3\nslices=3\nhyperstack=true\nmode=grayscale\n\0"
STACK = np.stack([picture(), picture()[::-1], picture() // 2])


@pytest.mark.parametrize("description", [IMAGEJ, b'{"shape": [3, 37, 53], "truncated": true}\0'])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "f4"])
def test_stacks_with_one_directory(dtype: str, order: str, description: bytes, tmp_path: Path) -> None:
    stack = STACK.astype(dtype) if dtype != "i1" else STACK.view(np.int8)
    behind = stack[1:].astype(order + stack.dtype.str[1:]).tobytes()
    frames = frames_of(tmp_path, tiff(page(stack[0], order=order, t270=description), order=order, behind=behind))
    np.testing.assert_array_equal([image.pixels for image in frames], stack)
    with pytest.raises(ImageError, match="a stack of 3 pictures in one directory, but the file ends early"):
        frames_of(tmp_path, tiff(page(stack[0], order=order, t270=description), order=order, behind=behind[: -len(behind) // 2]))


def test_colour_stacks_with_one_directory(tmp_path: Path) -> None:
    colours = np.stack([STACK] * 3, axis=-1)
    for description in (IMAGEJ, b'{"shape": [3, 37, 53, 3], "truncated": true}\0'):
        frames = frames_of(tmp_path, tiff(page(colours[0], t270=description), behind=colours[1:].tobytes()))
        np.testing.assert_array_equal([image.pixels for image in frames], STACK)


def test_stacks_that_cannot_be_read_are_not_taken_for_one_picture(tmp_path: Path) -> None:
    for description in (IMAGEJ, b'{"shape": [3, 37, 53], "truncated": true}\0'):
        with pytest.raises(ImageError, match="a stack of 3 pictures in one directory, compressed"):
            frames_of(tmp_path, tiff(page(picture(), deflate=True, t270=description)))
    with pytest.raises(ImageError, match="a MetaMorph stack of 3 pictures"):
        frames_of(tmp_path, tiff(page(picture(), t33629=tuple(range(3)))))
    with pytest.raises(ImageError, match="a TIFF volume of 3 pictures"):
        frames_of(tmp_path, tiff(page(picture(), t32997=3)))


def test_an_imagej_stack_with_a_directory_for_each_picture(tmp_path: Path) -> None:
    frames = frames_of(tmp_path, tiff(*(page(values, t270=IMAGEJ) for values in STACK)))
    np.testing.assert_array_equal([image.pixels for image in frames], STACK)


@pytest.mark.parametrize("small", [{"t254": 1}, {"t254": 5}, {"t254": 4}, {"t255": 2}])
def test_smaller_copies_and_masks_of_transparency_are_no_frames(small: dict[str, Any], tmp_path: Path) -> None:
    pages = [page(picture()), page(picture()[::2, ::2].copy(), **small), page(picture() // 2, t254=2)]
    frames = frames_of(tmp_path, tiff(*pages))
    assert [image.source.frames for image in frames] == [2, 2]
    np.testing.assert_array_equal([image.pixels for image in frames], [picture(), picture() // 2])
    alone = frames_of(tmp_path, tiff(page(picture(), **small)))
    np.testing.assert_array_equal([image.pixels for image in alone], [picture()])


def test_packed_pages_behind_one_that_is_left_out(tmp_path: Path) -> None:
    """Pillow counts all pages."""
    data = bytearray(tiff_pages([picture(), picture() // 3, picture() // 2], compression="tiff_lzw", tiffinfo={254: 0}))
    ats = [at for at in range(len(data)) if data[at : at + 8] == struct.pack("<HHI", 254, 4, 1)]
    assert len(ats) == 3
    data[ats[1] + 8] = 1
    np.testing.assert_array_equal([image.pixels for image in frames_of(tmp_path, bytes(data))], [picture(), picture() // 2])


def test_pages_of_several_sizes_and_kinds(tmp_path: Path) -> None:
    pictures = [picture(), picture()[:20].astype(">u2"), (picture()[:, :30] / 7).astype(np.float32)]
    frames = frames_of(tmp_path, tiff(*map(page, pictures)))
    assert len(frames) == 3
    for image, expected in zip(frames, pictures, strict=True):
        np.testing.assert_array_equal(image.pixels, expected)


@pytest.mark.parametrize(
    ("values", "tags", "said"),
    [
        (picture(), {"t339": 5}, "complex numbers"),
        (picture().astype(np.float64), {"t259": 5}, "1 x 64 bits, real numbers, photometric 1, compressed with LZW: not read"),
        (np.dstack([picture()] * 2), {"t262": 1}, "2 x 8 bits"),
        (np.dstack([picture()] * 4), {"t262": 1, "t338": (0, 0, 0)}, None),
        (np.dstack([picture()] * 5), {"t262": 1}, "5 x 8 bits"),
        (picture(), {"t259": 50_000}, "compressed with Zstandard: not read|damaged"),
        (picture(), {"t278": 0}, "strips or tiles of 0 x 53"),
    ],
)
def test_kinds_of_samples_that_are_not_read_are_named(
    values: npt.NDArray[Any], tags: dict[str, Any], said: str | None, tmp_path: Path
) -> None:
    data = tiff(page(values, **tags))
    if said is None:
        np.testing.assert_array_equal(pixels_of(tmp_path, data), values[..., 0])
        return
    with pytest.raises(ImageError, match=said):
        pixels_of(tmp_path, data)


def test_fewer_bytes_than_the_picture_needs(tmp_path: Path) -> None:
    tags, strips = page(picture())
    with pytest.raises(ImageError, match="3 strips or tiles, fewer than the picture needs"):
        pixels_of(tmp_path, tiff((tags, strips[:-1])))
    with pytest.raises(ImageError, match="the file ends early"):
        pixels_of(tmp_path, tiff((tags, [*strips[:-1], strips[-1][:-1]])))
    tags, strips = page(picture(), deflate=True)
    with pytest.raises(ImageError, match="the file ends early"):
        pixels_of(tmp_path, tiff((tags, [*strips[:-1], strips[0][:20]])))


def test_lengths_of_strips_that_were_never_filled_in(tmp_path: Path) -> None:
    np.testing.assert_array_equal(pixels_of(tmp_path, tiff(page(picture(), t279=(0, 0, 0, 0)))), picture())


@pytest.mark.parametrize("deflate", [False, True])
def test_one_strip_of_the_whole_picture(deflate: bool, tmp_path: Path) -> None:
    values = scaled("u2")
    data = tiff(page(values, order=">", deflate=deflate, rows_per_strip=2**32 - 1 if deflate else 37), order=">")
    np.testing.assert_array_equal(pixels_of(tmp_path, data), values)


def test_the_number_of_tags_of_a_directory(tmp_path: Path) -> None:
    for count, read in ((1000, True), (1001, False)):
        tags, strips = page(picture())
        data = tiff((tags | {40_000 + number: 0 for number in range(count - len(tags) - 2)}, strips))
        if read:
            np.testing.assert_array_equal(pixels_of(tmp_path, data), picture())
        else:
            with pytest.raises(ImageError, match="a directory of 1001 tags"):
                pixels_of(tmp_path, data)


def test_directories_that_overlap(tmp_path: Path) -> None:
    """Directories of 900 tags that begin 16 bytes apart."""
    body = bytearray(b"II*\0" + struct.pack("<I", 8) + bytes(16 * 200 + 12 * 900))
    for at in range(8, 8 + 16 * 200, 16):
        struct.pack_into("<H", body, at, 900)
        struct.pack_into("<I", body, at + 2 + 12 * 900, at + 16 if at < 8 + 16 * 199 else 0)
    with pytest.raises(ImageError, match="they overlap"):
        frames_of(tmp_path, bytes(body))


def test_the_number_of_tiles(tmp_path: Path) -> None:
    for side, rows, read in ((16, 4096, True), (1, 300, False)):
        count = (rows // side) * (rows // side)
        tags = {256: rows, 257: rows, 258: 8, 259: 1, 262: 1, 277: 1, 322: side, 323: side}
        strips = [bytes([200]) * side * side]
        data = tiff((tags | {324: (8,) * count, 325: (side * side,) * count}, strips))
        if read:
            assert pixels_of(tmp_path, data).min() == 200
        else:
            with pytest.raises(ImageError, match="tag 324 of a TIFF has 90000 values"):
                pixels_of(tmp_path, data)


def test_a_frame_of_more_bytes_than_the_largest_of_64_bits_a_pixel(tmp_path: Path) -> None:
    values = np.zeros((20, 20, 3), np.float32)
    path = tmp_path / "file.tif"
    path.write_bytes(tiff(page(values)))
    assert read_image(path, limits=Limits(max_pixels=600)).pixels.shape == (20, 20)
    with pytest.raises(ImageError, match="20 rows x 20 columns of 12 bytes: more than 8 bytes for each of 599 pixels"):
        read_image(path, limits=Limits(max_pixels=599))
