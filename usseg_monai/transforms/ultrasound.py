"""Augmentations that imitate an ultrasound machine: gain, speckle, shadow, burnt-in calipers.

Each array transform has a private pure function for the maths and a class that draws its parameters. Images are ``(1, W, H)`` torch
tensors or NumPy arrays with values in any non-negative range; the result is a tensor. Geometry is unchanged, so labels need no change, and
there is no inverse. `usseg_monai.transforms.depth` has those that follow the beams of a sector.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import RandomizableTransform
from torch import Tensor
from torch.nn import functional

from usseg_monai.transforms.backends import TORCH
from usseg_monai.transforms.dictionary import RandomDictionaryForm

__all__ = [
    "RandCalipers",
    "RandCalipersD",
    "RandCalipersDict",
    "RandCalipersd",
    "RandGainRamp",
    "RandGainRampD",
    "RandGainRampDict",
    "RandGainRampd",
    "RandShadow",
    "RandShadowD",
    "RandShadowDict",
    "RandShadowd",
    "RandSpeckle",
    "RandSpeckleD",
    "RandSpeckleDict",
    "RandSpeckled",
]


def _gain_ramp(image: Tensor, slope: tuple[float, float]) -> Tensor:
    """Multiply by ``exp`` of a plane that runs from ``-slope`` to ``+slope`` along each spatial axis."""
    across = torch.linspace(-slope[0], slope[0], image.shape[1], device=image.device).view(1, -1, 1)
    along = torch.linspace(-slope[1], slope[1], image.shape[2], device=image.device).view(1, 1, -1)
    return image * torch.exp(across + along)


def _speckle(image: Tensor, grain: Tensor, strength: float) -> Tensor:
    """Multiply by ``1 + strength * grain``, with the coarse grain enlarged to the image's size; never below zero."""
    field = functional.interpolate(grain.to(image.device)[None, None], size=tuple(image.shape[1:]), mode="bilinear", align_corners=False)[0]
    return image * (1 + strength * field).clamp(min=0)


def _shadow(image: Tensor, centre: float, width: float, slant: float, depth: float, transmission: float) -> Tensor:
    """Darken a wedge that starts at ``depth`` (0..1 of the rows) and runs down, with soft flanks."""
    across = torch.linspace(0, 1, image.shape[1], device=image.device).view(1, -1, 1)
    down = torch.linspace(0, 1, image.shape[2], device=image.device).view(1, 1, -1)
    distance = (across - centre - slant * (down - depth)).abs() / width
    inside = torch.sigmoid((1 - distance) * 6) * torch.sigmoid((down - depth) * 30)
    return image * (1 - (1 - transmission) * inside)


def _calipers(image: Tensor, ends: np.ndarray, arm: int, dots: bool, whiteness: float) -> Tensor:
    """Draw pairs of crosses ``(pairs, 2, 2)`` at positions 0..1 of the axes and dots between them, ``whiteness`` times
    as bright as the image's brightest pixel."""
    drawn = image.clone()
    bright = whiteness * image.amax()
    sides = np.array(image.shape[1:]) - 1
    for start, stop in ends * sides:
        for first, second in np.rint([start, stop]).astype(int):
            drawn[:, max(first - arm, 0) : first + arm + 1, second] = bright
            drawn[:, first, max(second - arm, 0) : second + arm + 1] = bright
        if dots:
            count = int(np.hypot(*(stop - start)) / 4) + 2
            first, second = np.rint(np.linspace(start, stop, count)).astype(int).T
            drawn[:, first, second] = bright
    return drawn


class RandGainRamp(RandomizableTransform):
    """A smooth gain over the picture, as from wrong time-gain compensation or poor contact on one side.

    Args:
        strength: maximum natural logarithm of the gain at an edge, per axis.
        prob: share of the images that are changed.

    >>> import torch
    >>> RandGainRamp(prob=1.0).set_random_state(0)(torch.ones(1, 6, 4)).shape
    torch.Size([1, 6, 4])
    """

    backend = TORCH

    def __init__(self, strength: float = 0.5, prob: float = 0.3) -> None:
        super().__init__(prob)
        self.strength = strength
        self._slope = (0.0, 0.0)

    def randomize(self, data: Any = None) -> None:
        """Draw whether the image is changed, and the gain along each axis."""
        super().randomize(None)
        if self._do_transform:
            first, second = self.R.uniform(-self.strength, self.strength, 2)
            self._slope = float(first), float(second)

    def __call__(self, img: Tensor, randomize: bool = True) -> Tensor:
        if randomize:
            self.randomize()
        return _gain_ramp(torch.as_tensor(img), self._slope) if self._do_transform else torch.as_tensor(img)


class RandSpeckle(RandomizableTransform):
    """Multiplicative noise with a grain of one to four pixels.

    Args:
        strength: maximum standard deviation of the factor.
        prob: share of the images that are changed.

    >>> import torch
    >>> bool((RandSpeckle(prob=1.0).set_random_state(0)(torch.ones(1, 64, 48)) >= 0).all())
    True
    """

    backend = TORCH

    def __init__(self, strength: float = 0.3, prob: float = 0.3) -> None:
        super().__init__(prob)
        self.strength = strength
        self._grain, self._strength = torch.zeros(2, 2), 0.0

    def randomize(self, data: Any) -> None:
        """Draw whether the image is changed, and the grain for its size."""
        super().randomize(None)
        if self._do_transform:
            coarseness = self.R.uniform(1, 4)
            shape = [max(2, round(side / coarseness)) for side in data.shape[1:]]
            self._grain = torch.from_numpy(self.R.standard_normal(shape).astype(np.float32))
            self._strength = float(self.R.uniform(0, self.strength))

    def __call__(self, img: Tensor, randomize: bool = True) -> Tensor:
        if randomize:
            self.randomize(img)
        return _speckle(torch.as_tensor(img), self._grain, self._strength) if self._do_transform else torch.as_tensor(img)


