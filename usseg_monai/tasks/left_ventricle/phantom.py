"""Synthetic short-axis cine MRI of the left ventricle, with exact truth.

A chest is drawn as a signal map with the contrast of balanced steady-state free precession: fat bright, blood bright, muscle dark, lungs
and air black. Its heart has a left ventricle with trabeculae and papillary muscles, which count as cavity, and a right ventricle around the
septum. A surface coil makes the signal uneven, and complex noise is added before the magnitude is taken (Rice's law).

The cavity is an ellipse in every slice. In a stack its area follows the same relative curve in all slices, so that the ejection fraction is
exact; the myocardium keeps its area, as muscle cannot be compressed. Levels and sizes were modelled on the Sunnybrook
data (Radau et al., MIDAS Journal, 2009).

These pictures test software and show what it does. They do not replace real ones for judging accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from usseg_monai.errors import UsageError
from usseg_monai.imaging.image import GreyImage, Place, Source
from usseg_monai.phantoms.drawing import Oval, bell, blend, step
from usseg_monai.phantoms.phantom import Phantom
from usseg_monai.phantoms.speckle import Floats, smooth_noise

__all__ = ["EJECTION_FRACTION_PERCENT", "StackPhantom", "left_ventricle_phantom", "left_ventricle_stack_phantom"]

EJECTION_FRACTION_PERCENT = (10.0, 80.0)
"""Ejection fractions that a phantom can have."""

_EDGE_MM = 1.6  # width over which tissues blend: the scanner's resolution
_ROUGH_MM = 1.6  # depth of the trabeculae, where blood and muscle mix; experts draw the contour outside of them
_BEAT_MS = 850.0
_SYSTOLE = 0.38  # share of the beat at which the cavity is smallest
_G_PER_ML = 1.05
_FAT, _BLOOD, _RIGHT_BLOOD, _MUSCLE, _ORGAN, _LUNG = 0.85, 0.60, 0.52, 0.16, 0.22, 0.04


@dataclass(frozen=True)
class StackPhantom:
    """A short-axis cine with its truth.

    Attributes:
        slices: the frames, ``slices[slice][phase]``, base first; each image has its place.
        truth: exact values by the names of the task's study columns.
    """

    slices: tuple[tuple[Phantom, ...], ...]
    truth: Mapping[str, float]


def left_ventricle_phantom(seed: int, *, shape: tuple[int, int] = (256, 256)) -> Phantom:
    """Draw one short-axis slice through the middle of a left ventricle; the same arguments give the same picture.

    Args:
        seed: any integer from 0.
        shape: ``(rows, cols)`` of the picture, at least 64 each.

    Returns:
        Image (0 to 255, square pixels), mask, and the truth of the task's result columns.

    Raises:
        UsageError: a shape that is too small.

    >>> phantom = left_ventricle_phantom(1)
    >>> phantom.image.pixels.shape, phantom.mask.sum() == 0
    ((256, 256), np.False_)
    """
    scene = _Scene(seed, shape)
    share = float(np.random.default_rng([seed, 1]).uniform(0.4, 1.0))
    cavity = scene.cavity(1.0, share)
    signal = scene.frame(1.0, share, noise_seed=0)
    return scene.phantom(signal, cavity, 255 / float(np.quantile(signal, 0.998)), Source(Path(f"phantom-{seed}")))


def left_ventricle_stack_phantom(
    seed: int,
    *,
    ejection_fraction_percent: float | None = None,
    slices: int = 8,
    phases: int = 8,
    distance_mm: float = 10.0,
    shape: tuple[int, int] = (256, 256),
) -> StackPhantom:
    """Draw a cine of short-axis slices from the base to beyond the apex; the same arguments give the same pictures.

    Args:
        seed: any integer from 0.
        ejection_fraction_percent: true value, 10 to 80; drawn at random if not given.
        slices: number of positions, at least 3; the last shows no cavity.
        phases: number of phases of the heart beat, at least 2. The first is end diastole.
        distance_mm: between slices.
        shape: ``(rows, cols)`` of the pictures, at least 64 each.

    Returns:
        Frames and truth: volumes, stroke volume, ejection fraction, mass of the myocardium in the slices that show a cavity, phases of end
        diastole and end systole, number of slices and phases, slice distance. Volumes are sums over slices, as the task measures them.

    Raises:
        UsageError: a number outside these ranges.

    >>> stack = left_ventricle_stack_phantom(1, ejection_fraction_percent=60, slices=4, phases=3, shape=(64, 64))
    >>> len(stack.slices), len(stack.slices[0]), stack.truth["ejection_fraction_percent"]
    (4, 3, 60)
    """
    low, high = EJECTION_FRACTION_PERCENT
    rng = np.random.default_rng([seed, 2])
    fraction = float(rng.uniform(25, 70)) if ejection_fraction_percent is None else ejection_fraction_percent
    if not low <= fraction <= high:
        raise UsageError(f"ejection fraction {fraction} %: a phantom has {low:g} to {high:g} %")
    if slices < 3 or phases < 2 or not distance_mm > 0:
        raise UsageError(f"{slices} slices, {phases} phases, {distance_mm} mm apart: at least 3 slices and 2 phases are needed")
    scene = _Scene(seed, shape)
    levels = [math.sqrt(1 - ((index + 0.3) / (slices - 1.2)) ** 2) if index < slices - 1 else 0.0 for index in range(slices)]
    systole = max(1, round(_SYSTOLE * phases))
    shares = [1 - fraction / 100 * _contraction(phase, systole, phases) for phase in range(phases)]
    signals = [
        [scene.frame(level, share, noise_seed=1 + index * phases + phase) for phase, share in enumerate(shares)]
        for index, level in enumerate(levels)
    ]
    scale = 255 / float(np.quantile(signals[0][0], 0.998))
    frames = []
    for index, level in enumerate(levels):
        row = []
        for phase, share in enumerate(shares):
            place = Place(
                "MR", f"phantom-{seed}", "short-axis", (0.0, 0.0, index * distance_mm), (0.0, 0.0, 1.0), _BEAT_MS * phase / phases
            )
            source = Source(Path(f"phantom-{seed}"), phase * slices + index, slices * phases)  # as in a file: slices, then phases
            row.append(scene.phantom(signals[index][phase], scene.cavity(level, share), scale, source, place))
        frames.append(tuple(row))
    largest = sum(scene.cavity(level, 1.0).area for level in levels if level) * distance_mm / 1000
    muscle = sum(scene.muscle_mm2(level) for level in levels if level) * distance_mm / 1000
    truth = {
        "end_diastolic_volume_ml": largest,
        "end_systolic_volume_ml": largest * (1 - fraction / 100),
        "stroke_volume_ml": largest * fraction / 100,
        "ejection_fraction_percent": fraction,
        "mass_g": _G_PER_ML * muscle,
        "end_diastole_phase": 0,
        "end_systole_phase": systole,
        "slices": slices,
        "phases": phases,
        "slice_distance_mm": distance_mm,
    }
    return StackPhantom(tuple(frames), truth)


def _contraction(phase: int, systole: int, phases: int) -> float:
    """0 at end diastole, 1 at end systole, smooth between them; filling is slower than contraction."""
    along = phase / systole if phase <= systole else 1 - (phase - systole) / (phases - systole)
    return math.sin(math.pi / 2 * along) ** 2


class _Scene:
    """A chest and the heart in it, by position along the ventricle and phase.

    ``level``, from 1 (base) to 0 (apex), gives the width of the ventricle in a slice; ``share`` gives the cavity's area relative to end
    diastole.
    """

    def __init__(self, seed: int, shape: tuple[int, int]) -> None:
        if min(shape) < 64:
            raise UsageError(f"phantom of {shape[0]}x{shape[1]} pixels: at least 64 rows and columns are needed")
        rng = np.random.default_rng(seed)
        self.seed, self.shape = seed, shape
        self.side_mm = float(rng.uniform(300, 370)) / max(shape)
        y, x = (np.float32(self.side_mm) * np.indices(shape, np.float32)).astype(np.float32)
        self.x, self.y = x, y
        self.center = (x.max() / 2 + rng.uniform(-20, 20), y.max() / 2 + rng.uniform(-15, 15))
        self.radius = float(rng.uniform(23, 30))
        self.roundness = float(rng.uniform(0.88, 1.0))
        self.tilt = float(rng.uniform(-0.6, 0.6))
        self.wall = float(rng.uniform(8, 11))
        self.septum = math.pi + float(rng.uniform(-0.5, 0.5))
        self.noise = float(rng.uniform(0.008, 0.02))
        self.trabeculae = smooth_noise(rng, x, y, (5.0, 5.0), octaves=2)
        self.texture = smooth_noise(rng, x, y, (14.0, 14.0), octaves=3)
        reach = 3 * self.radius + 20
        near = [np.abs(axis - middle) < reach for axis, middle in ((y[:, 0], self.center[1]), (x[0], self.center[0]))]
        self.box = np.ix_(*(np.flatnonzero(inside) for inside in near))
        self.chest = self._chest(rng)
        self.coil = self._coil(rng)

    def cavity(self, level: float, share: float) -> Oval:
        """The true ellipse; of size 0 where the level is 0."""
        size = self.radius * level * math.sqrt(share)
        return Oval(float(self.center[0]), float(self.center[1]), size, size * self.roundness, self.tilt)

    def muscle_mm2(self, level: float) -> float:
        """Area of the myocardium in a slice, the same in all phases."""
        inner = self.cavity(level, 1.0)
        wall = self.wall * (0.6 + 0.4 * level)
        return math.pi * ((inner.long + wall) * (inner.short + wall) - inner.long * inner.short)

    def phantom(self, signal: Floats, cavity: Oval, scale: float, source: Source, place: Place | None = None) -> Phantom:
        """Picture, mask and truth of a slice."""
        pixels = np.rint(np.clip(signal * np.float32(scale), 0, 255)).astype(np.float32)
        mask = (cavity.distance(self.x, self.y) <= 0) if cavity.area else np.zeros(self.shape, np.bool_)
        diameter = 2 * math.sqrt(cavity.area / math.pi)
        truth = {
            "area_mm2": cavity.area,
            "equivalent_diameter_mm": diameter,
            "area_px": cavity.area / self.side_mm**2,
            "equivalent_diameter_px": diameter / self.side_mm,
            "center_row_px": cavity.y / self.side_mm,
            "center_col_px": cavity.x / self.side_mm,
        }
        image = GreyImage(pixels, (self.side_mm, self.side_mm), source, place)
        return Phantom(image, mask.astype(np.uint8), truth if cavity.area else {})

    def frame(self, level: float, share: float, noise_seed: int) -> Floats:
        """Signal of a slice as scanned: uneven, with magnitude noise."""
        clean = self.chest.copy()
        clean[self.box] = self._heart(clean[self.box], level, share)
        clean *= self.coil
        rng = np.random.default_rng([self.seed, 3, noise_seed])
        real, imaginary = (rng.standard_normal(self.shape, dtype=np.float32) * np.float32(self.noise) for _ in range(2))
        magnitude: Floats = np.hypot(clean + real, imaginary)
        return magnitude

    def _heart(self, signal: Floats, level: float, share: float) -> Floats:
        """Draw the heart over the signal of its box. Beyond the apex it is a small disc of muscle."""
        x, y, texture, trabeculae = (array[self.box] for array in (self.x, self.y, self.texture, self.trabeculae))
        inner = self.cavity(max(level, 0.3), share if level else 0.3)
        grown = math.sqrt((inner.area + self.muscle_mm2(max(level, 0.3))) / inner.area)
        outer = Oval(inner.x, inner.y, inner.long * grown, inner.short * grown, inner.angle)
        to_right, to_down = math.cos(self.septum), math.sin(self.septum)
        beside = outer.long * 0.95
        right = Oval(
            inner.x + to_right * beside, inner.y + to_down * beside, outer.long * 1.12, outer.long * 0.72, self.septum + math.pi / 2
        )
        around = Oval(inner.x + 0.5 * to_right * beside, inner.y + 0.5 * to_down * beside, outer.long * 1.75, outer.long * 1.5, self.septum)
        fat = 0.36 + 0.08 * texture
        signal = blend(signal, fat, step(5 * texture - around.distance(x, y), 14.0))
        if level:
            signal = blend(signal, _tone(_MUSCLE), step(3 - right.distance(x, y), _EDGE_MM))
            inside = step(-right.distance(x, y) - np.maximum(0, trabeculae - 0.6) * 4, _EDGE_MM)
            signal = blend(signal, _tone(_RIGHT_BLOOD) + 0.03 * texture, inside)
        signal = blend(signal, _MUSCLE + 0.02 * texture, step(-outer.distance(x, y), _EDGE_MM))
        signal = blend(signal, _tone(0.06), bell(outer.distance(x, y) - 0.5, 1.0) * 0.5)  # water and fat cancel at their interface
        if not level:
            return signal
        depth = -inner.distance(x, y)
        blood = _BLOOD + 0.03 * texture
        mixed = min(_ROUGH_MM / share, 0.3 * inner.short)  # trabeculae do not shrink with the cavity
        signal = blend(signal, blood, step(depth - mixed, _EDGE_MM + mixed))
        rough = step(trabeculae - 0.5, 0.5) * bell(depth, 0.10 * inner.long) * (depth > 0)
        signal = blend(signal, _tone(_MUSCLE * 1.6), 0.7 * rough)
        for turn in (1.9, -1.6):
            angle = self.septum + turn
            reach = 0.66 * inner.long
            size = min(0.17 * inner.long, 4.5) * (1.3 - 0.3 * share)
            muscle = Oval(inner.x + reach * math.cos(angle), inner.y + reach * math.sin(angle), size * 1.25, size, angle)
            signal = blend(signal, _tone(_MUSCLE * 1.3), step(-muscle.distance(x, y), _EDGE_MM) * 0.9)
        return signal

    def _chest(self, rng: np.random.Generator) -> Floats:
        """Everything but the heart."""
        x, y = self.x, self.y
        heart_x, heart_y = self.center
        body = Oval(heart_x + 28, heart_y + 55, 190, float(rng.uniform(118, 135)), float(rng.uniform(0.15, 0.6)))
        depth = -body.distance(x, y) + 4 * smooth_noise(rng, x, y, (90.0, 90.0))
        fat_mm = float(rng.uniform(9, 20)) * (1 + 0.25 * smooth_noise(rng, x, y, (60.0, 60.0)))
        vessels = step(smooth_noise(rng, x, y, (5.0, 5.0), octaves=2) - 1.8, 0.6)
        signal = _LUNG + 0.25 * vessels
        wall = 0.15 + 0.05 * smooth_noise(rng, x, y, (20.0, 6.0)) + 0.25 * step(smooth_noise(rng, x, y, (16.0, 9.0)) - 0.9, 0.4)
        signal = blend(signal, wall, step(fat_mm + 14 - depth, 2.5))
        diaphragm = y - heart_y - self.radius - self.wall - 6 - 0.12 * (heart_x - x) - 0.001 * (x - heart_x) ** 2
        belly = 0.34 + 0.16 * smooth_noise(rng, x, y, (26.0, 26.0), octaves=2)
        signal = blend(signal, belly, step(diaphragm, 3) * step(depth - fat_mm - 10, 4))
        for dx, dy, long, short, level in ((-42, 40, 62, 30, 1.0), (50, 52, 34, 24, 1.25), (12, 85, 26, 20, 0.8), (88, 70, 24, 36, 0.9)):
            turn = float(rng.uniform(-0.4, 0.4))
            place = Oval(heart_x + dx + rng.uniform(-8, 8), heart_y + self.radius + self.wall + dy, long, short, turn)
            inside = _ORGAN * level + 0.025 * self.texture + 0.16 * step(smooth_noise(rng, x, y, (9.0, 9.0)) - 1.5, 0.5)
            signal = blend(signal, inside, step(-place.distance(x, y), 2.0) * step(depth - fat_mm, 3))
            signal = blend(signal, _tone(0.05), bell(place.distance(x, y) - 1, 1.0) * 0.7 * step(depth - fat_mm, 3))
        signal = blend(signal, _FAT + 0.06 * self.texture, step(fat_mm - depth, 2.0))
        whole: Floats = step(depth, 2.0) * np.maximum(signal, np.float32(0.01))
        return whole

    def _coil(self, rng: np.random.Generator) -> Floats:
        """Sensitivity of a coil on the chest, 0 outside of a circle or a warped field."""
        along = self.x.max() * float(rng.uniform(0.2, 0.6))
        distance = np.hypot(self.x - along, self.y - 0.12 * self.y.max())
        near = 0.55 + 0.9 * np.exp(-((distance / np.float32(150)) ** 2))
        middle_x, middle_y = self.x.max() / 2, self.y.max() / 2
        if rng.random() < 0.5:
            field = step(0.47 * self.x.max() - np.hypot(self.x - middle_x, self.y - middle_y), 1.0)
        else:
            field = step(middle_x - 8 + 12 * ((self.y - middle_y) / middle_y) ** 2 - np.abs(self.x - middle_x), 1.0)
        coil: Floats = (near * field).astype(np.float32)
        return coil


def _tone(level: float) -> Floats:
    """One level as an array, for blending."""
    flat: Floats = np.full((1, 1), level, np.float32)
    return flat
