"""Physics along the beams: gain by depth, acoustic shadow, speckle with a point-spread function that follows the depth.

B-mode grey values are logarithms of echo amplitudes: black is ``dynamic_range_db`` below ``white``, so a gain of ``g`` dB adds
``white * g / dynamic_range_db`` (log compression: Szabo, *Diagnostic Ultrasound Imaging: Inside Out*, 2nd ed. 2014). What is black stays
black, since nobody knows how far below the range it was, and nothing rises above ``white``.

Depth and beams are those of a sector (`usseg_monai.geometry.sector.Sector`); without one, of a linear probe: each column of the picture is
a beam. Images are ``(channels, W, H)`` tensors or arrays; the geometry does not change, so labels need no change and there is no inverse.
The dictionary forms are in `usseg_monai.transforms.depth_dictionary`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.transforms import RandomizableTransform, Transform
from torch import Tensor
from torch.nn import functional

from usseg_monai.errors import UsageError
from usseg_monai.geometry.sector import Floats, Sector
from usseg_monai.transforms.backends import TORCH
from usseg_monai.transforms.scan import to_picture

__all__ = ["AcousticShadow", "GainCompensation", "RandAcousticShadow", "RandDepthSpeckle", "RandGainCompensation", "spread_speckle"]

MEAN_SPECKLE_DB = -10 * np.euler_gamma / math.log(10)
"""Mean level of fully developed speckle of mean power 1: power is exponentially distributed, the mean of its logarithm is ``-gamma``."""

_FAINTEST = 1e-3  # amplitude at which the level of a dark speckle is cut off: -60 dB
_FLANK = 6.0  # steepness of a shadow's sides: 5 % to 95 % within its half width
_ONSET = 60.0  # steepness of a shadow's start, per depth of the picture


def _positions(shape: Sequence[int], sector: Sector | None) -> tuple[Floats, Floats]:
    """Where the pixels of an image ``(W, H)`` lie along the fan and along depth, 0 to 1 within the field of view."""
    if sector is None:
        return np.linspace(0, 1, shape[0])[:, None], np.linspace(0, 1, shape[1])[None]
    across, down = sector.fractions((shape[1], shape[0]))
    return across.T, down.T


def _raise_level(image: Tensor, decibels: Floats | Tensor, dynamic_range_db: float, white: float) -> Tensor:
    """Raise log-compressed grey values by decibels ``(W, H)``; black stays black."""
    change = torch.as_tensor(decibels).to(device=image.device, dtype=torch.float32) * (white / dynamic_range_db)
    return torch.where(image > 0, (image + change).clamp(0, white), image)


def _check_levels(dynamic_range_db: float, white: float) -> None:
    if not (dynamic_range_db > 0 and white > 0):
        raise UsageError(f"a dynamic range of {dynamic_range_db:g} dB up to a white of {white:g}: both must be positive")


class GainCompensation(Transform):
    """Gain by depth, as the row of sliders of a machine sets it (time-gain compensation).

    To undo or to imitate attenuation: sound of ``f`` MHz that returns from a depth of ``d`` cm has lost ``2 a f d`` dB, where ``a`` is
    0.54 dB / (cm MHz) on average in soft tissue (Culjat et al., "A review of tissue substitutes for ultrasound imaging", Ultrasound Med.
    Biol. 36, 2010). Two sliders ``(0, 2 a f d)`` make that line.

    Args:
        gains_db: of the sliders, at equal distances from the shallowest to the deepest sample; linear between them.
        sector: geometry of the beams; ``None`` for a linear probe.
        dynamic_range_db: range that is shown, from black to white.
        white: grey value of the strongest echo.

    Shapes: ``(channels, W, H)`` to the same.

    Raises:
        UsageError: fewer than two sliders, a range or a white that is not positive.

    >>> GainCompensation((0, 12), dynamic_range_db=60, white=255)(torch.full((1, 1, 3), 100.0)).tolist()
    [[[100.0, 125.5, 151.0]]]
    """

    backend = TORCH

    def __init__(
        self, gains_db: Sequence[float], sector: Sector | None = None, dynamic_range_db: float = 60.0, white: float = 255.0
    ) -> None:
        _check_levels(dynamic_range_db, white)
        if len(gains_db) < 2:
            raise UsageError(f"{len(gains_db)} gains along depth: give two or more, from the shallowest to the deepest")
        self.gains_db, self.sector, self.dynamic_range_db, self.white = tuple(gains_db), sector, dynamic_range_db, white

    def __call__(self, img: Tensor) -> Tensor:
        image = torch.as_tensor(img)
        _, down = _positions(image.shape[1:], self.sector)
        gains = np.interp(down, np.linspace(0, 1, len(self.gains_db)), self.gains_db)
        return _raise_level(image, gains, self.dynamic_range_db, self.white)


class RandGainCompensation(RandomizableTransform):
    """Sliders of the time-gain compensation set at random.

    Args:
        strength_db: largest gain or loss of a slider.
        sliders: their number; eight on most machines.
        sector: as for `GainCompensation`.
        prob: share of the images that are changed.
        dynamic_range_db: as for `GainCompensation`.
        white: as for `GainCompensation`.

    >>> RandGainCompensation(prob=1.0).set_random_state(0)(torch.full((1, 6, 4), 100.0)).shape
    torch.Size([1, 6, 4])
    """

    backend = TORCH

    def __init__(
        self,
        strength_db: float = 6.0,
        sliders: int = 8,
        sector: Sector | None = None,
        prob: float = 0.3,
        dynamic_range_db: float = 60.0,
        white: float = 255.0,
    ) -> None:
        super().__init__(prob)
        self.strength_db, self.sliders = strength_db, sliders
        self._gain = GainCompensation((0.0,) * sliders, sector, dynamic_range_db, white)

    def randomize(self, data: Any = None) -> None:
        """Draw whether the image is changed, and the sliders."""
        super().randomize(None)
        if self._do_transform:
            self._gain.gains_db = tuple(self.R.uniform(-self.strength_db, self.strength_db, self.sliders).tolist())

    def __call__(self, img: Tensor, randomize: bool = True) -> Tensor:
        if randomize:
            self.randomize()
        return self._gain(img) if self._do_transform else torch.as_tensor(img)


class AcousticShadow(Transform):
    """The shadow of bone, gas or a stone: below it, along the beams, echoes are weaker.

    Args:
        centre: beam in the middle of the shadow, 0 (left) to 1 (right).
        width: half of the shadow's width, as a share of the beams; its sides are soft.
        depth: where it starts, 0 (near) to 1 (far).
        loss_db: by which echoes in its middle are weaker. Bone of ``t`` cm takes about ``2 * 6.9 f t`` dB at ``f`` MHz
            (cortical bone: Culjat et al., as above), so that its shadow is often black.
        sector: geometry of the beams; ``None`` for a linear probe.
        dynamic_range_db: range that is shown, from black to white.
        white: grey value of the strongest echo.

    Shapes: ``(channels, W, H)`` to the same.

    Raises:
        UsageError: a width, a range or a white that is not positive.

    >>> shadowed = AcousticShadow(centre=0.5, width=0.2, depth=0.5, loss_db=30)(torch.full((1, 101, 101), 200.0))
    >>> round(float(shadowed[0, 50, 100]), 1), round(float(shadowed[0, 50, 20])), round(float(shadowed[0, 0, 100]))
    (72.8, 200, 200)
    """

    backend = TORCH

    def __init__(
        self,
        centre: float,
        width: float,
        depth: float,
        loss_db: float,
        sector: Sector | None = None,
        dynamic_range_db: float = 60.0,
        white: float = 255.0,
    ) -> None:
        _check_levels(dynamic_range_db, white)
        if not width > 0:
            raise UsageError(f"a shadow of width {width:g}: it must be positive, a share of the beams")
        self.centre, self.width, self.depth, self.loss_db, self.sector = centre, width, depth, loss_db, sector
        self.dynamic_range_db, self.white = dynamic_range_db, white

    def __call__(self, img: Tensor) -> Tensor:
        image = torch.as_tensor(img)
        across, down = _positions(image.shape[1:], self.sector)
        beside = _step(_FLANK * (1 - np.abs(across - self.centre) / self.width))
        loss = self.loss_db * beside * _step(_ONSET * (down - self.depth))
        return _raise_level(image, -loss, self.dynamic_range_db, self.white)


def _step(argument: Floats) -> Floats:
    """Logistic function."""
    smooth: Floats = 0.5 * (1 + np.tanh(argument / 2))
    return smooth


class RandAcousticShadow(RandomizableTransform):
    """One acoustic shadow at a random place.

    Args:
        loss_db: smallest and largest loss.
        width: smallest and largest half width, as a share of the beams.
        sector: as for `AcousticShadow`.
        prob: share of the images that are changed.
        dynamic_range_db: as for `AcousticShadow`.
        white: as for `AcousticShadow`.

    >>> bool((RandAcousticShadow(prob=1.0).set_random_state(0)(torch.full((1, 64, 48), 200.0)) <= 200).all())
    True
    """

    backend = TORCH

    def __init__(
        self,
        loss_db: tuple[float, float] = (10.0, 40.0),
        width: tuple[float, float] = (0.03, 0.15),
        sector: Sector | None = None,
        prob: float = 0.2,
        dynamic_range_db: float = 60.0,
        white: float = 255.0,
    ) -> None:
        super().__init__(prob)
        self.loss_db, self.width = loss_db, width
        self._shadow = AcousticShadow(0.5, width[1], 0.5, 0.0, sector, dynamic_range_db, white)

    def randomize(self, data: Any = None) -> None:
        """Draw whether the image is changed, and place, width and depth of the shadow."""
        super().randomize(None)
        if self._do_transform:
            self._shadow.centre, self._shadow.depth = float(self.R.uniform(0, 1)), float(self.R.uniform(0, 0.7))
            self._shadow.width, self._shadow.loss_db = float(self.R.uniform(*self.width)), float(self.R.uniform(*self.loss_db))

    def __call__(self, img: Tensor, randomize: bool = True) -> Tensor:
        if randomize:
            self.randomize()
        return self._shadow(img) if self._do_transform else torch.as_tensor(img)


def spread_speckle(scatterers: Tensor, axial: float, lateral: Sequence[float] | Tensor) -> Tensor:
    """Convolve scatterers with a Gaussian point-spread function whose lateral width depends on depth.

    The usual linear model (Wagner et al., "Statistics of speckle in ultrasound B-scans", IEEE Trans. Sonics Ultrason. 30, 1983). The
    convolution is circular; the mean power of random scatterers is unchanged.

    Args:
        scatterers: complex amplitudes ``(beams, depths)``.
        axial: standard deviation along depth, in samples.
        lateral: standard deviation from beam to beam at each depth, ``(depths,)``, in samples.

    Returns:
        Complex echo ``(beams, depths)``.
    """
    beams, depths = scatterers.shape
    along = torch.exp(-2 * (math.pi * axial * torch.fft.fftfreq(depths)) ** 2)
    echo = torch.fft.ifft(torch.fft.fft(scatterers, dim=1) * along / along.square().mean().sqrt(), dim=1)
    across = torch.exp(-2 * (math.pi * torch.as_tensor(lateral, dtype=torch.float32)[None] * torch.fft.fftfreq(beams)[:, None]) ** 2)
    spread: Tensor = torch.fft.ifft(torch.fft.fft(echo, dim=0) * across / across.square().mean(dim=0).sqrt(), dim=0)
    return spread


class RandDepthSpeckle(RandomizableTransform):
    """Fully developed speckle whose point-spread function follows the depth: finest in the focus, wider above and below.

    The lateral width is that of a focused beam, ``lateral * sqrt(1 + ((depth - focus) / focal_range) ** 2)`` (a Gaussian beam: Saleh and
    Teich, *Fundamentals of Photonics*, chapter 3). The speckle's level in dB is added to the picture, with a mean of 0 dB and, at strength
    1, the standard deviation of fully developed speckle, 5.57 dB.

    Args:
        strength: largest share of fully developed speckle, 0 to 1, that is added.
        axial: standard deviation of the point-spread function along depth, in pixels.
        lateral: standard deviation across the beams in the focus, in pixels.
        focal_range: distance from the focus, as a share of the depth, at which the beam is wider by a factor of 1.41.
        sector: geometry of the beams; ``None`` for a linear probe.
        prob: share of the images that are changed.
        dynamic_range_db: range that is shown, from black to white.
        white: grey value of the strongest echo.

    Shapes: ``(channels, W, H)`` to the same; all channels get one speckle.

    >>> noisy = RandDepthSpeckle(prob=1.0).set_random_state(0)(torch.full((1, 64, 48), 100.0))
    >>> noisy.shape, abs(float(noisy.mean()) - 100) < 5
    (torch.Size([1, 64, 48]), True)
    """

    backend = TORCH

    def __init__(
        self,
        strength: float = 0.5,
        axial: float = 1.0,
        lateral: float = 1.5,
        focal_range: float = 0.3,
        sector: Sector | None = None,
        prob: float = 0.3,
        dynamic_range_db: float = 60.0,
        white: float = 255.0,
    ) -> None:
        super().__init__(prob)
        _check_levels(dynamic_range_db, white)
        if not (axial >= 0 and lateral >= 0 and focal_range > 0):
            raise UsageError(f"a point spread of {axial:g} by {lateral:g} pixels, focal range {focal_range:g}: give positive numbers")
        self.strength, self.axial, self.lateral, self.focal_range, self.sector = strength, axial, lateral, focal_range, sector
        self.dynamic_range_db, self.white = dynamic_range_db, white
        self._scatterers, self._focus, self._share = torch.zeros(1, 1, dtype=torch.complex64), 0.5, 0.0

    def randomize(self, data: Any) -> None:
        """Draw whether the image is changed, the focus, the strength, and the scatterers of the image's size."""
        super().randomize(None)
        if self._do_transform:
            shape = tuple(data.shape[1:]) if self.sector is None else self.sector.grid()
            parts = self.R.standard_normal((2, *shape)).astype(np.float32) * np.float32(math.sqrt(0.5))
            self._scatterers = torch.complex(*torch.from_numpy(parts))
            self._focus, self._share = float(self.R.uniform(0, 1)), float(self.R.uniform(0, self.strength))

    def widths(self, depths: int) -> Tensor:
        """Lateral standard deviation at each depth, in samples from beam to beam, ``(depths,)``."""
        down = torch.linspace(0, 1, depths)
        pixels = self.lateral * torch.sqrt(1 + ((down - self._focus) / self.focal_range) ** 2)
        if self.sector is None:
            return pixels
        sector, beams = self.sector, self._scatterers.shape[0]
        radius = sector.near + down * (sector.far - sector.near)
        arc = radius * (sector.right - sector.left) / (beams - 1) / min(sector.spacing)  # pixels from beam to beam
        return torch.minimum(pixels / arc.clamp(min=1e-6), torch.tensor(beams / 4))

    def amplitude(self, shape: Sequence[int]) -> Tensor:
        """Amplitude of the drawn speckle on a picture ``(W, H)``, mean power 1; 0 outside a sector."""
        echo = spread_speckle(self._scatterers, self.axial, self.widths(self._scatterers.shape[1]))
        parts = torch.view_as_real(echo).permute(2, 0, 1)  # the complex amplitude is interpolated, not its magnitude
        if self.sector is not None:
            parts = to_picture(parts, self.sector, shape)
        elif tuple(echo.shape) != tuple(shape):  # another key of an item may have another size
            parts = functional.interpolate(parts[None], tuple(shape), mode="bilinear")[0]
        return torch.hypot(parts[0], parts[1])

    def __call__(self, img: Tensor, randomize: bool = True) -> Tensor:
        if randomize:
            self.randomize(img)
        image = torch.as_tensor(img)
        if not self._do_transform:
            return image
        amplitude = self.amplitude(image.shape[1:])
        level = 20 * torch.log10(amplitude.clamp(min=_FAINTEST)) - MEAN_SPECKLE_DB
        return _raise_level(image, torch.where(amplitude > 0, self._share * level, 0.0), self.dynamic_range_db, self.white)
