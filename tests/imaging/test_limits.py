"""Every bound of a file, at the bound and one beyond."""

from __future__ import annotations

import pytest

from usseg_monai.errors import ImageError
from usseg_monai.imaging import Limits

LIMITS = Limits(max_pixels=10_000, max_frames=20, max_file_pixels=60_000, max_side=1000)


@pytest.mark.parametrize("size", [(8, 8, 1), (100, 100, 1), (10, 1000, 1), (1000, 10, 1), (50, 60, 20), (100, 100, 6)])
def test_inside(size: tuple[int, int, int]) -> None:
    LIMITS.check(*size)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((7, 8, 1), "too small to hold a structure; at least 8 x 8"),
        ((8, 7, 1), "too small to hold a structure; at least 8 x 8"),
        ((8, 1001, 1), "more than 1000 pixels along a side"),
        ((1001, 8, 1), "more than 1000 pixels along a side"),
        ((100, 101, 1), "more than 10000 pixels per frame"),
        ((50, 50, 0), "0 frames: the file declares no image"),
        ((8, 8, 21), "21 frames: more than 20 per file"),
        ((100, 100, 7), "7 frames of 100 rows x 100 columns: more than 60000 pixels per file"),
    ],
)
def test_outside(size: tuple[int, int, int], words: str) -> None:
    with pytest.raises(ImageError, match=words):
        LIMITS.check(*size)


def test_wide_samples_count_as_more_pixels() -> None:
    LIMITS.check_samples(100, 100, 8)
    with pytest.raises(ImageError, match="100 rows x 101 columns of 8 bytes: more than 8 bytes for each of 10000 pixels"):
        LIMITS.check_samples(100, 101, 8)
    with pytest.raises(ImageError, match="of 16 bytes"):
        LIMITS.check_samples(100, 51, 16)
