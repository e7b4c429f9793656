"""Robustness of ellipse fits to damaged masks: the table of docs/measurements.md.

Truth masks of HC18 are damaged in known ways (each picture has its own seed); the error is the fitted head circumference minus
the one in HC18's table. Every method gets the same edge points and the same correction for the drawing pen.

    python benchmarks/ellipse_fit.py [--data ../shared/data/hc18] [--every 8] [-o ellipse_fit.json]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.data import DATA_ROOT
from usseg_monai.datasets.hc18 import read_hc18
from usseg_monai.datasets.outline import fill_outline
from usseg_monai.geometry.ellipse import Ellipse, fit_ellipse, fit_ellipse_robust
from usseg_monai.geometry.runs import edge_points, find_runs, largest_piece
from usseg_monai.imaging import read_mask
from usseg_monai.tasks.fetal_head.measure import without_pen

Mask = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float64]
SQUARE = np.ones(2)


class Damage:
    """Ways to damage the mask of a head; each returns a new mask."""

    def __init__(self, mask: Mask, head: Ellipse, seed: int) -> None:
        self.mask, self.head, self.rng = mask, head, np.random.default_rng(seed)
        self.row, self.col = np.indices(mask.shape)

    def none(self) -> Mask:
        return self.mask

    def jagged(self) -> Mask:
        """Teeth of 2.5 pixels (standard deviation), 2 to 60 around."""
        return self._wave(2.5, np.arange(2, 61))

    def wavy(self) -> Mask:
        """Smooth deviations of 4 pixels, 2 to 8 waves around."""
        return self._wave(4.0, np.arange(2, 9))

    def bites(self) -> Mask:
        mask = self.mask
        for _ in range(self.rng.integers(1, 4)):
            mask = mask & ~self._disc(1.0, self.rng.uniform(0.15, 0.4))
        return mask

    def bumps(self) -> Mask:
        mask = self.mask
        for _ in range(self.rng.integers(1, 3)):
            mask = mask | self._disc(1.0, self.rng.uniform(0.15, 0.35))
        return mask

    def body(self) -> Mask:
        """A large round body that merges with the head."""
        return self.mask | self._disc(1.25, 0.6)

    def wavy_bites(self) -> Mask:
        return Damage(self.wavy(), self.head, int(self.rng.integers(1 << 30))).bites()

    def wavy_body(self) -> Mask:
        return Damage(self.wavy(), self.head, int(self.rng.integers(1 << 30))).body()

    def cut(self, share: float) -> Mask:
        """The border of the picture cuts off a share of the head's height or width."""
        turn = int(self.rng.integers(4))
        turned = np.rot90(self.mask, turn)
        rows = np.flatnonzero(turned.any(axis=1))
        left: Mask = np.rot90(turned[rows[0] + round(share * (rows[-1] - rows[0])) :], -turn)
        return left

    def shadow(self, share: float) -> Mask:
        """A straight shadow hides a share of the head's extent, within the picture."""
        turn = self.rng.uniform(0, 2 * np.pi)
        along = self.row * np.sin(turn) + self.col * np.cos(turn)
        low, high = along[self.mask].min(), along[self.mask].max()
        lit: Mask = self.mask & (along > low + share * (high - low))
        return lit

    def wavy_cut(self, share: float) -> Mask:
        return Damage(self.wavy(), self.head, int(self.rng.integers(1 << 30))).cut(share)

    def wavy_shadow(self, share: float) -> Mask:
        return Damage(self.wavy(), self.head, int(self.rng.integers(1 << 30))).shadow(share)

    def _disc(self, distance: float, radius: float) -> Mask:
        """A disc at a random place of the border, or at ``distance`` times that distance from the centre; radius in half short axes."""
        row, col = self.head.points(360)[self.rng.integers(360)]
        row, col = (c + distance * (p - c) for c, p in ((self.head.center_row, row), (self.head.center_col, col)))
        disc: Mask = np.hypot(self.row - row, self.col - col) <= radius * self.head.semi_minor
        return disc

    def _wave(self, amplitude: float, orders: npt.NDArray[np.intp]) -> Mask:
        turn = np.linspace(-np.pi, np.pi, 721)
        phases, weights = self.rng.uniform(0, 2 * np.pi, len(orders)), self.rng.normal(size=len(orders))
        height = amplitude * np.sqrt(2 / len(orders)) * (weights[:, None] * np.cos(orders[:, None] * turn + phases[:, None])).sum(axis=0)
        points = np.stack([self.row.ravel(), self.col.ravel()], axis=1).astype(np.float64)
        where = np.arctan2(points[:, 0] - self.head.center_row, points[:, 1] - self.head.center_col)
        inside: Mask = self.head.distances(points) < np.interp(where, turn, height)
        return inside.reshape(self.mask.shape)


