"""Geometry of a convex probe: from picture coordinates in mm to beams and depths, and back to pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from usseg_monai.phantoms.speckle import Floats

__all__ = ["BeamGrid", "Sector"]


@dataclass(frozen=True)
class Sector:
    """Field of view of a convex probe, in the picture's plane: x to the right, y down, in mm from the centre of pixel (0, 0).

    Attributes:
        apex_mm: ``(x, y)`` of the point that all beams come from, above the picture.
        face_mm: radius of the probe's face about the apex.
        near_mm: radius where the field of view begins; at least ``face_mm``.
        far_mm: radius where it ends.
        half_angle: largest angle of a beam against the vertical, radians.
    """

    apex_mm: tuple[float, float]
    face_mm: float
    near_mm: float
    far_mm: float
    half_angle: float

    def beam_grid(self, size_mm: tuple[float, float], depth_step_mm: float, beam_step_mm: float) -> BeamGrid:
        """Beams and depths that cover the visible part of the sector.

        Args:
            size_mm: width and height of the picture.
            depth_step_mm: distance between samples along a beam.
            beam_step_mm: distance between beams at half depth.
        """
        width, height = size_mm
        side = np.linspace(0, 1, 33)
        border_x = np.concatenate([side * width, side * width, 0 * side, 0 * side + width])
        border_y = np.concatenate([0 * side, 0 * side + height, side * height, side * height])
        radius, angle = self.polar(border_x, border_y)  # the apex lies above the picture: extremes lie on its border
        near, far = max(self.near_mm, float(radius.min())), min(self.far_mm, float(radius.max()))
        left, right = max(-self.half_angle, float(angle.min())), min(self.half_angle, float(angle.max()))
        depths = max(8, int(np.ceil((far - near) / depth_step_mm)) + 1)
        beams = max(8, int(np.ceil((right - left) * (near + far) / 2 / beam_step_mm)) + 1)
        return BeamGrid(self, np.linspace(near, far, depths, dtype=np.float32), np.linspace(left, right, beams, dtype=np.float32))

    def polar(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]:
        """``(radius, angle)`` of points of the picture: mm from the apex and radians against the vertical."""
        dx, dy = np.asarray(x) - self.apex_mm[0], np.asarray(y) - self.apex_mm[1]
        return np.hypot(dx, dy), np.arctan2(dx, dy)


@dataclass(frozen=True)
class BeamGrid:
    """Samples along beams.

    Attributes:
        sector: the field of view.
        radius: mm from the apex, ``(depths,)``.
        angle: radians against the vertical, ``(beams,)``.
    """

    sector: Sector
    radius: Floats
    angle: Floats

    @property
    def depth_step_mm(self) -> float:
        """Distance between samples along a beam."""
        return float(self.radius[1] - self.radius[0])

    def points(self) -> tuple[Floats, Floats]:
        """``x`` and ``y`` of all samples in the picture's plane, mm, each ``(depths, beams)``."""
        x = self.sector.apex_mm[0] + self.radius[:, None] * np.sin(self.angle)
        y = self.sector.apex_mm[1] + self.radius[:, None] * np.cos(self.angle)
        return x.astype(np.float32), y.astype(np.float32)

    def to_picture(self, samples: Floats, shape: tuple[int, int], spacing_mm: float) -> Floats:
        """Scan conversion: bilinear values at the pixels' centres, 0 outside the sector.

        Args:
            samples: ``(depths, beams)``.
            shape: ``(rows, cols)`` of the picture.
            spacing_mm: size of its square pixels.
        """
        y, x = np.ogrid[: shape[0], : shape[1]]
        radius, angle = self.sector.polar(x * np.float32(spacing_mm), y * np.float32(spacing_mm))
        down = (radius - self.radius[0]) / (self.radius[1] - self.radius[0])
        across = (angle - self.angle[0]) / (self.angle[1] - self.angle[0])
        depths, beams = samples.shape
        inside = (down >= 0) & (down <= depths - 1) & (across >= 0) & (across <= beams - 1)
        down, across = down[inside].astype(np.float32), across[inside].astype(np.float32)
        i, j = np.minimum(down.astype(np.intp), depths - 2), np.minimum(across.astype(np.intp), beams - 2)
        u, v = down - i, across - j
        flat, corner = samples.ravel(), i * beams + j
        upper = flat[corner] * (1 - v) + flat[corner + 1] * v
        lower = flat[corner + beams] * (1 - v) + flat[corner + beams + 1] * v
        picture = np.zeros(shape, np.float32)
        picture[inside] = upper * (1 - u) + lower * u
        return picture
