"""Grey samples of every mode of Pillow's that a file can have."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.imaging.samples import picture
from usseg_monai.errors import ImageError
from usseg_monai.imaging.grey import grey_samples


@pytest.mark.parametrize("mode", ["L", "LA", "La", "RGB", "RGBA", "RGBX", "RGBa", "YCbCr"])
def test_eight_bits(mode: str) -> None:
    grey = Image.fromarray(picture())
    samples = grey_samples(grey.convert(mode.upper()).convert(mode) if mode.endswith("a") else grey.convert(mode))
    assert samples.dtype == np.uint8
    np.testing.assert_array_equal(samples, picture())


@pytest.mark.parametrize(("mode", "dtype"), [("I", np.int32), ("F", np.float32), ("I;16", np.uint16)])
def test_deeper_samples_are_kept(mode: str, dtype: type) -> None:
    values: npt.NDArray[Any] = picture().astype(dtype) * 250
    image = Image.fromarray(values)
    assert image.mode == mode
    np.testing.assert_array_equal(grey_samples(image), values)


def test_colour_under_half_an_alpha_is_as_it_was_before() -> None:
    image = Image.new("RGBA", (9, 9), (200, 200, 200, 128)).convert("RGBa")
    assert abs(int(grey_samples(image)[0, 0]) - 200) <= 1


@pytest.mark.parametrize("colour", [(255, 255, 255), (255, 0, 0), (0, 0, 0)])
def test_alpha_of_one_colour_is_the_picture(colour: tuple[int, int, int]) -> None:
    image = Image.new("RGBA", (picture().shape[1], picture().shape[0]), colour)
    image.putalpha(Image.fromarray(picture()))
    np.testing.assert_array_equal(grey_samples(image), picture())
    if colour != (255, 0, 0):
        np.testing.assert_array_equal(grey_samples(image.convert("LA")), picture())
    image.putalpha(255)
    assert np.ptp(grey_samples(image)) == 0 and grey_samples(image)[0, 0] == round(colour[0] * (0.299 if colour == (255, 0, 0) else 1))


def test_bits_and_palettes() -> None:
    mask = picture() > 90
    np.testing.assert_array_equal(grey_samples(Image.fromarray(mask)), 255 * mask)
    image = Image.fromarray(255 - picture(), "P")
    image.putpalette([value for index in range(256) for value in (255 - index,) * 3])
    np.testing.assert_array_equal(grey_samples(image), picture())


@pytest.mark.parametrize("mode", ["LAB", "HSV"])
def test_modes_without_a_grey_value(mode: str) -> None:
    with pytest.raises(ImageError, match=f"pixels of kind {mode}"):
        grey_samples(Image.new(mode, (9, 9)))