class RandShadow(RandomizableTransform):
    """A shadow below bone or gas: a dark wedge that runs down the picture. `AcousticShadow` follows the beams.

    Args:
        prob: share of the images that are changed.

    >>> import torch
    >>> bool((RandShadow(prob=1.0).set_random_state(0)(torch.ones(1, 64, 48)) <= 1).all())
    True
    """

    backend = TORCH

    def __init__(self, prob: float = 0.2) -> None:
        super().__init__(prob)
        self._shape: dict[str, float] = {}

    def randomize(self, data: Any = None) -> None:
        """Draw whether the image is changed, and place, form and darkness of the shadow."""
        super().randomize(None)
        if self._do_transform:
            self._shape = {
                "centre": float(self.R.uniform(0, 1)),
                "width": float(self.R.uniform(0.03, 0.15)),
                "slant": float(self.R.uniform(-0.4, 0.4)),
                "depth": float(self.R.uniform(0, 0.7)),
                "transmission": float(self.R.uniform(0.05, 0.5)),
            }

    def __call__(self, img: Tensor, randomize: bool = True) -> Tensor:
        if randomize:
            self.randomize()
        return _shadow(torch.as_tensor(img), **self._shape) if self._do_transform else torch.as_tensor(img)


class RandCalipers(RandomizableTransform):
    """Caliper marks burnt into the picture: one or two pairs of crosses, sometimes joined by dots.

    Sonographers measure what they find suspicious, so a classifier may learn the marks instead of the lesion. Marks at random places
    prevent that. Marks on the ends of a structure train the network to keep its outline.

    Args:
        prob: share of the images that are changed.

    Shapes: the image ``(1, W, H)``; the structure, if given, ``(C, W, H)``, in its last channel: each pair then measures it with a
    probability of one half, in any direction.

    >>> import torch
    >>> marked = RandCalipers(prob=1.0).set_random_state(0)(torch.rand(1, 64, 48))
    >>> marked.shape
    torch.Size([1, 64, 48])
    """

    backend = TORCH

    def __init__(self, prob: float = 0.2) -> None:
        super().__init__(prob)
        self._marks: dict[str, Any] = {}

    def randomize(self, data: Any, structure: Tensor | None = None) -> None:
        """Draw whether the image is changed, and the marks for its size."""
        super().randomize(None)
        if not self._do_transform:
            return
        ends = self.R.uniform(0, 1, (self.R.randint(1, 3), 2, 2))
        inside = np.zeros((0, 2)) if structure is None else np.argwhere(torch.as_tensor(structure)[-1].cpu().numpy() >= 0.5)
        for pair in ends if len(inside) else ():
            if self.R.uniform() < 0.5:
                angle = self.R.uniform(0, np.pi)
                along = inside @ (np.cos(angle), np.sin(angle))
                pair[:] = inside[[along.argmin(), along.argmax()]] / np.subtract(data.shape[1:], 1)
        arm, dots, whiteness = int(self.R.randint(1, 4)), bool(self.R.uniform() < 0.5), float(self.R.uniform(1, 1.5))
        self._marks = {"ends": ends, "arm": arm, "dots": dots, "whiteness": whiteness}

    def __call__(self, img: Tensor, structure: Tensor | None = None, randomize: bool = True) -> Tensor:
        if randomize:
            self.randomize(img, structure)
        return _calipers(torch.as_tensor(img), **self._marks) if self._do_transform else torch.as_tensor(img)


class RandGainRampd(RandomDictionaryForm):
    """Dictionary form of `RandGainRamp`."""

    backend = RandGainRamp.backend

    def __init__(self, keys: KeysCollection, strength: float = 0.5, prob: float = 0.3, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, RandGainRamp(strength, prob), allow_missing_keys)


class RandSpeckled(RandomDictionaryForm):
    """Dictionary form of `RandSpeckle`."""

    backend = RandSpeckle.backend

    def __init__(self, keys: KeysCollection, strength: float = 0.3, prob: float = 0.3, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, RandSpeckle(strength, prob), allow_missing_keys)


class RandShadowd(RandomDictionaryForm):
    """Dictionary form of `RandShadow`."""

    backend = RandShadow.backend

    def __init__(self, keys: KeysCollection, prob: float = 0.2, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, RandShadow(prob), allow_missing_keys)


class RandCalipersd(RandomDictionaryForm):
    """Dictionary form of `RandCalipers`.

    Args:
        keys: of the images.
        prob: share of the images that are changed.
        structure: key of the mask to measure; ``None`` for marks anywhere.
        allow_missing_keys: whether an item may lack an image.
    """

    backend = RandCalipers.backend

    def __init__(self, keys: KeysCollection, prob: float = 0.2, structure: str | None = None, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, RandCalipers(prob), allow_missing_keys)
        self.structure = structure

    def references(self, data: Mapping[Hashable, Any]) -> tuple[Any, ...]:
        return () if self.structure is None else (data[self.structure],)


RandGainRampD = RandGainRampDict = RandGainRampd
RandSpeckleD = RandSpeckleDict = RandSpeckled
RandShadowD = RandShadowDict = RandShadowd
RandCalipersD = RandCalipersDict = RandCalipersd
