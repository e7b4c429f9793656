"""Acoustic maps of a breast phantom: layers of tissue from the skin to the chest wall, and a lesion in them."""

from __future__ import annotations

import numpy as np

from usseg_monai.phantoms.drawing import bell, blend, step
from usseg_monai.phantoms.linear_scene import LinearScene
from usseg_monai.phantoms.speckle import Floats, smooth_noise
from usseg_monai.tasks.breast.lesion_scene import Lesion

__all__ = ["BreastScene"]


class BreastScene(LinearScene):
    """Skin, fat lobules between Cooper's ligaments, fibroglandular tissue, pectoral muscle, and the lesion.

    The levels were set by eye against pictures of BUSI and BUS-BRA.

    Args:
        rng: source of all randomness.
        shape: ``(rows, cols)``.
        spacing_mm: size of the square pixels.
        lesion: the true outline; ``None`` for a normal breast.
    """

    def __init__(self, rng: np.random.Generator, shape: tuple[int, int], spacing_mm: float, lesion: Lesion | None) -> None:
        super().__init__(rng, shape, spacing_mm)
        flat = 0 * self._y
        self._skin = np.float32(rng.uniform(1.3, 2.2)) + np.float32(0.1) * smooth_noise(rng, self._x, flat, (9, 1), 2)
        self._gland_top = self._border(rng.uniform(0.16, 0.26), 1.6, 9)
        self._muscle_top = self._border(rng.uniform(0.66, 0.82), 0.5, 18)
        self._draw_gland()
        self._draw_fat()
        self._draw_muscle()
        self._draw_skin()
        if lesion is not None:
            self._draw_lesion(lesion)
        self._absorb += np.float32(rng.uniform(0.0, 0.15))

    def _border(self, share: float, height_mm: float, length_mm: float) -> Floats:
        """Depth of a border between layers, mm."""
        tilt = np.float32(self._rng.normal(0, 0.05)) * (self._x - np.float32(self._width / 2))
        waves = smooth_noise(self._rng, self._x, 0 * self._y, (length_mm, 1), 2)
        border: Floats = np.float32(share * self._depth) + tilt + np.float32(height_mm) * waves
        return border

    def _draw_gland(self) -> None:
        """Bright tissue with streaks along the skin; dark fat lobules and ducts in it."""
        rng = self._rng
        self._level = np.float32(rng.uniform(-30, -26)) + 2.5 * self._noise(3, 0.8, 3) + 2.5 * self._noise(12, 5, 2)
        lobules = step(self._noise(7, 2.4, 2) - rng.uniform(0.4, 1.1), 0.7)
        self._level -= rng.uniform(7, 11) * lobules
        for scale, strength in ((8.0, -8.0), (8.0, -9.0), (4.0, -11.0), (4.0, -12.0), (2.5, -14.0)):
            relief = self._fibres(rng.normal(0, 0.12), 2.2 * scale, 0.35 * scale)
            patchy = step(self._noise(0.9 * scale, 0.4 * scale) - 0.4, 1.0) * self._facing(relief) ** 3
            self._add_mirror(strength + rng.normal(0, 2), bell(relief, 0.1) * patchy)
            self._level += 6 * bell(relief, 0.3) * patchy

    def _draw_fat(self) -> None:
        """Dark lobules under the skin, separated by bright slanted ligaments."""
        rng = self._rng
        above = step(self._gland_top - self._y, 1.2)
        lobules = self._noise(8, 3.5, 2)
        fat = np.float32(rng.uniform(-39, -35)) + 1.5 * self._noise(2.5, 0.8, 2) + 1.5 * lobules
        self._level = blend(self._level, fat, above)
        self._mirror_level = blend(self._mirror_level, np.full_like(fat, -90), above)
        for angle in (0.0, 0.35, -0.35):
            septa = self._fibres(angle + rng.normal(0, 0.08), 9, 2.4)
            seen = step(self._noise(5, 2) + 0.1, 1.0) * self._facing(septa) ** 2 * above
            self._add_mirror(-13 + rng.normal(0, 2), bell(septa, 0.09) * seen)
            self._level += 8 * bell(septa, 0.2) * seen

    def _draw_muscle(self) -> None:
        """Dark bands with bright strands along the chest wall, the fascia, and in some pictures a rib's bright line and shadow."""
        rng = self._rng
        below = self._y - self._muscle_top
        inside = step(below, 0.6)
        strands = smooth_noise(rng, self._x, below, (11, 0.9), 2)
        self._level = blend(self._level, np.float32(rng.uniform(-41, -37)) + 3 * strands, inside)
        self._mirror_level = blend(self._mirror_level, np.full_like(below, -90), inside)
        self._add_mirror(-12, bell(strands - 1.3, 0.15) * inside * self._broken(6, -0.1))
        self._add_mirror(rng.uniform(-15, -8), bell(below, 0.12) * self._broken(7, 0.3))
        wall = below - np.float32(rng.uniform(5, 9)) + np.float32(0.4) * smooth_noise(rng, self._x, 0 * below, (16, 1))
        self._add_mirror(rng.uniform(-13, -5), bell(wall, 0.16) * self._broken(9, -0.1))
        self._level -= 6 * step(wall, 0.8)
        self._absorb += np.float32(0.5) * step(wall, 0.5)

    def _draw_skin(self) -> None:
        """A bright band between two lines, with gel above it."""
        inside = step(self._skin - self._y, 0.2)
        self._level = blend(self._level, np.float32(-22) + 2 * self._noise(4, 0.4, 2), inside)
        self._mirror_level = blend(self._mirror_level, np.full_like(self._y, -90), inside)
        for depth in (np.float32(0.35), self._skin):
            self._add_mirror(-4, bell(self._y - depth, 0.1) * self._broken(12, 1.2))

    def _draw_lesion(self, lesion: Lesion) -> None:
        distance = lesion.distance(self._x, self._y).astype(np.float32)
        if lesion.malignant:
            self._draw_malignant(lesion, distance)
        else:
            self._draw_benign(lesion, distance)

    def _draw_benign(self, lesion: Lesion, distance: Floats) -> None:
        """Homogeneous and dark; a thin bright capsule where it faces the beam, enhancement below it, narrow shadows below its edges."""
        rng = self._rng
        inside = step(-distance, 0.25)
        self._clear(inside)
        level = np.float32(rng.uniform(-48, -39)) + 1.8 * self._noise(2.5, 1.4, 3)
        self._level = blend(self._level, level, inside)
        facing = self._facing(distance)
        self._add_mirror(rng.uniform(-14, -7), bell(distance - 0.12, 0.11) * facing**3 * self._broken(5, 0.7))
        self._level += 5 * bell(distance - 0.3, 0.3)
        self._absorb -= np.float32(rng.uniform(0.5, 1.0)) * inside
        self._absorb += np.float32(rng.uniform(2.0, 4.0)) * bell(distance, 0.25) * (1 - facing) ** 4

    def _draw_malignant(self, lesion: Lesion, distance: Floats) -> None:
        """Inhomogeneous and dark, without a clear edge; a bright halo crossed by spicules, and a shadow below."""
        rng = self._rng
        u, v = lesion.axes(self._x, self._y)
        turn = np.arctan2(v, u)
        halo = step(distance + 0.4, 0.8) * bell(np.maximum(distance, 0), rng.uniform(1.2, 2.0))
        around = smooth_noise(rng, np.cos(turn), np.sin(turn), (0.5, 0.5))
        self._level = blend(
            self._level, np.float32(-22) + 2 * self._noise(2, 1, 2), (0.85 * halo * step(around + 0.8, 1.5)).astype(np.float32)
        )
        rays = smooth_noise(rng, np.cos(turn), np.sin(turn), (0.12, 0.12))
        reach = np.float32(1.6) * (1 + 0.5 * around)
        ray = step(rays - 1.0, 0.4) * step(distance, 0.3) * step(reach - distance, 1.5)
        self._level -= (9 * ray).astype(np.float32)
        self._mirror_level -= (25 * ray).astype(np.float32)

        inside = step(-distance, 0.7)
        self._clear(inside)
        level = np.float32(rng.uniform(-46, -40)) + 3.0 * self._noise(2.0, 1.4, 3)
        self._level = blend(self._level, level, inside)
        grains = step(self._noise(0.7, 0.6) - 2.9, 0.3) * inside  # calcifications
        self._add_mirror(-12, grains)
        self._absorb += np.float32(rng.uniform(0.7, 1.4)) * inside

    def _clear(self, inside: Floats) -> None:
        """Remove the layers' interfaces within the lesion."""
        self._mirror_level = blend(self._mirror_level, np.full_like(inside, -90), inside)
