"""Drawing primitives for phantom scenes: soft steps, bells, ovals. Lengths in mm, levels in dB."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from usseg_monai.phantoms.speckle import Floats

__all__ = ["Oval", "bell", "blend", "step"]


def blend(below: Floats, above: Floats, weight: Floats) -> Floats:
    """Interpolate from ``below`` (weight 0) to ``above`` (weight 1)."""
    return below + (above - below) * weight


def step(distance: Floats, width: float) -> Floats:
    """0 for negative distances, 1 for positive ones, smooth over ``width``.

    >>> step(np.array([-1.0, 0.0, 1.0]), 1.0).tolist()
    [0.0, 0.5, 1.0]
    """
    ramp = np.clip(distance / np.float32(width) + np.float32(0.5), 0, 1)
    smooth: Floats = ramp * ramp * (3 - 2 * ramp)
    return smooth


def bell(distance: Floats, width: float) -> Floats:
    """Gaussian of a distance with standard deviation ``width``, 1 at distance 0."""
    gaussian: Floats = np.exp(-0.5 * (distance / np.float32(width)) ** 2)
    return gaussian


@dataclass(frozen=True)
class Oval:
    """An ellipse in the picture's plane: x to the right, y down, mm from the centre of pixel (0, 0).

    Attributes:
        x: of the centre.
        y: of the centre.
        long: semi-axis, mm.
        short: the other semi-axis, mm.
        angle: of the long axis against the horizontal, radians, counter-clockwise as seen.
    """

    x: float
    y: float
    long: float
    short: float
    angle: float

    @property
    def area(self) -> float:
        """Area in mm²."""
        return math.pi * self.long * self.short

    @property
    def reach(self) -> tuple[float, float]:
        """Half the width and half the height of the upright box around it."""
        c, s = math.cos(self.angle), math.sin(self.angle)
        return math.hypot(self.long * c, self.short * s), math.hypot(self.long * s, self.short * c)

    def axes(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Coordinates along the long axis and, downwards, along the short one; mm from the centre."""
        c, s = np.float32(math.cos(self.angle)), np.float32(math.sin(self.angle))
        dx, dy = x - np.float32(self.x), y - np.float32(self.y)
        return dx * c - dy * s, dx * s + dy * c

    def distance(self, x: Floats, y: Floats) -> Floats:
        """Signed distance of points of the picture in mm, negative inside; exact to first order near the ellipse.

        >>> Oval(0, 0, 3, 2, 0).distance(np.array([3.0, 0.0]), np.array([0.0, 1.9])).round(1).tolist()
        [0.0, -0.1]
        """
        return self.distance_along(*self.axes(x, y))

    def distance_along(self, u: Floats, v: Floats) -> Floats:
        """As `distance`, for points given by their coordinates along the `axes`."""
        rho = np.hypot(u / np.float32(self.long), v / np.float32(self.short))
        slope = np.hypot(u / np.float32(self.long**2), v / np.float32(self.short**2))
        near: Floats = (rho - 1) * rho / np.maximum(slope, np.float32(1e-6))
        return near
