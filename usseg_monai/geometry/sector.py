"""The sector that a curved or phased probe draws: from pixels to beams and depths, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.geometry.types import Spacing

__all__ = ["Sector"]

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Sector:
    """Field of view of a probe whose beams come from one point.

    Polar coordinates about the apex: a point at radius ``r`` and angle ``a`` lies at ``x = apex_x + r sin a``, ``y = apex_y + r cos a``,
    x to the right and y down from the centre of pixel (0, 0). All lengths have the unit of ``spacing``: pixels by default, and
    millimetres if ``spacing`` is a pixel size in millimetres.

    Attributes:
        apex: ``(x, y)`` of the point that all beams come from; usually above the picture.
        near: radius where the field of view begins, at least 0; the face of a curved probe.
        far: radius where it ends.
        left: angle of the first beam against the vertical, radians, positive to the right.
        right: angle of the last beam, larger than ``left``.
        spacing: ``(row, col)`` size of a pixel.

    Raises:
        ValueError: radii or angles that leave no area.

    >>> sector = Sector(apex=(100, -50), near=60, far=260, left=-0.6, right=0.6)
    >>> radius, angle = sector.polar(100, 150)
    >>> float(radius), float(angle)
    (200.0, 0.0)
    """

    apex: tuple[float, float]
    near: float
    far: float
    left: float
    right: float
    spacing: Spacing = (1.0, 1.0)

    def __post_init__(self) -> None:
        if not (0 <= self.near < self.far and -np.pi / 2 < self.left < self.right < np.pi / 2 and min(self.spacing) > 0):
            raise ValueError(
                f"a sector of radii {self.near:g} to {self.far:g}, angles {self.left:g} to {self.right:g} and pixels {self.spacing}: "
                "radii must rise from 0 or more, angles rise between -pi/2 and pi/2, and sizes of pixels be positive"
            )

    def polar(self, cols: npt.ArrayLike, rows: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Radius and angle of positions in the picture, given in pixels."""
        x = np.asarray(cols, np.float64) * self.spacing[1] - self.apex[0]
        y = np.asarray(rows, np.float64) * self.spacing[0] - self.apex[1]
        return np.hypot(x, y), np.arctan2(x, y)

    def pixels(self, radius: npt.ArrayLike, angle: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Column and row, in pixels, of points given by radius and angle; the inverse of `polar`.

        >>> sector = Sector((100, -50), 60, 260, -0.6, 0.6, spacing=(0.5, 0.25))
        >>> cols, rows = sector.pixels(*sector.polar(30, 40))
        >>> round(float(cols), 6), round(float(rows), 6)
        (30.0, 40.0)
        """
        r, a = np.asarray(radius, np.float64), np.asarray(angle, np.float64)
        return (self.apex[0] + r * np.sin(a)) / self.spacing[1], (self.apex[1] + r * np.cos(a)) / self.spacing[0]

    def fractions(self, shape: tuple[int, int]) -> tuple[Floats, Floats]:
        """Where the pixels of a picture ``(rows, cols)`` lie: along the beams' fan and along depth, 0 to 1 inside the sector.

        >>> across, down = Sector((2, -1), 1, 5, -0.7, 0.7).fractions((5, 5))
        >>> across[:, 2].tolist(), down[:, 2].tolist()
        ([0.5, 0.5, 0.5, 0.5, 0.5], [0.0, 0.25, 0.5, 0.75, 1.0])
        """
        rows, cols = np.ogrid[: shape[0], : shape[1]]
        radius, angle = self.polar(cols, rows)
        return (angle - self.left) / (self.right - self.left), (radius - self.near) / (self.far - self.near)

    def mask(self, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """The pixels of a picture ``(rows, cols)`` whose centres lie in the sector."""
        inside: npt.NDArray[np.bool_] = np.all([(part >= 0) & (part <= 1) for part in self.fractions(shape)], axis=0)
        return inside

    def grid(self) -> tuple[int, int]:
        """``(beams, depths)`` of a grid that is nowhere coarser than the picture's smaller pixel side."""
        side = min(self.spacing)
        return int(np.ceil((self.right - self.left) * self.far / side)) + 1, int(np.ceil((self.far - self.near) / side)) + 1
