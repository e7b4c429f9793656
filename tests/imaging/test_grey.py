"""Samples of any kind to grey."""

from __future__ import annotations

import numpy as np
import pytest

from usseg_monai.errors import ImageError
from usseg_monai.imaging.grey import to_grey


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, ">u2", "<i2", np.int64, np.float16, np.float64])
def test_grey_values_are_kept(dtype: str) -> None:
    samples = np.arange(2).reshape(1, 2).astype(dtype)
    grey = to_grey(samples)
    assert grey.dtype == np.float32
    np.testing.assert_array_equal(grey, [[0, 1]])


def test_colour_is_weighted_by_itu_r_601() -> None:
    samples = np.zeros((1, 3, 3), np.float64)
    samples[0, range(3), range(3)] = 1
    np.testing.assert_allclose(to_grey(samples), [[0.299, 0.587, 0.114]], rtol=1e-6)


def test_colours_without_colour_are_exactly_grey_and_alpha_is_dropped() -> None:
    values = np.arange(256, dtype=np.uint8)
    rgba = np.stack([values, values, values, 255 - values], axis=-1)[None]
    np.testing.assert_array_equal(to_grey(rgba), values[None])


@pytest.mark.parametrize("channels", [0, 2, 5])
def test_wrong_channel_count(channels: int) -> None:
    with pytest.raises(ImageError, match=f"{channels} channels: only grey"):
        to_grey(np.zeros((9, 9, channels)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_values_that_are_not_finite_are_counted(bad: float) -> None:
    samples = np.zeros((10, 10))
    samples[3, 4:7] = bad
    with pytest.raises(ImageError, match="3 of 100 pixels are NaN or infinite"):
        to_grey(samples)


def test_complex_samples() -> None:
    with pytest.raises(ImageError, match="complex128"):
        to_grey(np.zeros((9, 9), complex))
