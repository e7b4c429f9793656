"""Run-length coded frames, against pydicom's encoder and by hand."""

from __future__ import annotations

from struct import pack
from time import process_time

import numpy as np
import pytest
from pydicom.pixels.encoders import RLELosslessEncoder

from usseg_monai.errors import ImageError
from usseg_monai.imaging.formats.dicom_rle import decode_rle

ROWS, COLS = 37, 53


def frame(*segments: bytes) -> memoryview:
    offsets = [64 + sum(map(len, segments[:index])) for index in range(len(segments))]
    return memoryview(pack("<16I", len(segments), *offsets, *[0] * (15 - len(segments))) + b"".join(segments))


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_what_pydicom_encodes(dtype: str, samples: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 2**16, (ROWS, COLS) if samples == 1 else (ROWS, COLS, 3)).astype(dtype)
    pixels[5:20] = 7
    bits = 8 * pixels.itemsize
    coded = RLELosslessEncoder.encode(
        pixels,
        rows=ROWS,
        columns=COLS,
        samples_per_pixel=samples,
        bits_allocated=bits,
        bits_stored=bits,
        pixel_representation=0,
        planar_configuration=0,
        number_of_frames=1,
        photometric_interpretation="RGB" if samples == 3 else "MONOCHROME2",
    )
    np.testing.assert_array_equal(decode_rle(memoryview(coded), ROWS, COLS, samples, bits), pixels)


def test_runs_that_cross_rows_literals_and_fillers() -> None:
    segment = bytes([0x80, 257 - 10, 5, 3, 1, 2, 3, 4, 0x80, 257 - 2, 9])  # ten 5, then 1 2 3 4, then two 9
    np.testing.assert_array_equal(decode_rle(frame(segment), 4, 4, 1, 8).ravel(), [5] * 10 + [1, 2, 3, 4, 9, 9])


def test_four_bytes_from_the_highest_to_the_lowest() -> None:
    planes = [bytes([257 - 16, value]) for value in (1, 2, 3, 4)]
    assert decode_rle(frame(*planes), 4, 4, 1, 32)[3, 3] == 0x01020304


@pytest.mark.parametrize(
    ("coded", "words"),
    [
        (memoryview(b""), "without a readable header"),
        (frame(b"\0\1", b"\0\1"), "2 run-length segments, 1 were declared"),
        (frame(bytes([257 - 15, 5])), "are cut"),  # 15 of 16 pixels
        (frame(b"\x7f\1"), "are cut"),
        (memoryview(pack("<16I", 1, 9, *[0] * 14) + bytes(9)), "out of order"),
        (memoryview(pack("<16I", 1, 99, *[0] * 14) + bytes(9)), "out of order"),
    ],
)
def test_damaged(coded: memoryview, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        decode_rle(coded, 4, 4, 1, 8)


def test_the_largest_frame_of_the_smallest_runs_is_quick() -> None:
    coded = frame(b"\0\7" * 4096 * 4096)
    start = process_time()
    assert decode_rle(coded, 4096, 4096, 1, 8).min() == 7
    assert process_time() - start < 1
