"""Synthetic breast ultrasound from a linear probe, normal or with a benign or malignant lesion, with exact truth.

The two kinds differ by the textbook signs (A. Stavros et al., "Solid breast nodules: use of sonography to distinguish between benign and
malignant lesions", Radiology 196 (1995) 123-134): benign lesions are oval, wider than tall and smooth, with a thin capsule and posterior
enhancement; malignant ones are irregular, taller than wide and spiculated, with a halo and a shadow. The scene passes through the scatterer
model of `usseg_monai.phantoms.speckle`.

These pictures test software and show what it does. They do not replace real ones for judging accuracy.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from usseg_monai.errors import UsageError
from usseg_monai.geometry.types import MaskArray
from usseg_monai.imaging.image import GreyImage, Source
from usseg_monai.phantoms.phantom import Phantom
from usseg_monai.phantoms.speckle import PointSpread, envelope, log_compress
from usseg_monai.tasks.breast.lesion_scene import Lesion, draw_lesion
from usseg_monai.tasks.breast.scene import BreastScene

__all__ = ["CATEGORIES", "breast_phantom"]

CATEGORIES = ("normal", "benign", "malignant")
"""What a phantom can show."""

_PROBE_MM = (38.0, 50.0)
_AXIAL_MM, _LATERAL_MM = 0.09, 0.2  # standard deviations of the point spread
_MARGIN = 0.04  # of the picture's width: minimum distance of a lesion from its sides


def breast_phantom(seed: int, category: str = "benign", *, shape: tuple[int, int] = (440, 560)) -> Phantom:
    """Draw a breast; the same arguments give the same picture.

    Args:
        seed: any integer from 0.
        category: one of `CATEGORIES`.
        shape: ``(rows, cols)`` of the picture, at least 64 each, with a ratio of rows to columns of 0.7 to 1.

    Returns:
        Image (0 to 255, square pixels), mask and truth: class and number of lesions; for a lesion also area, axes, width, depth, centre.

    Raises:
        UsageError: an unknown category; a picture that is too small, too flat or too tall.

    >>> phantom = breast_phantom(1, "malignant", shape=(110, 140))
    >>> phantom.image.pixels.shape, phantom.truth["malignant_probability"], phantom.truth["depth_width_ratio"] > 1
    ((110, 140), 1.0, True)
    >>> breast_phantom(1, "normal", shape=(110, 140)).truth["lesion_count"]
    0.0
    """
    if category not in CATEGORIES:
        raise UsageError(f"no phantom of category {category!r}: the categories are {', '.join(CATEGORIES)}")
    if min(shape) < 64 or not 0.7 <= shape[0] / shape[1] <= 1:
        raise UsageError(f"phantom of {shape[0]}x{shape[1]} pixels: at least 64 rows and columns are needed, and 0.7 to 1 rows a column")
    rng = np.random.default_rng(seed)
    spacing = rng.uniform(*_PROBE_MM) / shape[1]
    lesion = None if category == "normal" else _place(rng, draw_lesion(rng, category == "malignant"), shape, spacing)
    scene = BreastScene(rng, shape, spacing, lesion)
    spread = PointSpread(max(0.6, _AXIAL_MM / spacing), max(0.6, _LATERAL_MM / spacing))
    echo = envelope(rng, scene.diffuse(), scene.mirror(), spread, looks=3)
    brightness = log_compress(echo * np.float32(10 ** (rng.normal(0, 1.5) / 20)), dynamic_range_db=58, gamma=rng.uniform(1.1, 1.4))
    pixels = np.rint(255 * brightness).astype(np.float32)
    image = GreyImage(pixels, (spacing, spacing), Source(Path(f"phantom-{seed}")))
    classes = {f"{name}_probability": float(name == category) for name in CATEGORIES}
    sizes = {"lesion_count": 0.0} if lesion is None else lesion.truth(spacing)
    return Phantom(image, _mask(lesion, shape, spacing), {**classes, **sizes})


def _place(rng: np.random.Generator, lesion: Lesion, shape: tuple[int, int], spacing_mm: float) -> Lesion:
    """Move the lesion to a place between skin and chest wall where it lies whole in the picture."""
    width, height = shape[1] * spacing_mm, shape[0] * spacing_mm
    x, y = lesion.outline()
    left, right = _MARGIN * width - float(x.min()), (1 - _MARGIN) * width - float(x.max())
    top, bottom = 0.12 * height - float(y.min()), 0.8 * height - float(y.max())
    middle = (left + right) / 2
    to_the_right = float(np.clip(rng.normal(middle, 0.12 * width), left, right))
    down = float(rng.uniform(top, max(top, min(bottom, 0.5 * height))))
    return lesion.moved(to_the_right, down)


def _mask(lesion: Lesion | None, shape: tuple[int, int], spacing_mm: float) -> MaskArray:
    """Pixels whose centre lies in the lesion."""
    if lesion is None:
        return np.zeros(shape, np.uint8)
    y, x = np.mgrid[: shape[0], : shape[1]] * spacing_mm
    mask: MaskArray = (lesion.distance(x, y) <= 0).astype(np.uint8)
    return mask
