"""Synthetic ultrasound of fetal heads, with exact truth.

A head of known size lies in a simple uterus: skull, brain, tissue, amniotic fluid. The scene is drawn on the beams of a convex probe as
three maps (diffuse scattering, specular reflection, attenuation), passes through the scatterer model of `usseg_monai.phantoms.speckle` and
is scan-converted to the picture's pixels. Sizes of heads and pixels span those of HC18 (van den Heuvel et al., PLoS ONE 13, 2018), on whose
pictures the appearance is modelled: circumference 60 to 340 mm, pixels 0.05 to 0.35 mm.

These pictures test software and show what it does. They do not replace real ones for judging accuracy.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from usseg_monai.errors import UsageError
from usseg_monai.geometry.types import MaskArray
from usseg_monai.imaging.image import GreyImage, Source
from usseg_monai.phantoms.phantom import Phantom
from usseg_monai.phantoms.speckle import Floats, envelope, log_compress
from usseg_monai.tasks.fetal_head.scene import Scene
from usseg_monai.tasks.fetal_head.view import Head, draw_view

__all__ = ["HC_RANGE_MM", "fetal_head_phantom"]

HC_RANGE_MM = (60.0, 340.0)
"""Circumferences that a phantom can have."""


def fetal_head_phantom(seed: int, *, head_circumference_mm: float | None = None, shape: tuple[int, int] = (540, 800)) -> Phantom:
    """Draw a fetal head; the same arguments give the same picture.

    Args:
        seed: any integer from 0.
        head_circumference_mm: true circumference, 60 to 340; drawn at random if not given.
        shape: ``(rows, cols)`` of the picture, at least 64 each.

    Returns:
        Image (0 to 255, square pixels), mask and truth: circumference, BPD, OFD in mm and pixels, cephalic index, centre and angle.

    Raises:
        UsageError: a size outside these ranges.

    >>> phantom = fetal_head_phantom(1, head_circumference_mm=180, shape=(135, 200))
    >>> phantom.image.pixels.shape, round(phantom.truth["head_circumference_mm"], 3)
    ((135, 200), 180.0)
    """
    if head_circumference_mm is not None and not HC_RANGE_MM[0] <= head_circumference_mm <= HC_RANGE_MM[1]:
        raise UsageError(f"head circumference {head_circumference_mm} mm: a phantom has {HC_RANGE_MM[0]:g} to {HC_RANGE_MM[1]:g} mm")
    if min(shape) < 64:
        raise UsageError(f"phantom of {shape[0]}x{shape[1]} pixels: at least 64 rows and columns are needed")
    rng = np.random.default_rng(seed)
    view = draw_view(rng, shape, head_circumference_mm)
    scene = Scene(rng, view)
    echo = envelope(rng, scene.diffuse(), scene.mirror(), view.spread, looks=4)
    brightness = log_compress(echo * np.float32(10 ** (rng.normal(0, 1.5) / 20)), dynamic_range_db=60, gamma=rng.uniform(1.7, 2.1))
    pixels = np.rint(255 * view.grid.to_picture(brightness, shape, view.spacing_mm)).astype(np.float32)
    mask = _mask(view.head, shape, view.spacing_mm)
    _decorate(rng, pixels, mask)
    spacing = (view.spacing_mm, view.spacing_mm)
    return Phantom(GreyImage(pixels, spacing, Source(Path(f"phantom-{seed}"))), mask, _truth(view.head, view.spacing_mm))


def _mask(head: Head, shape: tuple[int, int], spacing_mm: float) -> MaskArray:
    """The ellipse as in HC18's filled outlines: drawn with a pen of 2 x 2 pixels, thus one pixel wider on each of the four sides.

    The Minkowski sum of ellipse and square is the union of the ellipse moved to the square's corners, except for slivers below 0.01 pixels.
    """
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    mask = np.zeros(shape, np.bool_)
    for down in (-1, 1):
        for right in (-1, 1):
            u, v = head.axes((cols + right) * spacing_mm, (rows + down) * spacing_mm)
            mask |= (u / head.long) ** 2 + (v / head.short) ** 2 <= 1
    return mask.astype(np.uint8)


def _truth(head: Head, spacing_mm: float) -> dict[str, float]:
    lengths = {
        "head_circumference": head.circumference_mm,
        "biparietal_diameter": 2 * head.short,
        "occipitofrontal_diameter": 2 * head.long,
    }
    return {
        **{f"{name}_mm": value for name, value in lengths.items()},
        "cephalic_index_percent": 100 * head.short / head.long,
        **{f"{name}_px": value / spacing_mm for name, value in lengths.items()},
        "center_row_px": head.y / spacing_mm,
        "center_col_px": head.x / spacing_mm,
        "angle_deg": math.degrees(head.angle),
    }


def _decorate(rng: np.random.Generator, pixels: Floats, mask: MaskArray) -> None:
    """Draw HC18's grey left bar, black right border and, where the head leaves room, blanked box. In place."""
    rows, cols = pixels.shape
    pixels[:, round(0.981 * cols) :] = 0
    pixels[:, : max(1, round(0.004 * cols))] = 0
    bar = slice(round(0.044 * rows), round(0.346 * rows))
    pixels[bar, max(1, round(0.004 * cols)) : round(0.015 * cols)] = np.rint(np.linspace(240, 8, bar.stop - bar.start))[:, None]
    box = slice(round(rng.uniform(0.78, 0.84) * rows), round(0.968 * rows)), slice(round(0.74 * cols), None)
    if rng.random() < 0.7 and not mask[box].any():
        pixels[box] = 0
