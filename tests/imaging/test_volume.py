"""Slices behind a header, plain and compressed."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import numpy as np
import pytest

from usseg_monai.errors import ImageError
from usseg_monai.imaging.limits import Limits
from usseg_monai.imaging.volume import Bytes, Inflated, Plain, Volume, trusted_spacing

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
    ("size", "message"), [((10_000, 10_000), "pixels a frame"), ((10, 10, 6000), "6000 frames"), ((1000, 1000, 1001), "pixels a file")]
)
def test_sizes_beyond_the_limits(size: tuple[int, ...], message: str) -> None:
    with pytest.raises(ImageError, match=message):
        Volume("nrrd", size, np.dtype("u1"), Plain(b"")).frames(Limits())


def test_wrong_channel_count() -> None:
    with pytest.raises(ImageError, match="2 channels"):
        Volume("nrrd", (10, 10), np.dtype("u1"), Plain(bytes(200)), channels=2).frames(Limits())


@pytest.mark.parametrize("row", [0.0, -0.1, float("nan"), float("inf"), 1e200, 1e-200])
def test_spacing_that_cannot_be(row: float) -> None:
    assert trusted_spacing(row, 0.1) is trusted_spacing(0.1, row) is None


def test_one_by_one_means_unknown() -> None:
    assert trusted_spacing(1.0, 1.0) is None
    assert trusted_spacing(1.0, 0.5) == (1.0, 0.5)
