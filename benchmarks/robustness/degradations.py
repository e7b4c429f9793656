"""Degradations of pictures between scanner and user, each at three strengths.

Every degradation maps a sample, a strength and a random generator to a new sample; geometric ones also transform the true mask.
Grey values are those of 8-bit pictures, 0 to 255, and stay so: values out of range are clipped, as in any export. Sizes of grains, letters
and blur are shares of the picture's shorter side, so that they mean the same in pictures of any size.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from benchmarks.marks import Pair, diameters, draw_pair
from usseg_monai.geometry.types import GreyArray, MaskArray, Spacing

__all__ = ["DEGRADATIONS", "Degradation", "Sample", "degrade"]

_LINES = ("RT LONG", "GA 20w3d", "MI 0.9 TIS 0.4", "2D G 62 DR 65", "14-FEB 10:32:07", "D 2.31 cm")
"""Typical text of scanners and sonographers."""

_GRAIN_PERCENT = 0.3  # standard deviation of a speckle's profile, of the shorter side
_LETTER_PERCENT = 4.0  # height of letters, of the shorter side
_SMALLEST_LETTER = 8  # pixels; smaller text would not be written
_ARM_PERCENT = 1.25  # length of a cross's arms, of the shorter side


@dataclass(frozen=True)
class Sample:
    """An annotated picture.

    Attributes:
        pixels: float32 ``(rows, cols)``, 0 to 255.
        truth: the annotation, uint8 ``(rows, cols)``.
        spacing_mm: ``(row, col)``, or ``None`` where unknown.
    """

    pixels: GreyArray
    truth: MaskArray
    spacing_mm: Spacing | None = None

    @property
    def side(self) -> int:
        """The shorter side, in pixels."""
        rows, cols = self.pixels.shape
        return int(min(rows, cols))


Change = Callable[[Sample, float, np.random.Generator], Sample]


@dataclass(frozen=True)
class Degradation:
    """One kind of degradation.

    Attributes:
        name: for display.
        change: the function.
        strengths: the mildest first.
        unit: of the strengths.
        mild: origin of the mildest strength, which occurs in daily use.
    """

    name: str
    change: Change
    strengths: tuple[float, float, float]
    unit: str
    mild: str


def degrade(sample: Sample, degradation: Degradation, strength: float, name: str) -> Sample:
    """Degrade a picture; the random seed depends only on its name and the degradation's.

    So every run changes a picture in the same way, and stronger noise, for example, is the milder one scaled.
    """
    seed = hashlib.sha256(f"{degradation.name}/{name}".encode()).digest()
    return degradation.change(sample, strength, np.random.default_rng(list(seed)))


def change_brightness(sample: Sample, strength: float, generator: np.random.Generator) -> Sample:
    """Add or subtract ``strength`` grey values."""
    return _with_pixels(sample, sample.pixels + _either_way(generator) * strength)


def change_gamma(sample: Sample, strength: float, generator: np.random.Generator) -> Sample:
    """Apply a gamma of ``strength``, or its inverse; black and white are unchanged."""
    return _with_pixels(sample, 255 * (sample.pixels / 255) ** strength ** _either_way(generator))


def change_contrast(sample: Sample, strength: float, generator: np.random.Generator) -> Sample:
    """Multiply the distance from mid-grey by ``strength``, or divide it."""
    return _with_pixels(sample, 127.5 + (sample.pixels - 127.5) * strength ** _either_way(generator))


def blur(sample: Sample, strength: float, generator: np.random.Generator) -> Sample:
    """Gaussian blur with a standard deviation of ``strength`` % of the shorter side."""
    return _with_pixels(sample, ndimage.gaussian_filter(sample.pixels, strength / 100 * sample.side))


def add_speckle(sample: Sample, strength: float, generator: np.random.Generator) -> Sample:
    """Multiply by a grainy field of mean 1 and standard deviation ``strength``."""
    white = generator.standard_normal(sample.pixels.shape, np.float32)
    grain = ndimage.gaussian_filter(white, _GRAIN_PERCENT / 100 * sample.side)
    return _with_pixels(sample, sample.pixels * (1 + strength * grain / grain.std()))


def add_noise(sample: Sample, strength: float, generator: np.random.Generator) -> Sample:
    """Add white noise with a standard deviation of ``strength`` grey values."""
    return _with_pixels(sample, sample.pixels + strength * generator.standard_normal(sample.pixels.shape, np.float32))


def compress(sample: Sample, strength: float, generator: np.random.Generator) -> Sample:
    """Save as JPEG of quality ``strength``, 1 to 95, and read again."""
    file = io.BytesIO()
    Image.fromarray(sample.pixels.astype(np.uint8)).save(file, "JPEG", quality=round(strength))
    return _with_pixels(sample, np.asarray(Image.open(file), np.float32))


def shrink(sample: Sample, strength: float, generator: np.random.Generator) -> Sample:
    """Shrink the sides to ``strength``, 0 to 1: a new pixel is the mean of the old ones it covers, and structure if half of them are."""
    rows, cols = sample.pixels.shape
    size = max(1, round(strength * rows)), max(1, round(strength * cols))
    coverage = _shrunk(sample.truth.astype(np.float32), size)
    spacing = sample.spacing_mm and (sample.spacing_mm[0] * rows / size[0], sample.spacing_mm[1] * cols / size[1])
    return replace(_with_pixels(sample, _shrunk(sample.pixels, size)), truth=(coverage >= 0.5).astype(np.uint8), spacing_mm=spacing)


def crop(sample: Sample, strength: float, generator: np.random.Generator) -> Sample:
    """Crop ``strength`` % of the length off each side, keeping at least one pixel."""
    row, col = (min(round(strength / 100 * length), (length - 1) // 2) for length in sample.pixels.shape)
    kept = slice(row, sample.pixels.shape[0] - row), slice(col, sample.pixels.shape[1] - col)
    return replace(sample, pixels=sample.pixels[kept], truth=sample.truth[kept])


def rotate(sample: Sample, strength: float, generator: np.random.Generator) -> Sample:
    """Rotate about the middle by ``strength`` degrees, either way, at constant size; new areas are black."""
    angle = _either_way(generator) * strength
    pixels = ndimage.rotate(sample.pixels, angle, reshape=False, order=1)
    return replace(_with_pixels(sample, pixels), truth=ndimage.rotate(sample.truth, angle, reshape=False, order=0))


def write_text(sample: Sample, strength: float, generator: np.random.Generator) -> Sample:
    """Write ``strength`` lines in white: the first in a corner, further ones anywhere."""
    picture = Image.fromarray(sample.pixels)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(max(_SMALLEST_LETTER, round(_LETTER_PERCENT / 100 * sample.side)))
    for number, line in enumerate(generator.permutation(_LINES)[: round(strength)]):
        right, bottom = draw.textbbox((0, 0), line, font=font)[2:]
        free = np.maximum(0, (picture.width - right, picture.height - bottom))
        place = generator.integers(0, 2, 2) if number == 0 else generator.uniform(0, 1, 2)
        x, y = (free * place).tolist()
        draw.text((x, y), line, fill=255, font=font)
    return _with_pixels(sample, np.asarray(picture))


def draw_calipers(sample: Sample, strength: float, generator: np.random.Generator) -> Sample:
    """Draw ``strength`` pairs of crosses in white: across the structure, along it, further ones anywhere."""
    picture = Image.fromarray(sample.pixels)
    ends = generator.uniform(0, 1, (round(strength), 2, 2)) * (picture.width - 1, picture.height - 1)
    anywhere: list[Pair] = [((x, y), (other_x, other_y)) for (x, y), (other_x, other_y) in ends.round().astype(int).tolist()]
    pairs = [*diameters(sample.truth), *anywhere][: round(strength)]
    for pair in pairs:
        draw_pair(ImageDraw.Draw(picture), pair, 255, arm=max(2, round(_ARM_PERCENT / 100 * sample.side)))
    return _with_pixels(sample, np.asarray(picture))


def _with_pixels(sample: Sample, pixels: npt.NDArray[Any]) -> Sample:
    return replace(sample, pixels=np.clip(np.rint(pixels), 0, 255).astype(np.float32))


def _either_way(generator: np.random.Generator) -> int:
    return 1 if generator.random() < 0.5 else -1


def _shrunk(values: GreyArray, size: tuple[int, int]) -> npt.NDArray[np.float32]:
    return np.asarray(Image.fromarray(values).resize(size[::-1], Image.Resampling.BOX))


DEGRADATIONS: tuple[Degradation, ...] = (
    Degradation("brightness", change_brightness, (10, 25, 50), "grey values, up or down", "the display window moved by 4 % of its width"),
    Degradation("gamma", change_gamma, (1.2, 1.6, 2.2), "exponent, or its inverse", "displays of gamma 1.8 and 2.2 mixed up"),
    Degradation("contrast", change_contrast, (1.15, 1.5, 2), "factor, up or down", "video levels 16 to 235 taken for 0 to 255, or reverse"),
    Degradation("blur", blur, (0.3, 0.6, 1.2), "% of the shorter side (standard deviation)", "one resampling by the scanner or a viewer"),
    Degradation("speckle", add_speckle, (0.1, 0.2, 0.4), "standard deviation of the factor", "less frame averaging"),
    Degradation("noise", add_noise, (4, 10, 25), "grey values (standard deviation)", "a frame grabber, or gain set high"),
    Degradation("JPEG", compress, (75, 40, 15), "quality", "the default of most software"),
    Degradation("lower resolution", shrink, (0.75, 0.5, 0.25), "of the sides", "1024 x 768 saved as 768 x 576"),
    Degradation("crop", crop, (3, 8, 15), "% off each side", "the scanner's frame cut away by hand"),
    Degradation("rotation", rotate, (4, 10, 20), "degrees, either way", "the probe or the patient not quite level"),
    Degradation("burnt-in text", write_text, (1, 3, 6), "lines", "one line in a corner"),
    Degradation("calipers", draw_calipers, (1, 2, 4), "pairs", "one diameter measured"),
)
