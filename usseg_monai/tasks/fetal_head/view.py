"""Where a phantom's head lies in the picture, and how the probe sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from usseg_monai.geometry.ellipse import Ellipse
from usseg_monai.phantoms.drawing import Oval
from usseg_monai.phantoms.sector import BeamGrid, Sector
from usseg_monai.phantoms.speckle import PointSpread

__all__ = ["EARLY_BELOW_MM", "MARGIN_PX", "Head", "View", "draw_view"]

EARLY_BELOW_MM = 125.0
"""Circumference at about 15 weeks. In smaller heads the plexus fills the ventricles, and fluid surrounds the whole head."""

MARGIN_PX = 8.0
"""Minimum distance of a head from the border of the picture."""

_PIXEL_RANGE_MM = (0.05, 0.35)


class Head(Oval):
    """The true ellipse along the outer border of the skull; its long semi-axis runs from the centre to the occiput."""

    @property
    def circumference_mm(self) -> float:
        """Perimeter."""
        return _perimeter(self.long, self.short)


@dataclass(frozen=True)
class View:
    """One setting of the scanner.

    Attributes:
        head: the true ellipse.
        spacing_mm: size of the picture's square pixels.
        grid: beams and depths of the field of view.
        spread: point-spread function on that grid.
    """

    head: Head
    spacing_mm: float
    grid: BeamGrid
    spread: PointSpread


def _perimeter(semi_major: float, semi_minor: float) -> float:
    return Ellipse(0, 0, semi_major, semi_minor, 0).perimeter


def draw_view(rng: np.random.Generator, shape: tuple[int, int], circumference: float | None) -> View:
    """Draw head, zoom and probe at random, with the whole head in the picture and the field of view.

    Args:
        rng: source of all randomness.
        shape: ``(rows, cols)`` of the picture.
        circumference: of the head in mm; if ``None``, drawn from the range of HC18.
    """
    drawn = rng.choice([rng.uniform(60, 115), rng.uniform(150, 215), rng.uniform(215, 340)], p=[0.2, 0.5, 0.3])
    circumference = float(drawn) if circumference is None else circumference
    early = circumference < EARLY_BELOW_MM
    ratio = rng.uniform(0.78, 0.92) if early else rng.uniform(0.72, 0.86)
    long = circumference / _perimeter(1.0, ratio)
    angle = math.radians(rng.uniform(-90, 90) if rng.random() < (0.5 if early else 0.08) else np.clip(rng.normal(0, 13), -50, 50))
    head = Head(0.0, 0.0, long, long * ratio, angle)

    # A sonographer sets the zoom so that the head fills part of the picture: this gives the pixel size.
    filled = rng.uniform(0.42, 0.72) if early else rng.uniform(0.6, 0.86)
    usable_rows, usable_cols = shape[0] - 2 * MARGIN_PX, shape[1] * 0.98 - 2 * MARGIN_PX
    reference = 540 / shape[0]  # smaller pictures have larger pixels
    fitting = max(2 * head.reach[0] / usable_cols, 2 * head.reach[1] / usable_rows)
    spacing = max(float(np.clip(fitting / filled, _PIXEL_RANGE_MM[0] * reference, _PIXEL_RANGE_MM[1] * reference)), fitting)
    width, height = shape[1] * spacing, shape[0] * spacing
    free_x = (usable_cols * spacing) / 2 - head.reach[0]
    free_y = (usable_rows * spacing) / 2 - head.reach[1]
    x = width * 0.492 + free_x * np.clip(rng.normal(0, 0.4), -0.95, 0.95)
    y = height / 2 + free_y * np.clip(rng.normal(0, 0.4), -0.95, 0.95)
    head = Head(float(x), float(y), head.long, head.short, angle)

    sector = _draw_sector(rng, head, width, height)
    sharpness = (spacing / reference / 0.12) ** 0.5  # deeper scans use lower frequencies and resolve less
    axial, lateral = 0.34 * sharpness * rng.uniform(0.85, 1.2), 0.72 * sharpness * rng.uniform(0.85, 1.25)
    grid = sector.beam_grid((width, height), axial / 1.8, lateral / 1.8)
    return View(head, spacing, grid, PointSpread(1.8, 1.8))


def _draw_sector(rng: np.random.Generator, head: Head, width: float, height: float) -> Sector:
    top = head.y - head.reach[1]
    face = rng.uniform(38, 60)
    begin = min(rng.uniform(-0.35, 0.1) * height, top - 4.0)  # y of the probe's face, or of the zoom box, half way across
    skin = begin if begin > 0 or rng.random() < 0.5 else begin - rng.uniform(0, 25)  # zoomed views begin deeper than the skin
    apex = (head.x + rng.normal(0, 0.06) * width, skin - face)
    turn = np.linspace(0, 2 * np.pi, 90)
    u, v = head.long * np.cos(turn), head.short * np.sin(turn)
    c, s = math.cos(head.angle), math.sin(head.angle)
    outline = head.x + u * c + v * s, head.y - u * s + v * c
    unbounded = Sector(apex, face, face, face + 1, 1)
    radius, angle = unbounded.polar(*outline)
    half_angle = max(rng.uniform(0.5, 0.72), float(np.abs(angle).max()) + 0.02)
    far = max(height * rng.uniform(0.97, 1.2) - apex[1], float(radius.max()) + 3.0)
    return Sector(apex, face, max(face, begin - apex[1]), far, half_angle)
