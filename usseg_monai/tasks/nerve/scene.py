"""Acoustic maps of a neck phantom under a linear probe: scattering, specular reflection and absorption."""

from __future__ import annotations

import math

import numpy as np

from usseg_monai.phantoms.drawing import Oval, bell, blend, step
from usseg_monai.phantoms.linear_scene import LinearScene
from usseg_monai.phantoms.speckle import Floats, smooth_noise

__all__ = ["NeckScene"]


class NeckScene(LinearScene):
    """Maps of one scene, ``(rows, cols)``. Levels are amplitudes in dB against white, lengths mm.

    From the skin down: fat and platysma, the sternomastoid muscle tapering over its fascia, the two scalene muscles with the plexus
    in the groove between them, an artery, and the first rib. The levels were set by eye against Kaggle's pictures.

    Args:
        rng: source of all randomness.
        shape: ``(rows, cols)``.
        spacing_mm: size of the square pixels.
        nerve: the true outline; ``None`` for a neck without a visible nerve.
        groove_mm: ``(x, y)`` of the place between the scalene muscles.
    """

    def __init__(
        self, rng: np.random.Generator, shape: tuple[int, int], spacing_mm: float, nerve: Oval | None, groove_mm: tuple[float, float]
    ) -> None:
        super().__init__(rng, shape, spacing_mm)
        self._groove = groove_mm
        self._draw_scalenes()
        self._draw_planes()
        self._draw_rib()
        self._draw_artery(nerve)
        self._draw_cover()
        if nerve is not None:
            self._draw_nerve(nerve)

    def _ground(self) -> Floats:
        level = super()._ground() + 3 * smooth_noise(self._rng, self._x, self._y, (3.5, 1.2), 4)
        level += 2 * smooth_noise(self._rng, self._x, self._y, (14, 9))
        return level

    def _draw_scalenes(self) -> None:
        """Two dark bellies with bright sheaths and strands, leaning against each other over the groove."""
        rng, (x, y) = self._rng, self._groove
        for side in (-1, 1):
            belly = Oval(
                x + side * rng.uniform(8.5, 10.5),
                y + rng.uniform(2.5, 5.0),
                rng.uniform(7.5, 9.5),
                rng.uniform(3.6, 5.2),
                side * rng.uniform(-0.35, 0.1),
            )
            edge = belly.distance(self._x, self._y) + 0.5 * smooth_noise(rng, self._x, self._y, (5, 4), 2)
            inside = step(-edge, 0.6)
            strands = self._fibres(belly.angle, 7.0, 0.8)
            level = np.float32(rng.uniform(-43, -39)) + 2.5 * strands + 9 * step(strands - 1.5, 0.5)
            self._level = blend(self._level, level, inside)
            self._add_mirror(rng.uniform(-11, -5), bell(edge, 0.14) * self._broken(5, 0.1) * self._facing(edge) ** 2)
            self._add_mirror(-14, bell(strands - 1.7, 0.15) * inside * self._broken(4, -0.4))

    def _draw_planes(self) -> None:
        """Short bright strokes between the muscles, horizontal or slightly tilted."""
        for scale, strength, tilt in (
            (9.0, -3.0, -0.2),
            (9.0, -5.0, 0.2),
            (5.0, -6.0, 0.0),
            (4.0, -8.0, 0.3),
            (4.0, -8.0, -0.3),
            (2.5, -11.0, 0.0),
        ):
            relief = self._fibres(tilt + self._rng.normal(0, 0.1), 2.5 * scale, 0.42 * scale)
            patchy = step(smooth_noise(self._rng, self._x, self._y, (0.8 * scale, 0.4 * scale)) - 0.8, 1.0)
            patchy *= self._facing(relief) ** 3
            self._add_mirror(strength + self._rng.normal(0, 2), bell(relief, 0.08) * patchy)
            self._level += 9 * bell(relief, 0.3) * patchy

    def _draw_cover(self) -> None:
        """Skin, fat, and the sternomastoid, which ends in a wedge over the groove; the fascia under it is the brightest line."""
        rng, x, y = self._rng, self._x, self._y
        along = x / np.float32(self._width)
        side = -1 if rng.random() < 0.75 else 1
        bottom = np.float32(self._groove[1] - rng.uniform(3.6, 4.6)) + np.float32(0.5) * smooth_noise(rng, x, 0 * y, (14, 1), 2)
        bottom += np.float32(rng.uniform(0.5, 2.5)) * (along - 0.5) * side
        top = np.float32(rng.uniform(2.0, 2.6)) + np.float32(0.25) * smooth_noise(rng, x, 0 * y, (16, 1), 2)
        bottom = np.maximum(bottom, top + 0.4)
        wedge = step(side * (along - np.float32(rng.uniform(0.5, 0.62))), 0.5)
        upper = top + (bottom - top) * wedge * np.float32(0.85)

        above = step(bottom - y, 0.3)
        fat = self._fibres(0, 8, 0.5)
        self._level = blend(self._level, np.float32(-31) + 4 * fat, above)
        self._mirror_level = blend(self._mirror_level, np.full_like(y, -90), above)
        self._add_mirror(-7, bell(fat - 0.9, 0.2) * above * step(upper - y, 0.3) * self._broken(7, 0.2))
        muscle = step(y - upper, 0.3) * above
        strands = self._fibres(side * 0.05, 9, 0.7)
        self._level = blend(self._level, np.float32(rng.uniform(-44, -40)) + 3 * strands + 8 * step(strands - 1.4, 0.5), muscle)
        self._add_mirror(rng.uniform(-9, -4), bell(y - upper, 0.12) * self._broken(7, 0.4))
        for depth, strength in ((0.0, rng.uniform(0, 5)), (rng.uniform(0.6, 1.2), rng.uniform(-7, -2))):
            self._add_mirror(strength, bell(y - bottom - np.float32(depth), 0.16) * self._broken(7, 0.5))
            self._level += 9 * bell(y - bottom - np.float32(depth), 0.3)

        skin = step(top - y, 0.6)
        layers = smooth_noise(rng, x, y, (45, 0.45), 2)
        self._level = blend(self._level, np.float32(-22) + 8 * layers, skin)
        self._add_mirror(-3, bell(layers - 0.8, 0.35) * skin)

    def _draw_artery(self, nerve: Oval | None) -> None:
        """Blood is black, the walls are bright where they lie across the beam, and the tissue below is enhanced."""
        rng, (x, y) = self._rng, self._groove
        if rng.random() < 0.25:
            return
        below = y if nerve is None else nerve.y + nerve.reach[1]
        radius = rng.uniform(1.3, 2.1)
        place = Oval(
            x + rng.choice([-1, 1]) * rng.uniform(4.5, 10.0),
            below + radius + rng.uniform(2.0, 5.0),
            1.15 * radius,
            radius,
            rng.normal(0, 0.2),
        )
        edge = place.distance(self._x, self._y)
        self._level = blend(self._level, np.full_like(edge, -62), step(-edge, 0.3))
        self._mirror_level = np.where(edge < 0.2, -90, self._mirror_level)
        self._add_mirror(rng.uniform(-9, -2), bell(edge - 0.15, 0.14) * self._facing(edge) ** 3 * self._broken(2.5, 0.3))
        self._level += 4 * bell(edge - 0.3, 0.3)
        self._absorb -= 1.1 * step(-edge, 0.3)

    def _draw_rib(self) -> None:
        """The first rib or a transverse process, deep, with its shadow."""
        rng = self._rng
        x = rng.uniform(0.15, 0.85) * self._width
        y = self._depth * rng.uniform(0.8, 0.95)
        half = rng.uniform(5, 9)
        surface = self._y - np.float32(y) - ((self._x - np.float32(x)) / np.float32(half)) ** 2
        surface -= 0.3 * smooth_noise(rng, self._x, 0 * self._y, (4, 1), 2)
        across = step(half - np.abs(self._x - np.float32(x)), 2.0)
        self._add_mirror(rng.uniform(-4, 3), bell(surface, 0.22) * across * self._broken(6, 0.7))
        self._absorb += 9 * bell(surface, 0.3) * across

    def _draw_nerve(self, nerve: Oval) -> None:
        """Bright connective tissue with dark, bright-rimmed fascicles, a broken bright sheath and a dark halo."""
        rng = self._rng
        edge = nerve.distance(self._x, self._y)
        u, v = nerve.axes(self._x, self._y)
        inside = step(-edge - np.float32(0.1), 0.4)
        halo = bell(edge - 0.9, 0.45) * step(smooth_noise(rng, self._x, self._y, (6, 6)) + 0.2, 1.2)
        self._level -= 7 * halo
        self._mirror_level -= (16 * halo).astype(np.float32)
        self._mirror_level = blend(self._mirror_level, np.full_like(edge, -90), inside)
        texture = smooth_noise(rng, self._x, self._y, (1.1, 0.6), 3)
        self._level = blend(self._level, np.float32(rng.uniform(-29, -24)) + 3.5 * texture, inside)
        self._add_mirror(-5, bell(texture - 0.9, 0.25) * inside * self._broken(2.0, -0.1) * self._facing(texture))

        # Fascicles in a row along the nerve, as large as fits.
        count = int(np.clip(round(nerve.long / nerve.short + rng.uniform(0.4, 1.4)), 2, 5))
        pitch = 2 * nerve.long / count
        for number in range(count):
            along = -nerve.long + (number + 0.5) * pitch
            room = nerve.short * math.sqrt(1 - (along / nerve.long) ** 2)
            radius = rng.uniform(0.5, 0.8) * min(0.5 * pitch, room)
            across = rng.uniform(-0.8, 0.8) * max(0.0, room - radius - 0.35)
            distance = np.hypot(u - np.float32(along), v - np.float32(across)) - np.float32(radius)
            distance += 0.28 * radius * smooth_noise(rng, u, v, (1.3, 1.3))
            core = step(-distance, 0.3)
            self._level = blend(self._level, np.float32(rng.uniform(-46, -39)) + 2 * texture, core)
            self._mirror_level = blend(self._mirror_level, np.full_like(edge, -90), core)
            rim = bell(distance - 0.12, 0.15) * step(-edge, 0.3)
            self._add_mirror(rng.uniform(-4, 3), rim * self._facing(distance) ** 2 * self._broken(1.8, 0.4))
        self._add_mirror(rng.uniform(-6, 1), bell(edge + 0.22, 0.15) * self._facing(edge) ** 2 * self._broken(3, 0.4))
        self._level += 5 * bell(edge + 0.25, 0.25) * self._broken(3, 0.4)
