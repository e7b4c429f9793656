"""Ultrasound texture: random scatterers seen through a point-spread function.

The model is the usual linear one. Scatterers far smaller than the wavelength reflect with random phase; the system sums them over its
point-spread function; the picture is the logarithm of the sum's envelope. Many scatterers within one point spread give *fully developed*
speckle, whose envelope follows Rayleigh's law: mean over standard deviation is ``sqrt(pi / (4 - pi)) = 1.91`` whatever the tissue
(Wagner et al., "Statistics of speckle in ultrasound B-scans", IEEE Trans. Sonics Ultrason. 30, 1983). The field is kept at baseband,
that is as a complex amplitude, so that the envelope is its magnitude.

Arrays lie on a beam grid: axis 0 is depth, axis 1 goes from beam to beam (see `usseg_monai.phantoms.sector`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Field", "Floats", "PointSpread", "convolve", "envelope", "log_compress", "scatter", "smooth_noise"]

Field = npt.NDArray[np.complex64]
"""Complex amplitude at baseband on the beam grid, shape ``(depths, beams)``."""

Floats = npt.NDArray[np.floating[Any]]
"""Real values on the beam grid, float32 unless something forces more."""


@dataclass(frozen=True)
class PointSpread:
    """Gaussian point-spread function; standard deviations in samples of the beam grid.

    It is constant in samples, so its width in mm grows with the distance between beams, as it does for a convex probe.
    """

    axial: float
    lateral: float


def scatter(rng: np.random.Generator, shape: tuple[int, int], per_sample: float = 4.0) -> Field:
    """Sum of the scatterers in each sample, mean power 1.

    Their number is Poisson distributed with mean ``per_sample``, and each has a complex normal amplitude. The sum of ``n`` such
    numbers is complex normal with variance ``n``, so one draw replaces them all. Few scatterers (below about 0.1) give sparse, spiky
    texture.

    >>> field = scatter(np.random.default_rng(0), (200, 200))
    >>> abs(float((abs(field) ** 2).mean()) - 1) < 0.05
    True
    """
    counts = rng.poisson(per_sample, shape)
    strength = np.sqrt(counts / (2 * per_sample)).astype(np.float32)
    field: Field = np.empty(shape, np.complex64)
    field.real = strength * rng.standard_normal(shape, dtype=np.float32)
    field.imag = strength * rng.standard_normal(shape, dtype=np.float32)
    return field


def convolve(field: Field, spread: PointSpread, *, keep: Literal["power", "sum"]) -> Field:
    """Convolve with the point-spread function; outside the grid there is nothing.

    Args:
        field: ``(depths, beams)``.
        spread: the point-spread function.
        keep: ``"power"`` scales the kernel so that the mean power of random scatterers is unchanged; ``"sum"`` so that a wide,
            coherent reflector keeps its amplitude.
    """
    for axis, sigma in enumerate((spread.axial, spread.lateral)):
        field = _convolve_axis(field, sigma, axis, keep)
    return field


def _convolve_axis(field: Field, sigma: float, axis: int, keep: Literal["power", "sum"]) -> Field:
    reach = int(np.ceil(3.5 * sigma))
    size = field.shape[axis]
    # Zero padding prevents wrap-around of the circular transform; a multiple of 32 makes it fast.
    padded = -(-(size + 2 * reach) // 32) * 32
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum() if keep == "sum" else np.sqrt((kernel**2).sum())
    transfer = np.fft.fft(np.roll(np.pad(kernel, (0, padded - kernel.size)), -reach)).astype(np.complex64)
    spectrum = np.fft.fft(field, n=padded, axis=axis) * (transfer[:, None] if axis == 0 else transfer[None, :])
    back = np.fft.ifft(spectrum, axis=axis)
    return (back[:size] if axis == 0 else back[:, :size]).astype(np.complex64)


def envelope(
    rng: np.random.Generator, diffuse: Floats, mirror: Floats, spread: PointSpread, *, looks: int = 1, per_sample: float = 4.0
) -> Floats:
    """Envelope of the echo of a scene.

    Args:
        rng: source of the scatterers.
        diffuse: amplitude of the scattering tissue, ``(depths, beams)``, at least 0.
        mirror: amplitude of smooth interfaces, which reflect in phase and show no speckle of their own, same shape.
        spread: the point-spread function.
        looks: independent views whose powers are averaged, as compounding scanners do; speckle contrast falls as 1 / sqrt(looks).
        per_sample: see `scatter`.

    Returns:
        Root mean power of the looks, same shape; Rayleigh distributed with one look and no mirror.

    >>> flat = np.ones((300, 300), np.float32)
    >>> echo = envelope(np.random.default_rng(0), flat, 0 * flat, PointSpread(2, 2))[10:-10, 10:-10]
    >>> 1.8 < float(echo.mean() / echo.std()) < 2.0
    True
    """
    coherent = convolve(mirror.astype(np.complex64), spread, keep="sum")
    power = np.zeros(diffuse.shape, np.float32)
    for _ in range(looks):
        echo = convolve(diffuse * scatter(rng, diffuse.shape, per_sample), spread, keep="power")
        echo += coherent
        power += echo.real**2 + echo.imag**2
    root_mean: Floats = np.sqrt(power / np.float32(looks))
    return root_mean


def log_compress(echo: Floats, *, dynamic_range_db: float = 60.0, gamma: float = 1.0) -> Floats:
    """Brightness from 0 to 1 of an envelope: amplitude 1 is white, ``dynamic_range_db`` below it is black.

    >>> log_compress(np.array([10, 1, 10**-1.5, 0], np.float32)).round(2).tolist()
    [1.0, 1.0, 0.5, 0.0]
    """
    decibels = 20 * np.log10(np.maximum(echo, np.float32(1e-6)))
    brightness: Floats = (np.clip(1 + decibels / dynamic_range_db, 0, 1) ** gamma).astype(np.float32)
    return brightness


def smooth_noise(rng: np.random.Generator, x: Floats, y: Floats, scale: tuple[float, float], octaves: int = 1) -> Floats:
    """Smooth random landscape, mean about 0 and standard deviation about 1, evaluated at points in a plane.

    Value noise: random numbers on a lattice, cubic between its points. Each further octave halves the scale and the height.

    Args:
        rng: source of the lattice.
        x: first coordinate of the points, any shape.
        y: second coordinate, same shape.
        scale: lattice constants along ``x`` and ``y``, in the unit of the points.
        octaves: number of lattices summed.
    """
    total: Floats = np.zeros(x.shape, np.float32)
    for octave in range(octaves):
        total += 0.5**octave * _value_noise(rng, x / (scale[0] / 2**octave), y / (scale[1] / 2**octave))
    total /= math.sqrt(sum(0.25**octave for octave in range(octaves)))
    return total


def _value_noise(rng: np.random.Generator, x: Floats, y: Floats) -> Floats:
    left, low = np.floor(x), np.floor(y)
    i, j = (left - left.min()).astype(np.intp), (low - low.min()).astype(np.intp)
    rows = int(i.max()) + 2
    cols = int(j.max()) + 2
    lattice = rng.standard_normal(rows * cols, dtype=np.float32) * np.float32(1.4)  # interpolation loses variance: 1.4 restores it
    u, v = (x - left).astype(np.float32), (y - low).astype(np.float32)
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    corner = i * cols + j
    near = lattice[corner] * (1 - v) + lattice[corner + 1] * v
    corner += cols
    far = lattice[corner] * (1 - v) + lattice[corner + 1] * v
    noise: Floats = near * (1 - u) + far * u
    return noise
