"""Ellipses: their geometry, and fits to points with bites, bumps and hidden parts.

Points are float64 ``(n, 2)`` of ``(row, col)``, in pixels or in millimetres; an ellipse has the unit of its points. The centre of the
pixel in row 3 and column 5 is the point (3, 5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

__all__ = ["Ellipse", "fit_ellipse", "fit_ellipse_robust"]

Points = npt.NDArray[np.float64]
"""Shape ``(n, 2)``: row, column."""

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ellipse:
    """An ellipse in the plane of rows (downwards) and columns (to the right).

    Attributes:
        center_row: row of the centre.
        center_col: column of the centre.
        semi_major: half the long axis.
        semi_minor: half the short axis.
        angle_deg: from the direction of the columns to the long axis, counter-clockwise as displayed, -90 < angle <= 90.

    >>> round(Ellipse(0, 0, 10, 10, 0).perimeter / (2 * math.pi), 9)
    10.0
    """

    center_row: float
    center_col: float
    semi_major: float
    semi_minor: float
    angle_deg: float

    @classmethod
    def of_axes(cls, long: Points, short: Points) -> Ellipse:
        """The ellipse with these axes, the inverse of `axes`.

        Args:
            long, short: both ends of each axis, ``(2, 2)``, at right angles to each other; the longer one becomes the long axis.

        >>> Ellipse.of_axes(*Ellipse(5, 7, 2, 1, 90).axes())
        Ellipse(center_row=5.0, center_col=7.0, semi_major=2.0, semi_minor=1.0, angle_deg=90.0)
        """
        (down, right), (across_down, across_right) = ((axis[1] - axis[0]).tolist() for axis in (long, short))
        semi_major, semi_minor = math.hypot(down, right) / 2, math.hypot(across_down, across_right) / 2
        if semi_minor > semi_major:
            semi_major, semi_minor, down, right = semi_minor, semi_major, across_down, across_right
        if right < 0 or (right == 0 and down > 0):
            down, right = -down, -right
        center_row, center_col = ((long.sum(axis=0) + short.sum(axis=0)) / 4).tolist()
        return cls(center_row, center_col, semi_major, semi_minor, math.degrees(math.atan2(-down, right)))

    @property
    def perimeter(self) -> float:
        """Ramanujan's second approximation, pi (a + b) (1 + 3h / (10 + sqrt(4 - 3h))) with h = ((a - b) / (a + b))^2.

        S. Ramanujan, "Modular equations and approximations to pi", Quarterly Journal of Mathematics 45 (1914) 350-372. Its relative
        error is below 1e-9 if the short axis has at least half the length of the long one.
        """
        a, b = self.semi_major, self.semi_minor
        h = ((a - b) / (a + b)) ** 2
        return math.pi * (a + b) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))

    def points(self, count: int = 180) -> Points:
        """A closed polyline along the ellipse; the last point repeats the first. Shape ``(count + 1, 2)``.

        >>> Ellipse(5, 7, 2, 1, 90).points(4).round(9).tolist()
        [[3.0, 7.0], [5.0, 6.0], [7.0, 7.0], [5.0, 8.0], [3.0, 7.0]]
        """
        turn = np.linspace(0, 2 * math.pi, count + 1)
        along, across = self.semi_major * np.cos(turn), self.semi_minor * np.sin(turn)
        cos, sin = self._direction
        return np.stack([self.center_row - along * sin - across * cos, self.center_col + along * cos - across * sin], axis=1)

    def axes(self) -> tuple[Points, Points]:
        """Both ends of the long axis, and of the short axis; each ``(2, 2)``.

        >>> [axis.round(9).tolist() for axis in Ellipse(5, 7, 2, 1, 90).axes()]
        [[[3.0, 7.0], [7.0, 7.0]], [[5.0, 6.0], [5.0, 8.0]]]
        """
        quarters = self.points(4)
        return quarters[[0, 2]], quarters[[1, 3]]

    def distances(self, points: Points) -> Vector:
        """Distance of each point from the curve to first order (Sampson), negative inside."""
        value, normal = self._implicit(points)
        return value / np.maximum(np.hypot(normal[:, 0], normal[:, 1]), 1e-300)

    def normals(self, points: Points) -> Points:
        """Direction ``(row, col)``, of any length, in which each point would leave the ellipses around this centre."""
        return self._implicit(points)[1]

    def spans(self, rows: Vector) -> tuple[Vector, Vector]:
        """Left and right columns between which the given rows lie inside; equal where a row misses the ellipse.

        >>> left, right = Ellipse(0, 10, 5, 5, 0).spans(np.array([0.0, 4.0, 9.0]))
        >>> left.tolist(), right.tolist()
        ([5.0, 7.0, 10.0], [15.0, 13.0, 10.0])
        """
        cos, sin = self._direction
        a, b = self.semi_major**2, self.semi_minor**2
        reach = a * sin**2 + b * cos**2  # square of half the height
        offset = rows - self.center_row
        middle = self.center_col + offset * (b - a) * sin * cos / reach
        half = self.semi_major * self.semi_minor * np.sqrt(np.maximum(reach - offset**2, 0)) / reach
        return np.where(half > 0, middle, self.center_col) - half, np.where(half > 0, middle, self.center_col) + half

    @property
    def _direction(self) -> tuple[float, float]:
        angle = math.radians(self.angle_deg)
        return math.cos(angle), math.sin(angle)

    def _implicit(self, points: Points) -> tuple[Vector, Points]:
        """(u/a)^2 + (v/b)^2 - 1 and its gradient."""
        cos, sin = self._direction
        row, col = points[:, 0] - self.center_row, points[:, 1] - self.center_col
        along, across = (col * cos - row * sin) / self.semi_major, (-col * sin - row * cos) / self.semi_minor
        p, q = 2 * along / self.semi_major, 2 * across / self.semi_minor
        return along**2 + across**2 - 1, np.stack([-p * sin - q * cos, p * cos - q * sin], axis=1)


def fit_ellipse(points: Points) -> Ellipse | None:
    """Direct least-squares fit: the ellipse with the least algebraic distance.

    R. Halir, J. Flusser, "Numerically stable direct least squares fitting of ellipses", WSCG 1998, a stable form of A. Fitzgibbon,
    M. Pilu, R. Fisher, IEEE TPAMI 21 (1999) 476-480.

    Args:
        points: ``(n, 2)``.

    Returns:
        ``None`` if the points determine no ellipse: fewer than five, or on a line.

    >>> fit = fit_ellipse(Ellipse(5, 7, 4, 2, 30).points(8))
    >>> round(fit.semi_major, 9), round(fit.angle_deg, 9)
    (4.0, 30.0)
    """
    if len(points) < 5:
        return None
    center, scale = _frame(points)
    design = _design((points - center) / scale)
    conic = _least_squares(design, design)
    return None if conic is None else _from_conic(conic, center, scale)


def fit_ellipse_robust(points: Points, start: Ellipse | None = None, *, noise: float = 0.4) -> Ellipse | None:
    """Fit an ellipse to points; up to about 45 % of them may lie on something else: bites, bumps, shadows, straight cuts.

    The ellipse that most points agree on (`_consensus`) is refined by least squares of the distances, reweighted by Tukey's biweight
    (c = 4.685, 95 % efficiency for normal errors; P. Huber, E. Ronchetti, "Robust Statistics", 2009) with the scale from the median
    distance. The fit is deterministic.

    Args:
        points: ``(n, 2)``, all around the visible border.
        start: a near solution, instead of the search.
        noise: standard deviation below which no point is down-weighted; for pixel edges 0.3 to 0.4 pixels.

    Returns:
        ``None`` if the points determine no ellipse.
    """
    ellipse = start or _consensus(points)
    if ellipse is None:
        return None
    center, scale = _frame(points)
    design = _design((points - center) / scale)
    value, normal = ellipse._implicit(points)
    slope = np.hypot(normal[:, 0], normal[:, 1]) * scale
    conic: Vector | None = None
    for _ in range(50):
        slope = np.maximum(slope, 1e-300)
        distance = np.abs(value / slope)
        cut = 4.685 * max(1.4826 * _median(distance), noise / scale)
        trust = np.clip(1 - (distance / cut) ** 2, 0, None) ** 2
        previous, conic = conic, _least_squares(design, design * (trust / slope**2)[:, None])  # algebraic / slope = distance
        if conic is None:
            return None
        if previous is not None and np.abs(conic - previous).max() < 1e-6:
            break
        a, b, c, d, e, _ = conic
        value = design @ conic
        slope = np.hypot(design @ (0, 0, 0, 2 * a, b, d), design @ (0, 0, 0, b, 2 * c, e))
    return None if conic is None else _from_conic(conic, center, scale)


_SECTORS = 12
_FIVES = np.array(list(combinations(range(_SECTORS), 5)))
_JUDGES = 40  # points that judge the candidates
_TOLERANCE = 0.05  # of the points' spread: a point beyond this distance counts against an ellipse, no matter how far


def _consensus(points: Points) -> Ellipse | None:
    """The ellipse that most points agree on: the fit to all of them if none is an outlier, else the best one through five of twelve.

    With one point in each sector of 30 degrees around the middle the search is a deterministic RANSAC (M. Fischler, R. Bolles, CACM 24
    (1981) 381-395): it needs five good sectors of twelve, and mirrored or rotated points give the mirrored or rotated ellipse.
    """
    if len(points) < 5:
        return None
    plain = fit_ellipse(points)
    center, scale = _frame(points)
    if plain is not None and np.abs(plain.distances(points)).max() < _TOLERANCE * scale:
        return plain
    local = (points - center) / scale
    sector, offset = np.divmod(np.arctan2(local[:, 0], local[:, 1]) * (_SECTORS / (2 * math.pi)), 1)
    order = np.argsort(np.abs(offset - 0.5), kind="stable")
    taken, place = np.unique(sector[order].astype(int) % _SECTORS, return_index=True)
    chosen = np.full(_SECTORS, -1)
    chosen[taken] = order[place]
    fives = chosen[_FIVES]
    corners = _design(local[fives[(fives >= 0).all(axis=1)]])[..., :5]
    # conics with constant -1, as the middle lies inside; the ridge avoids an error for points on a line
    normal = corners.transpose(0, 2, 1) @ corners + 1e-12 * np.eye(5)
    conics = np.linalg.solve(normal, corners.sum(axis=1)[..., None])[..., 0]
    conics = np.concatenate([conics, np.full((len(conics), 1), -1.0)], axis=1)
    cost = _squared_distances(conics, local[:: -(-len(local) // _JUDGES)])
    best = conics[np.argsort(np.minimum(cost, _TOLERANCE**2).mean(axis=1), kind="stable")[:8]]
    candidates = [plain, *(_from_conic(conic, center, scale) for conic in best)]
    known = [ellipse for ellipse in candidates if ellipse is not None]
    return min(known, key=lambda e: float(np.minimum((e.distances(points) / scale) ** 2, _TOLERANCE**2).mean()), default=None)


def _squared_distances(conics: npt.NDArray[np.float64], points: Points) -> npt.NDArray[np.float64]:
    """Squared Sampson distances, ``(conics, points)``; infinite for conics that are not an ellipse around the origin."""
    a, b, c, d, e, _ = (conics[:, [k]] for k in range(6))
    y, x = points.T
    slopes = (2 * a * x + b * y + d) ** 2 + (b * x + 2 * c * y + e) ** 2
    squared: npt.NDArray[np.float64] = (conics @ _design(points).T) ** 2 / np.maximum(slopes, 1e-24)
    squared[(4 * a * c <= b**2)[:, 0] | (a[:, 0] <= 0)] = np.inf
    return squared


def _frame(points: Points) -> tuple[Vector, float]:
    """Centre and spread: in this frame coordinates are about 1, which keeps the equations well conditioned."""
    center = points.mean(axis=0)
    return center, max(float(np.sqrt(((points - center) ** 2).sum(axis=1).mean())), 1e-12)


def _median(values: Vector) -> float:
    """As `numpy.median`, which is slower and loads `numpy.ma`."""
    low, high = (len(values) - 1) // 2, len(values) // 2
    return float(np.partition(values, (low, high))[[low, high]].mean())


def _design(points: Points) -> npt.NDArray[np.float64]:
    """Monomials of a conic A x^2 + B xy + C y^2 + D x + E y + F with x the column, y the row: ``(..., 6)``."""
    y, x = points[..., 0], points[..., 1]
    return np.stack([x * x, x * y, y * y, x, y, np.ones_like(x)], axis=-1)


def _least_squares(design: npt.NDArray[np.float64], weighted: npt.NDArray[np.float64]) -> Vector | None:
    """The conic of `fit_ellipse`, of length 1, from the monomials and the weighted monomials of the points."""
    scatter = design.T @ weighted
    quadratic, mixed, linear = scatter[:3, :3], scatter[:3, 3:], scatter[3:, 3:]
    try:
        to_linear = -np.linalg.solve(linear, mixed.T)
        reduced = quadratic + mixed @ to_linear
        values, vectors = np.linalg.eig(np.stack([reduced[2] / 2, -reduced[1], reduced[0] / 2]))
    except np.linalg.LinAlgError:
        return None
    vectors = vectors.real
    is_ellipse = 4 * vectors[0] * vectors[2] - vectors[1] ** 2 > 0
    if not is_ellipse.any():
        return None
    chosen = vectors[:, np.flatnonzero(is_ellipse)[np.argmin(np.abs(values.real[is_ellipse]))]]
    conic = np.concatenate([chosen, to_linear @ chosen])
    return np.asarray(conic * (math.copysign(1, chosen[0]) / np.linalg.norm(conic)))


def _from_conic(conic: Vector, center: Vector, scale: float) -> Ellipse | None:
    """The ellipse of a conic with A > 0 given in the frame of `_frame`; ``None`` if it is imaginary or not finite."""
    a, b, c, d, e, f = conic.tolist()
    determinant = 4 * a * c - b * b
    if not determinant > 0:
        return None
    x, y = (b * e - 2 * c * d) / determinant, (b * d - 2 * a * e) / determinant
    level = -(f + (d * x + e * y) / 2)
    mean, half = (a + c) / 2, math.hypot((a - c) / 2, b / 2)
    if not (level > 0 and mean - half > 0):
        return None
    semi_major, semi_minor = scale * math.sqrt(level / (mean - half)), scale * math.sqrt(level / (mean + half))
    downwards = math.degrees(math.atan2(-b, c - a)) / 2  # of the long axis, from the columns' towards the rows' direction
    angle = -downwards if downwards != 90 else 90.0
    ellipse = Ellipse(float(center[0] + scale * y), float(center[1] + scale * x), semi_major, semi_minor, angle + 0.0)
    return ellipse if math.isfinite(ellipse.perimeter) and math.isfinite(x + y) else None
