"""Acoustic maps of a phantom's uterus and head: scattering, specular reflection and absorption on the beam grid."""

from __future__ import annotations

import math

import numpy as np

from usseg_monai.phantoms.drawing import bell, blend, step
from usseg_monai.phantoms.speckle import Floats, smooth_noise
from usseg_monai.tasks.fetal_head.view import EARLY_BELOW_MM, View

__all__ = ["Scene"]


class Scene:
    """Maps of one scene on the beam grid. Levels are amplitudes in dB against white, lengths mm.

    The levels were set by eye against HC18's pictures.
    """

    def __init__(self, rng: np.random.Generator, view: View) -> None:
        """Draw the scene of a view; all randomness comes from ``rng``."""
        self._rng, self._view = rng, view
        self._x, self._y = view.grid.points()
        self._u, self._v = view.head.axes(self._x, self._y)
        self._edge = view.head.distance_along(self._u, self._v)
        self._early = view.head.circumference_mm < EARLY_BELOW_MM
        self._unit = 2 * view.head.long / 100  # mm; anatomical details scale with the head
        # HC18's outlines follow the outer flank of the skull's echo; its ridge lies this far (mm) inside, measured on 140 pictures.
        self._skull_depth = 0.5 + 0.75 * self._unit
        self._mirror_level = np.full(self._x.shape, -90, np.float32)
        self._level = np.zeros(self._x.shape, np.float32)
        self._absorb = np.zeros(self._x.shape, np.float32)  # dB per mm, beyond what time-gain compensation restores
        self._draw_uterus()
        self._draw_brain()
        self._draw_skull()
        self._fade = self._transmission()

    def diffuse(self) -> Floats:
        """Amplitude of diffuse scattering, including electronic noise."""
        depth = np.float32(self._view.grid.radius - self._view.grid.sector.face_mm)[:, None]
        noise = 10 ** ((-57 + 0.04 * depth) / 20)
        tissue = 10 ** ((self._level + self._fade) / 20)
        amplitude: Floats = np.hypot(tissue, noise).astype(np.float32)
        return amplitude

    def mirror(self) -> Floats:
        """Amplitude of specular reflection at smooth interfaces."""
        amplitude: Floats = (10 ** ((self._mirror_level + self._fade) / 20)).astype(np.float32)
        return amplitude

    def _noise(self, scale_u: float, scale_v: float, octaves: int = 1) -> Floats:
        """Noise along the head's axes; scales in mm."""
        return smooth_noise(self._rng, self._u, self._v, (scale_u, scale_v), octaves)

    def _add_mirror(self, level: float | Floats, weight: Floats) -> None:
        """Add an interface; weight 1 is full strength, and each factor of ten below it costs 20 dB."""
        decibels = level + 20 * np.log10(np.maximum(weight, np.float32(1e-4)))
        np.maximum(self._mirror_level, decibels, out=self._mirror_level)

    def _draw_uterus(self) -> None:
        rng, x, y = self._rng, self._x, self._y
        grid = self._view.grid
        depth = grid.radius[:, None] - np.float32(grid.sector.face_mm) + 0 * x
        along = grid.angle[None, :] * grid.radius[:, None]
        unit = self._unit

        texture = smooth_noise(rng, x, y, (10 * unit, 6 * unit), 4)
        level = np.float32(rng.uniform(-40, -33)) + 2.5 * texture + 3.5 * smooth_noise(rng, x, y, (60 * unit, 36 * unit), 2)
        placenta = step(smooth_noise(rng, x, y, (70 * unit, 45 * unit)) - 0.7, 0.3)
        level += 5 * placenta

        # Amniotic fluid: a sac around an early head, pockets beside a later one.
        landscape = smooth_noise(rng, x, y, (60 * unit, 44 * unit), 2)
        if self._early:
            sac_x = x - np.float32(self._view.head.x + rng.normal(0, 0.5) * self._view.head.long)
            sac_y = y - np.float32(self._view.head.y + rng.uniform(-0.9, 0) * self._view.head.long)
            sac = np.hypot(sac_x / np.float32(rng.uniform(1.6, 2.6)), sac_y / np.float32(rng.uniform(1.3, 1.9))) / self._view.head.long
            landscape = 0.8 * landscape + 4 * (1 - sac)
        else:
            beside = step(np.abs(self._u) - 0.6 * self._view.head.long, 20 * unit)
            landscape = landscape + beside - 1.3 - 0.02 * np.maximum(self._edge, 0) / unit
        wall_mm = rng.uniform(5, 14)
        landscape = landscape - 3 * (1 - step(depth - np.float32(wall_mm), 8))
        fluid = step(landscape, 0.5)
        self._add_mirror(np.float32(rng.uniform(-28, -20)), bell(landscape, 0.06) * self._facing(landscape) ** 3)

        # Folds and organ borders: broken bright lines where they face the beam.
        for scale, strength in ((30 * unit, -21), (16 * unit, -24), (9 * unit, -26)):
            relief = smooth_noise(rng, along, depth, (scale * 1.6, scale * 0.6), 2)
            patchy = step(smooth_noise(rng, x, y, (1.5 * scale, scale)) - 0.6, 1.0) * (1 - placenta)
            patchy *= self._facing(relief) ** 3
            level += 9 * bell(relief, 0.25) * patchy
            self._add_mirror(np.float32(strength + rng.normal(0, 2)), bell(relief, 0.07) * patchy * (1 - fluid))

        wall = 1 - step(depth - np.float32(wall_mm), 5)
        layers = smooth_noise(rng, along, depth, (40, 2.2), 3)
        level += wall * (5 + 5 * layers)
        level = blend(level, np.full_like(level, -58), fluid)

        # The scalp: a layer of tissue on the skull.
        scalp = step(-(self._edge - np.float32(2.2 * unit)), 0.8 * unit)
        self._level = blend(level, np.float32(-39) + 2 * texture, scalp)
        self._absorb = blend(np.full_like(level, 0.1), np.full_like(level, -0.12), fluid)

    def _draw_brain(self) -> None:
        inside = step(-(self._edge + np.float32(self._skull_depth)), 0.8)
        self._mirror_level[self._edge < 0] = -90
        level = self._early_brain() if self._early else self._later_brain()
        self._level = blend(self._level, level, inside)
        self._absorb = blend(self._absorb, np.full_like(level, 0.0), inside)

    def _early_brain(self) -> Floats:
        """Large bright choroid plexuses on either side of the falx, dark ventricles around them."""
        rng, u, v = self._rng, self._u, self._v
        long, short, unit = self._view.head.long, self._view.head.short, self._unit
        level = np.float32(-51) + 2 * self._noise(12 * unit, 12 * unit, 3)
        wobble = 0.35 * self._noise(26 * unit, 22 * unit, 2)
        for side in (-1, 1):
            plexus = 1 - np.hypot((u + 0.12 * long) / (rng.uniform(0.5, 0.62) * long), (v - side * 0.42 * short) / (0.33 * short)) + wobble
            level = blend(level, np.float32(rng.uniform(-32, -28)) + 2 * self._noise(7 * unit, 7 * unit, 2), step(plexus, 0.14))
        core = 1 - np.hypot((u - 0.1 * long) / (0.8 * long), v / (0.16 * short)) + wobble
        level = blend(level, np.full_like(level, -34), step(core, 0.2))
        rim = 1 - step(-self._edge - np.float32(0.12 * short), 0.08 * short)
        level = blend(level, np.full_like(level, -40), rim)
        gaps = step(smooth_noise(rng, u, 0 * v, (16 * unit, 1)) + 0.3, 0.6)
        line = bell(v - 0.05 * short * wobble, 0.9 * unit) * step(0.85 * long - np.abs(u), 8 * unit) * gaps
        self._add_mirror(-22, line * self._falx_facing())
        return level

    def _later_brain(self) -> Floats:
        """Hypoechoic hemispheres with the falx, thalami, the far ventricle and its plexus, and the folds of the cortex."""
        rng, v = self._rng, self._v
        long, short, unit = self._view.head.long, self._view.head.short, self._unit
        u = self._u * np.float32(rng.choice([-1, 1]))  # the face looks left or right
        level = np.float32(rng.uniform(-42, -37)) + 1.6 * self._noise(16 * unit, 10 * unit, 4)

        # Haze: reverberation under the near skull, and a central cone where the skull transmits most sound.
        level += rng.uniform(0, 5) * step(-v, 0.8 * short)
        lateral = self._x - np.float32(self._view.head.x + rng.normal(0, 0.1) * long)
        hazy = rng.uniform(0, 4) if self._view.head.circumference_mm < 230 else rng.uniform(0, 9)
        level += hazy * bell(lateral, rng.uniform(0.22, 0.4) * long) * step(short - np.abs(v), 0.6 * short)

        # Ventricle of the far hemisphere with its two walls, and the plexus in it.
        bend = 0.05 * short * self._noise(30 * unit, 30 * unit)
        ventricle = 1 - np.hypot((u + 0.25 * long) / (0.48 * long), (v - 0.38 * short + bend) / (0.15 * short))
        level -= 6 * step(ventricle, 0.4)
        posterior = step(0.25 * long - np.abs(u + 0.3 * long), 0.25 * long)
        for wall, strength in ((0.2, -21.0), (0.55, -24.0)):
            broken = step(smooth_noise(rng, u, v, (14 * unit, 40 * unit)) + 0.2, 0.7)
            self._add_mirror(strength + rng.normal(0, 2), bell(v - wall * short + bend, 0.55 * unit) * posterior * broken)
        size = rng.uniform(0.13, 0.2)
        plexus = (
            1
            - np.hypot((u + 0.36 * long) / (size * long), (v - 0.4 * short + bend) / (0.13 * short))
            + 0.2 * self._noise(6 * unit, 6 * unit)
        )
        bright = np.float32(rng.uniform(-33, -25)) + 2 * self._noise(5 * unit, 4 * unit, 2)
        level = blend(level, bright, step(plexus, 0.35))

        for side in (-1, 1):  # thalami
            thalamus = 1 - np.hypot((u - 0.12 * long) / (0.2 * long), (v - side * 0.16 * short) / (0.14 * short))
            level -= 4 * step(thalamus, 0.5)

        # Falx: a broken line that splits in two around the cavum.
        line = np.minimum(
            np.abs(v + 0.4 * bend), np.abs(np.abs(v + 0.4 * bend) - 0.07 * short) + 50 * (np.abs(u - 0.42 * long) > 0.13 * long)
        )
        broken = step(smooth_noise(rng, u, 0 * v, (11 * unit, 1), 2) + 0.25, 0.6)
        reach = step(rng.uniform(0.7, 0.9) * long - np.abs(u), 6 * unit)
        self._add_mirror(rng.uniform(-24, -17), bell(line, 0.5 * unit) * broken * reach * self._falx_facing())
        level += 7 * bell(v, 1.6 * unit) * broken * reach

        # Folds: short strokes along the brain, most of them in the far hemisphere and near the middle.
        for scale, strength in ((15.0, -25.0), (8.0, -27.0)):
            relief = self._noise(scale * unit, 0.45 * scale * unit, 2)
            patchy = step(self._noise(1.3 * scale * unit, 0.8 * scale * unit) - 0.75, 0.8)
            place = step(v + 0.35 * short, 0.5 * short) * step(-self._edge - 4 * np.float32(unit), 5 * unit)
            self._add_mirror(strength + rng.normal(0, 2), bell(relief, 0.1) * patchy * place)
            level += 8 * bell(relief, 0.3) * patchy * place
        return level

    def _facing(self, landscape: Floats) -> Floats:
        """How squarely the beams meet the contour lines of a landscape: 1 at right angles, 0 along them."""
        grid = self._view.grid
        beam_step_mm = float((grid.angle[1] - grid.angle[0]) * grid.radius.mean())
        down, across = np.gradient(landscape, grid.depth_step_mm, beam_step_mm)
        facing: Floats = np.abs(down) / (np.hypot(down, across) + np.float32(1e-6))
        return facing

    def _falx_facing(self) -> Floats:
        """How squarely the beams meet the plane between the hemispheres, cubed: specular echoes fade fast away from 90 degrees."""
        beam = self._view.grid.angle[None, :]
        angle = np.float32(self._view.head.angle)
        facing: Floats = np.abs(np.cos(beam - angle)) ** 3
        return facing

    def _draw_skull(self) -> None:
        rng, head, unit = self._rng, self._view.head, self._unit
        u, v = self._u, self._v
        normal_u, normal_v = u / np.float32(head.long**2), v / np.float32(head.short**2)
        length = np.hypot(normal_u, normal_v) + np.float32(1e-9)
        c, s = np.float32(math.cos(head.angle)), np.float32(math.sin(head.angle))
        normal_x, normal_y = (normal_u * c + normal_v * s) / length, (-normal_u * s + normal_v * c) / length
        beam = self._view.grid.angle[None, :]
        facing = np.abs(normal_x * np.sin(beam) + normal_y * np.cos(beam))

        around_x, around_y = u / np.float32(head.long), v / np.float32(head.short)
        radius = np.hypot(around_x, around_y) + np.float32(1e-6)
        around_x, around_y = around_x / radius, around_y / radius
        uneven = smooth_noise(rng, around_x, around_y, (0.55, 0.55), 2)
        thick = (0.45 + 0.55 * unit) * (1 + 0.22 * smooth_noise(rng, around_x, around_y, (0.35, 0.35), 2))
        ridge = self._edge + self._skull_depth + 0.25 * unit * smooth_noise(rng, around_x, around_y, (0.4, 0.4), 2)
        bone = np.exp(-(np.abs(ridge / thick) ** 3))

        strength = (
            np.float32(rng.uniform(-7, 2))
            + 20 * (rng.uniform(1.0, 2.0) if self._early else rng.uniform(1.4, 3.2)) * np.log10(np.maximum(facing, np.float32(0.15)))
            + 4 * uneven
        )
        for _ in range(rng.integers(1, 4)):  # sutures
            turn = rng.uniform(0, 2 * np.pi)
            towards = around_x * np.float32(math.cos(turn)) + around_y * np.float32(math.sin(turn))
            strength -= rng.uniform(6, 22) * step(towards - np.float32(1 - rng.uniform(0.0008, 0.006)), 0.002)
        self._add_mirror(strength, bone)
        self._level = np.maximum(self._level, strength - 4 + 20 * np.log10(np.maximum(bone, np.float32(1e-4))))
        self._absorb += np.float32(rng.uniform(0.8, 1.8) if self._early else rng.uniform(1.0, 2.2)) * bone

    def _transmission(self) -> Floats:
        """Remaining sound level at each sample, dB: shadows under bone, enhancement under fluid, poor contact of some beams."""
        rng, grid = self._rng, self._view.grid
        faded = -np.cumsum(self._absorb, axis=0, dtype=np.float32) * np.float32(grid.depth_step_mm)
        contact = smooth_noise(rng, grid.angle[None, :] + 0 * faded[:1], 0 * faded[:1], (0.09, 1), 2)
        faded += 1.8 * np.minimum(contact, 0.8)
        faded -= rng.uniform(2, 9) * (np.abs(grid.angle)[None, :] / grid.sector.half_angle) ** 4
        transmission: Floats = np.maximum(faded, np.float32(-45))
        return transmission