DAMAGES: dict[str, Callable[[Damage], Mask]] = {
    "none": Damage.none,
    "jagged": Damage.jagged,
    "wavy": Damage.wavy,
    "bites": Damage.bites,
    "bumps": Damage.bumps,
    "body attached": Damage.body,
    "border cuts 15 %": lambda damage: damage.cut(0.15),
    "border cuts 30 %": lambda damage: damage.cut(0.3),
    "border cuts 45 %": lambda damage: damage.cut(0.45),
    "shadow on 15 %": lambda damage: damage.shadow(0.15),
    "shadow on 30 %": lambda damage: damage.shadow(0.3),
    "shadow on 45 %": lambda damage: damage.shadow(0.45),
    "wavy, bites": Damage.wavy_bites,
    "wavy, body attached": Damage.wavy_body,
    "wavy, border cuts 30 %": lambda damage: damage.wavy_cut(0.3),
    "wavy, shadow on 30 %": lambda damage: damage.wavy_shadow(0.3),
}


def near_hull(points: Points) -> Points:
    """Points within a pixel of their convex hull."""
    turns = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    heights = points @ np.stack([np.sin(turns), np.cos(turns)])
    near: Points = points[((heights.max(axis=0) - heights) < 0.25).any(axis=1)]
    return near


def from_lsq(points: Points) -> Ellipse | None:
    """The robust refinement alone, started from the plain fit."""
    start = fit_ellipse(points)
    return None if start is None else fit_ellipse_robust(points, start)


METHODS: dict[str, Callable[[Points], Ellipse | None]] = {
    "least squares": fit_ellipse,
    "convex hull, least squares": lambda points: fit_ellipse(near_hull(points)),
    "Tukey from least squares": from_lsq,
    "convex hull, Tukey": lambda points: from_lsq(near_hull(points)),
    "consensus, Tukey (ours)": fit_ellipse_robust,
}


def circumference_px(mask: Mask, fit: Callable[[Points], Ellipse | None]) -> float:
    """Head circumference in pixels, or nan if nothing fits."""
    points = edge_points(largest_piece(find_runs(mask))[0])
    region = fit(points)
    ellipse = None if region is None else fit(without_pen(points, region, SQUARE))
    return float("nan") if ellipse is None else ellipse.perimeter


def main() -> None:
    """Print the table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA_ROOT / "hc18")
    parser.add_argument("--every", type=int, default=8, help="take every n-th picture")
    parser.add_argument("-o", type=Path, dest="output", help="JSON file to write")
    options = parser.parse_args()

    errors: dict[str, dict[str, list[float]]] = {damage: {method: [] for method in METHODS} for damage in DAMAGES}
    cases = read_hc18(options.data).cases[:: options.every]
    for seed, case in enumerate(cases):
        assert isinstance(case.label, Path)  # HC18 has one outline per picture
        mask = fill_outline(read_mask(case.label)).astype(np.bool_)
        head = fit_ellipse(edge_points(find_runs(mask)))
        assert head is not None and case.spacing_mm is not None
        for damage, harm in DAMAGES.items():
            damaged = harm(Damage(mask, head, seed))
            for method, fit in METHODS.items():
                found = circumference_px(damaged, fit) * case.spacing_mm[0]
                errors[damage][method].append(found - case.measured["head_circumference_mm"])

    table = {
        damage: {method: {"mean_mm": float(np.mean(np.abs(e))), "p95_mm": float(np.percentile(np.abs(e), 95))} for method, e in row.items()}
        for damage, row in errors.items()
    }
    print(f"absolute error of HC in mm, mean / 95th percentile, {len(cases)} pictures\n")
    print("| Damage | " + " | ".join(METHODS) + " |\n|---|" + "---|" * len(METHODS))
    for damage, row in table.items():
        print(f"| {damage} | " + " | ".join(f"{cell['mean_mm']:.2f} / {cell['p95_mm']:.2f}" for cell in row.values()) + " |")
    if options.output:
        options.output.write_text(json.dumps({"pictures": len(cases), "table": table}, indent=2) + "\n")


if __name__ == "__main__":
    main()
