"""Slices behind a header, plain and compressed."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import numpy as np
import pytest

from usseg_monai.errors import ImageError
from usseg_monai.imaging.formats.axes import Axes
from usseg_monai.imaging.formats.volume import Bytes, Inflated, Plain, Volume
from usseg_monai.imaging.limits import Limits

DATA = np.random.default_rng(0).integers(0, 8, 300_000, np.uint8).tobytes()


@pytest.mark.parametrize("source", [Plain(DATA), Inflated(gzip.compress(DATA)), Inflated(zlib.compress(DATA))])
def test_any_part_in_any_order(source: Bytes) -> None:
    for offset, length in [(0, 10), (150_000, 100_000), (149_999, 3), (299_999, 1), (0, 300_000), (7, 0)]:
        assert bytes(source.read(offset, length)) == DATA[offset : offset + length]


@pytest.mark.parametrize("source", [Plain(DATA), Inflated(gzip.compress(DATA)), Inflated(gzip.compress(DATA)[:-20_000])])
def test_less_than_declared(source: Bytes) -> None:
    with pytest.raises(ImageError, match="ends early"):
        source.read(0, 300_001)
    with pytest.raises(ImageError, match="ends early"):
        source.read(400_000, 1)


def test_gzip_files_with_several_members() -> None:
    source = Inflated(gzip.compress(DATA[:100_000]) + gzip.compress(DATA[100_000:]))
    assert source.read(0, 300_000) == DATA


def test_the_checksum_of_the_stream_is_compared() -> None:
    data = bytearray(gzip.compress(DATA, compresslevel=0))
    data[1000] ^= 1
    with pytest.raises(zlib.error, match="incorrect data check"):
        Inflated(bytes(data)).read(0, len(DATA))


@pytest.mark.parametrize("behind", range(9))
def test_a_wrong_checksum_wherever_it_lies(behind: int) -> None:
    """So many bytes of the 8 of checksum and length come with the 65,536 bytes of the stream that are taken in first."""
    around = len(gzip.compress(DATA[:65_500], 0)) - 65_500 - 8  # headers of gzip and of blocks that are not packed
    data = DATA[: 65_536 - around - behind]
    stream = gzip.compress(data, 0)
    assert len(stream) == 65_536 + 8 - behind
    assert Inflated(stream).read(0, len(data)) == data
    for at in range(-8, 0):
        with pytest.raises(zlib.error, match=r"incorrect (data|length) check"):
            Inflated(stream[:at] + bytes([stream[at] ^ 1]) + (stream[at + 1 :] if at < -1 else b"")).read(0, len(data))


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_a_stream_that_was_cut_within_its_checksum(pack: Callable[[bytes], bytes]) -> None:
    stream = pack(DATA)
    for cut in range(1, 5):
        with pytest.raises(ImageError, match="ends early, before its checksum"):
            Inflated(stream[:-cut]).read(0, len(DATA))
    assert Inflated(stream[:-4]).read(0, len(DATA) - 1) == DATA[:-1]
    assert Inflated(stream + b"more").read(0, len(DATA)) == DATA


def test_a_bomb_costs_the_memory_of_what_is_asked() -> None:
    engine = zlib.compressobj(9)
    bomb = b"".join(engine.compress(bytes(1 << 20)) for _ in range(60)) + engine.flush()
    tracemalloc.start()
    Inflated(bomb).read(59 << 20, 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


def test_slices_are_frames() -> None:
    array = np.arange(3 * 10 * 8, dtype="<u2").reshape(3, 10, 8)
    frames = Volume("nrrd", (8, 10, 3), array.dtype, Plain(b"head" + array.tobytes()), offset=4, slope=2, intercept=-1).frames(Limits())
    assert frames.count == 3
    np.testing.assert_array_equal(frames.load(1), 2.0 * array[1] - 1)


@pytest.mark.parametrize("size", [(), (100,), (0, 10), (10, -1), (10, 10, 0)])
def test_sizes_without_pixels(size: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match="at least two axes"):
        Volume("nrrd", size, np.dtype("u1"), Plain(b"")).frames(Limits())


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((8, 8, *[1] * 15), "17 axes: at most 16 are read"),
        ((0, *[8] * 10**5), "100001 axes: at most"),
        ((8, 2_147_483_648), "an axis of 2147483648 samples: at most 2147483647 can be counted"),
        ((0, 10**3000), "an axis of 1000"),
    ],
)
def test_a_header_of_too_many_or_too_long_axes_is_refused_in_a_short_line(size: tuple[int, ...], message: str) -> None:
    with pytest.raises(ImageError, match=message) as raised:
        Volume("nrrd", size, np.dtype("u1"), Plain(b"")).frames(Limits())
    assert len(str(raised.value)) < 200


def test_as_many_axes_and_as_long_ones_as_are_read() -> None:
    assert Volume("nrrd", (8, 8, *[1] * 14), np.dtype("u1"), Plain(bytes(64))).frames(Limits()).count == 1
    with pytest.raises(ImageError, match="pixels along a side"):
        Volume("nrrd", (8, 2_147_483_647), np.dtype("u1"), Plain(b"")).frames(Limits())


@pytest.mark.parametrize(
    ("size", "message"), [((10_000, 10_000), "pixels per frame"), ((10, 10, 6000), "6000 frames"), ((1000, 1000, 1001), "pixels per file")]
)
def test_sizes_beyond_the_limits(size: tuple[int, ...], message: str) -> None:
    with pytest.raises(ImageError, match=message):
        Volume("nrrd", size, np.dtype("u1"), Plain(b"")).frames(Limits())


def test_wrong_channel_count() -> None:
    with pytest.raises(ImageError, match="2 channels"):
        Volume("nrrd", (2, 10, 10), np.dtype("u1"), Plain(bytes(200)), Axes(1, 2, channel=0)).frames(Limits())


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "axes",
    [  # which axes of the array below are rows, columns (and channels) of a picture; the others count frames, the fastest first
        Axes(0, 1),
        Axes(0, 2),
        Axes(2, 1),
        Axes(3, 4),
        Axes(1, 0, channel=2),
        Axes(0, 1, channel=4),
    ],
)
def test_pictures_along_any_axes(axes: Axes, packed: bool) -> None:
    size = (8, 9, 3, 10, 4)  # the fastest first
    array = np.arange(np.prod(size), dtype="<u4").reshape(size[::-1])
    data = array.tobytes()
    frames = Volume("nrrd", size, array.dtype, Inflated(zlib.compress(data)) if packed else Plain(data), axes).frames(Limits(min_side=1))
    own = [axis for axis in (axes.row, axes.col, axes.channel) if axis is not None]
    others = [axis for axis in range(5) if axis not in own]
    expected = array.transpose(*(4 - axis for axis in reversed(others)), *(4 - axis for axis in own))
    expected = expected.reshape(-1, *expected.shape[len(others) :])
    assert frames.count == len(expected)
    for index in (*range(frames.count), 1, 0):
        np.testing.assert_array_equal(frames.load(index), expected[index])


def test_what_inflates_to_more_than_a_plain_file_may_have() -> None:
    limits = Limits(max_file_bytes=200)
    assert Volume("nrrd", (10, 10, 2), np.dtype("u1"), Inflated(zlib.compress(bytes(200)))).frames(limits).count == 2
    with pytest.raises(ImageError, match="inflates to 201 bytes: more than 200"):
        Volume("nrrd", (10, 10, 2), np.dtype("u1"), Inflated(zlib.compress(bytes(201))), offset=1).frames(limits)
    assert Volume("nrrd", (10, 10, 3), np.dtype("u1"), Plain(bytes(300))).frames(limits).count == 3


def test_pictures_that_lie_too_far_apart_in_a_packed_file() -> None:
    for slices, read in ((128, True), (129, False)):
        volume = Volume("nifti", (1024, slices, 1024), np.dtype("u1"), Inflated(zlib.compress(b"")), Axes(0, 2, 1))
        if read:
            volume.frames(Limits())
        else:
            with pytest.raises(ImageError, match="135266304 bytes would have to be inflated at once, more than 134217728; unpack it first"):
                volume.frames(Limits())
    assert Volume("nifti", (1024, 129, 1024), np.dtype("u1"), Plain(b""), Axes(0, 2, 1)).frames(Limits()).count == 129
