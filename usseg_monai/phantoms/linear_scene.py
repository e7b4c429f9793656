"""Base of the scenes under a linear probe: maps of scattering, specular reflection and absorption; brushes for layered tissue.

The beams of a linear probe are parallel: the beam grid is the picture's pixel grid.
"""

from __future__ import annotations

import math

import numpy as np

from usseg_monai.phantoms.drawing import step
from usseg_monai.phantoms.speckle import Floats, smooth_noise

__all__ = ["LinearScene"]


class LinearScene:
    """Maps of one scene, ``(rows, cols)``. Levels are amplitudes in dB against white, lengths mm.

    Args:
        rng: source of all randomness.
        shape: ``(rows, cols)``.
        spacing_mm: size of the square pixels.
    """

    def __init__(self, rng: np.random.Generator, shape: tuple[int, int], spacing_mm: float) -> None:
        self._rng, self._spacing_mm = rng, spacing_mm
        y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32) * np.float32(spacing_mm)
        self._x: Floats = x
        self._y: Floats = y
        self._width, self._depth = float(x.max()), float(y.max())
        self._level: Floats = self._ground()
        self._mirror_level: Floats = np.full(shape, -90, np.float32)
        self._absorb: Floats = np.full(shape, 0.15, np.float32)  # dB per mm, beyond what time-gain compensation restores
        self._uneven = smooth_noise(rng, x, y, (3.5, 1.2), 2)

    def _ground(self) -> Floats:
        """Level of the background tissue."""
        return np.full(self._x.shape, -35, np.float32)

    def diffuse(self) -> Floats:
        """Amplitude of diffuse scattering, including electronic noise."""
        noise = 10 ** ((-56 + 0.25 * self._y) / 20)
        amplitude: Floats = np.hypot(10 ** ((self._level + self._fade()) / 20), noise).astype(np.float32)
        return amplitude

    def mirror(self) -> Floats:
        """Amplitude of specular reflection at smooth interfaces."""
        amplitude: Floats = (10 ** ((self._mirror_level + self._fade()) / 20)).astype(np.float32)
        return amplitude

    def _fade(self) -> Floats:
        """Remaining sound level: shadows below absorbers, enhancement below fluid."""
        fade: Floats = np.maximum(-np.cumsum(self._absorb, axis=0, dtype=np.float32) * np.float32(self._spacing_mm), np.float32(-40))
        return fade

    def _add_mirror(self, level: float | Floats, weight: Floats) -> None:
        """Add an interface of uneven strength; each factor of ten below weight 1 costs 20 dB."""
        shift = self._rng.integers(0, self._uneven.shape)
        uneven = np.roll(self._uneven, tuple(shift), axis=(0, 1))
        decibels = level + 4.5 * uneven + 20 * np.log10(np.maximum(weight, np.float32(1e-4)))
        np.maximum(self._mirror_level, decibels, out=self._mirror_level)

    def _noise(self, along_mm: float, down_mm: float, octaves: int = 1) -> Floats:
        """Noise that follows the layers."""
        return smooth_noise(self._rng, self._x, self._y, (along_mm, down_mm), octaves)

    def _broken(self, scale_mm: float, share: float) -> Floats:
        """Alternates between 1 and 0 along x and y, so that interfaces appear broken."""
        return step(self._noise(scale_mm, scale_mm) + share, 0.8)

    def _fibres(self, angle: float, length_mm: float, distance_mm: float) -> Floats:
        """Noise stretched along a direction."""
        c, s = np.float32(math.cos(angle)), np.float32(math.sin(angle))
        return smooth_noise(self._rng, self._x * c - self._y * s, self._x * s + self._y * c, (length_mm, distance_mm), 2)

    def _facing(self, landscape: Floats) -> Floats:
        """How squarely the beams, which run straight down, meet the contour lines of a landscape: 1 at right angles, 0 along them."""
        down, across = np.gradient(landscape)
        facing: Floats = np.abs(down) / (np.hypot(down, across) + np.float32(1e-6))
        return facing
