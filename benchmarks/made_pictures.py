"""Out-of-distribution pictures for all tasks: photographs, noise and pages of text, without a download."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

__all__ = ["KINDS", "KNOWN", "made_pictures"]

Pixels = npt.NDArray[np.uint8]
Maker = Callable[[np.random.Generator, int], Pixels]

_PHOTOGRAPHS = (
    "astronaut.png",
    "camera.png",
    "clock_motion.png",
    "coins.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "moon.png",
    "motorcycle_left.png",
    "retina.jpg",
)
"""Pictures included in scikit-image."""
_OTHER_PHOTOGRAPHS = ("brick.png", "chelsea.png", "coffee.png", "grass.png", "horse.png", "ihc.png", "rocket.jpg")
"""Further ones, on which limits are fitted."""

_WORDS = """the patient was seen in our department on after informed consent report findings impression no evidence of normal size and shape
measured follow up recommended in weeks dear colleague thank you for referring this kind regards page date number total"""


def _photograph(rng: np.random.Generator, number: int, names: Sequence[str] = _PHOTOGRAPHS) -> Pixels:
    import skimage

    name = names[number % len(names)]
    whole = Image.open(Path(skimage.__file__).parent / "data" / name).convert("L")
    share = rng.uniform(0.5, 1.0)
    width, height = int(whole.width * share), int(whole.height * share)
    left, top = int(rng.integers(whole.width - width + 1)), int(rng.integers(whole.height - height + 1))
    return np.asarray(whole.crop((left, top, left + width, top + height)).resize(_size(rng)))


def _noise(rng: np.random.Generator, number: int) -> Pixels:
    width, height = _size(rng)
    white = rng.normal(size=(height, width))
    field: npt.NDArray[np.floating[Any]]
    if number % 5 == 0:
        field = white
    elif number % 5 == 1:  # pink: amplitude falls with frequency
        frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
        field = np.fft.ifft2(np.fft.fft2(white) / np.maximum(frequency, 1 / max(height, width))).real
    elif number % 5 == 2:  # coarse blocks
        coarse = rng.normal(size=(height // 20 + 1, width // 20 + 1))
        field = np.kron(coarse, np.ones((20, 20)))[:height, :width]
    elif number % 5 == 3:  # speckle without a structure
        field = np.abs(white + 1j * rng.normal(size=white.shape))
    else:
        field = np.linspace(0, 1, width)[None] * rng.normal() + np.linspace(0, 1, height)[:, None] * rng.normal() + 0.01 * white
    low, high = field.min(), field.max()
    return np.asarray(255 * (field - low) / (high - low), np.uint8)


def _text(rng: np.random.Generator, number: int) -> Pixels:
    size = _size(rng)
    paper, ink = (255, 0) if number % 3 else (0, 255)
    page = Image.new("L", size, paper)
    draw = ImageDraw.Draw(page)
    letters = int(rng.integers(10, 29))
    font = ImageFont.load_default(letters)
    margin = int(rng.integers(5, 40))
    for top in range(margin, size[1] - letters, int(letters * rng.uniform(1.2, 1.8))):
        if rng.random() < 0.12:
            continue
        line = " ".join(rng.choice(_WORDS.split(), size=int(rng.integers(3, 14))))
        draw.text((margin, top), line, fill=ink, font=font)
    if number % 4 == 0:  # a form
        for top in range(margin, size[1], 4 * letters):
            draw.rectangle((margin, top, size[0] - margin, top + 3 * letters), outline=ink)
    return np.asarray(page)


def _size(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(200, 801)), int(rng.integers(200, 601))


KINDS: dict[str, Maker] = {"photograph": _photograph, "noise": _noise, "text": _text}
"""Kinds by name."""

KNOWN: dict[str, Maker] = {**KINDS, "photograph": partial(_photograph, names=_OTHER_PHOTOGRAPHS)}
"""The same kinds, of other photographs: limits are fitted on these."""


def made_pictures(kind: str, count: int, seed: int = 20260101, makers: Mapping[str, Maker] = KINDS) -> Iterator[Pixels]:
    """Grey pictures ``(rows, cols)``, uint8, of sizes between 200 and 800 pixels; the same for the same seed.

    Args:
        kind: one of `KINDS`: ``photograph`` (crops of the pictures included in scikit-image, at most a few of each), ``noise``
            (white, smooth, 1/f, multiplicative, empty or a plain ramp) or ``text`` (pages and forms, black on white or white on black).
        count: number of pictures.
        seed: of the choice.
        makers: `KINDS` or `KNOWN`.

    >>> [picture.ndim for picture in made_pictures("noise", 2)]
    [2, 2]
    """
    rng = np.random.default_rng([seed, list(makers).index(kind)])
    for number in range(count):
        yield makers[kind](rng, number)
