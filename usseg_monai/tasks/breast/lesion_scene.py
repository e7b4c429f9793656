"""The true outline of a phantom's breast lesion: star-shaped around its centre; its sizes come from a fine polygon."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from usseg_monai.phantoms.speckle import Floats

__all__ = ["Lesion", "draw_lesion"]

_CORNERS = 3600  # of the polygon that approximates the curve: its area is right within 1e-5


@dataclass(frozen=True)
class Lesion:
    """An outline in the picture's plane: x to the right, y down, mm from the centre of pixel (0, 0).

    In its own frame, where the ellipse with these semi-axes is a circle of radius 1, the radius is
    ``1 + sum(height * cos(count * turn + phase))``.

    Attributes:
        malignant: whether it looks malignant.
        x: of the centre.
        y: of the centre.
        long: semi-axis before waves, mm.
        short: the other semi-axis, mm.
        angle: of the long axis against the horizontal, radians, counter-clockwise as seen.
        waves: ``(count, height, phase)`` of each wave around the outline; heights sum up to less than 1.
    """

    malignant: bool
    x: float
    y: float
    long: float
    short: float
    angle: float
    waves: tuple[tuple[int, float, float], ...]

    def axes(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Coordinates along the long axis and, downwards, along the short one; mm from the centre."""
        c, s = math.cos(self.angle), math.sin(self.angle)
        dx, dy = x - self.x, y - self.y
        return dx * c - dy * s, dx * s + dy * c

    def distance(self, x: Floats, y: Floats) -> Floats:
        """Approximate signed distance of points from the outline in mm, negative inside; the sign is exact."""
        u, v = self.axes(x, y)
        radius, turn = np.hypot(u / self.long, v / self.short), np.arctan2(v / self.short, u / self.long)
        slope = np.hypot(u / self.long**2, v / self.short**2) / np.maximum(radius, 1e-6)
        about: Floats = (radius - self._radius(turn)) / np.maximum(slope, 1 / self.long)
        return about

    def outline(self) -> tuple[Floats, Floats]:
        """``x`` and ``y`` of the polygon that approximates the curve; it is not closed."""
        turn = np.linspace(0, 2 * math.pi, _CORNERS, endpoint=False)
        radius = self._radius(turn)
        u, v = self.long * radius * np.cos(turn), self.short * radius * np.sin(turn)
        c, s = math.cos(self.angle), math.sin(self.angle)
        return self.x + u * c + v * s, self.y - u * s + v * c

    def moved(self, right: float, down: float) -> Lesion:
        """The same lesion, moved."""
        return replace(self, x=self.x + right, y=self.y + down)

    def truth(self, spacing_mm: float) -> dict[str, float]:
        """Exact values by column of the task ``breast``, in millimetres and in pixels of the given size."""
        x, y = self.outline()
        cross = x * np.roll(y, -1) - np.roll(x, -1) * y
        area = float(abs(cross.sum())) / 2
        center_x, center_y = (float(((a + np.roll(a, -1)) * cross).sum() / (3 * cross.sum())) for a in (x, y))
        width, depth = float(np.ptp(x)), float(np.ptp(y))
        long, short = _axes(x, y)
        lengths = {"long_axis": long, "short_axis": short, "width": width, "depth": depth}
        return {
            "lesion_count": 1.0,
            "total_area_mm2": area,
            "total_area_px": area / spacing_mm**2,
            "area_mm2": area,
            **{f"{name}_mm": value for name, value in lengths.items()},
            "area_px": area / spacing_mm**2,
            **{f"{name}_px": value / spacing_mm for name, value in lengths.items()},
            "depth_width_ratio": depth / width,
            "center_row_px": center_y / spacing_mm,
            "center_col_px": center_x / spacing_mm,
        }

    def _radius(self, turn: Floats) -> Floats:
        return 1 + sum((height * np.cos(count * turn + phase) for count, height, phase in self.waves), np.zeros_like(turn))


def _axes(x: Floats, y: Floats) -> tuple[float, float]:
    """Longest diameter of a set of points and the extent at right angles to it, in steps of a tenth of a degree."""
    turn = np.linspace(0, math.pi, 1800, endpoint=False)[:, None]
    extent = np.ptp(x * np.cos(turn) + y * np.sin(turn), axis=1)
    best = int(extent.argmax())
    return float(extent[best]), float(extent[(best + 900) % 1800])


def draw_lesion(rng: np.random.Generator, malignant: bool) -> Lesion:
    """A lesion around the origin: benign ones oval, smooth, parallel to the skin; malignant ones irregular and taller than wide."""
    if malignant:
        size, ratio, angle = rng.uniform(4.5, 8.5), rng.uniform(0.68, 0.85), math.radians(90 + rng.normal(0, 10))
        waves = [(count, rng.uniform(0.25, 0.5) / count, rng.uniform(0, 2 * math.pi)) for count in (3, 4, 5, 7)]
        waves += [(count, rng.uniform(0.2, 0.4) / count, rng.uniform(0, 2 * math.pi)) for count in (10, 13, 17)]
    else:
        size, ratio, angle = rng.uniform(4.0, 10.0), rng.uniform(0.45, 0.7), math.radians(rng.normal(0, 9))
        waves = [(count, rng.uniform(0, 0.06) / (count - 1), rng.uniform(0, 2 * math.pi)) for count in (2, 3, 4)]
    lesion = Lesion(malignant, 0.0, 0.0, size / math.sqrt(ratio) * 0.8, size * math.sqrt(ratio) * 0.8, angle, tuple(waves))
    x, y = lesion.outline()
    if malignant and np.ptp(y) < 1.05 * np.ptp(x):  # the waves made it wide: turn it
        lesion = replace(lesion, angle=angle + math.pi / 2)
        x, y = lesion.outline()
        if np.ptp(y) < 1.05 * np.ptp(x):
            return draw_lesion(rng, malignant)
    return lesion
