"""Synthetic neck ultrasound from a linear probe, with or without the brachial plexus, with exact truth.

The plexus lies between the scalene muscles: dark fascicles with bright rims in bright connective tissue, within an ellipse of known size.
The scene passes through the scatterer model of `usseg_monai.phantoms.speckle`. Size, place and direction of the ellipse span those of the
annotations of Kaggle's Ultrasound Nerve Segmentation, on whose pictures the appearance is modelled; that set has no pixel sizes, so
millimetres are derived from the width of a typical probe.

These pictures test software and show what it does. They do not replace real ones for judging accuracy.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from usseg_monai.errors import UsageError
from usseg_monai.geometry.types import MaskArray
from usseg_monai.imaging.image import GreyImage, Source
from usseg_monai.phantoms.drawing import Oval
from usseg_monai.phantoms.phantom import Phantom
from usseg_monai.phantoms.speckle import Floats, PointSpread, envelope, log_compress
from usseg_monai.tasks.nerve.scene import NeckScene

__all__ = ["nerve_phantom"]

_PROBE_MM = (38.0, 46.0)
_AXIAL_MM, _LATERAL_MM = 0.08, 0.19  # standard deviations of the point spread


def nerve_phantom(seed: int, *, present: bool = True, shape: tuple[int, int] = (420, 580)) -> Phantom:
    """Draw a neck; the same arguments give the same picture.

    Args:
        seed: any integer from 0.
        present: whether the nerve is visible.
        shape: ``(rows, cols)`` of the picture, at least 64 each, with a ratio of rows to columns of 0.5 to 1.

    Returns:
        Image (0 to 255, square pixels), mask and truth: presence; with a nerve also area, diameter and centre.

    Raises:
        UsageError: a picture that is too small, too flat or too tall.

    >>> phantom = nerve_phantom(1, shape=(105, 145))
    >>> phantom.image.pixels.shape, sorted(phantom.truth)[:2]
    ((105, 145), ['area_mm2', 'area_px'])
    >>> nerve_phantom(1, present=False, shape=(105, 145)).truth
    {'presence_probability': 0.0}
    """
    if min(shape) < 64 or not 0.5 <= shape[0] / shape[1] <= 1:
        raise UsageError(f"phantom of {shape[0]}x{shape[1]} pixels: at least 64 rows and columns are needed, and 0.5 to 1 rows a column")
    rng = np.random.default_rng(seed)
    spacing = rng.uniform(*_PROBE_MM) / shape[1]
    oval = _draw_oval(rng, shape, spacing)
    nerve = oval if present else None
    scene = NeckScene(rng, shape, spacing, nerve, (oval.x, oval.y))
    spread = PointSpread(max(0.6, _AXIAL_MM / spacing), max(0.6, _LATERAL_MM / spacing))
    echo = envelope(rng, scene.diffuse(), scene.mirror(), spread, looks=2)
    brightness = log_compress(echo * np.float32(10 ** (rng.normal(0, 1.5) / 20)), dynamic_range_db=56, gamma=rng.uniform(1.3, 1.6))
    pixels = np.rint(255 * brightness).astype(np.float32)
    _draw_marker(pixels)
    image = GreyImage(pixels, (spacing, spacing), Source(Path(f"phantom-{seed}")))
    return Phantom(image, _mask(nerve, shape, spacing), _truth(nerve, spacing))


def _draw_oval(rng: np.random.Generator, shape: tuple[int, int], spacing_mm: float) -> Oval:
    """Place and size as in the annotations: 4 to 10 mm, mostly upright, in the upper half, right of the middle."""
    diameter = float(np.clip(rng.normal(7.0, 1.2), 4.5, 9.5))
    ratio = float(np.clip(rng.normal(0.6, 0.1), 0.4, 0.85))
    angle = math.radians(float(np.clip(rng.normal(70, 22), 10, 130)))
    oval = Oval(0.0, 0.0, diameter / 2 / math.sqrt(ratio), diameter / 2 * math.sqrt(ratio), angle)
    width, height = shape[1] * spacing_mm, shape[0] * spacing_mm
    cover = 4.2  # skin and fascia
    y = max(float(np.clip(rng.normal(0.36, 0.07), 0.25, 0.5)) * height, cover + oval.reach[1])
    x = float(np.clip(rng.normal(0.56, 0.07), 0.4, 0.7)) * width
    return Oval(x, y, oval.long, oval.short, angle)


def _draw_marker(pixels: Floats) -> None:
    """Draw, in place, the scanner's small open triangle at the middle of the upper border."""
    side = max(3, pixels.shape[1] // 40)
    middle = pixels.shape[1] // 2
    for row in range(side):
        half = (side - row) // 2
        pixels[row, [middle - half, middle + half]] = 0


def _mask(nerve: Oval | None, shape: tuple[int, int], spacing_mm: float) -> MaskArray:
    """Pixels whose centre lies in the nerve."""
    if nerve is None:
        return np.zeros(shape, np.uint8)
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    u, v = nerve.axes(cols * spacing_mm, rows * spacing_mm)
    mask: MaskArray = ((u / nerve.long) ** 2 + (v / nerve.short) ** 2 <= 1).astype(np.uint8)
    return mask


def _truth(nerve: Oval | None, spacing_mm: float) -> dict[str, float]:
    if nerve is None:
        return {"presence_probability": 0.0}
    diameter = 2 * math.sqrt(nerve.long * nerve.short)
    return {
        "presence_probability": 1.0,
        "area_mm2": nerve.area,
        "equivalent_diameter_mm": diameter,
        "area_px": nerve.area / spacing_mm**2,
        "equivalent_diameter_px": diameter / spacing_mm,
        "center_row_px": nerve.y / spacing_mm,
        "center_col_px": nerve.x / spacing_mm,
    }
