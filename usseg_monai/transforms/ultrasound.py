"""Random changes that an ultrasound machine makes to a picture: gain along depth, speckle, shadow, burnt-in calipers.

Each array transform has a private pure function for the maths and a class that draws its parameters. Images are ``(1, W, H)`` torch
tensors with values in any non-negative range; geometry is left alone, so labels need no change.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from torch import Tensor
from torch.nn import functional

__all__ = [
    "RandCalipers",
    "RandCalipersd",
    "RandGainRamp",
    "RandGainRampd",
    "RandShadow",
    "RandShadowd",
    "RandSpeckle",
    "RandSpeckled",
]


def _gain_ramp(image: Tensor, slope: tuple[float, float]) -> Tensor:
    """Multiply by ``exp`` of a plane that runs from ``-slope`` to ``+slope`` along each spatial axis."""
    across = torch.linspace(-slope[0], slope[0], image.shape[1]).view(1, -1, 1)
    along = torch.linspace(-slope[1], slope[1], image.shape[2]).view(1, 1, -1)
    return image * torch.exp(across + along)


def _speckle(image: Tensor, grain: Tensor, strength: float) -> Tensor:
    """Multiply by ``1 + strength * grain``, the coarse grain enlarged to the image; never below zero."""
    field = functional.interpolate(grain[None, None], size=tuple(image.shape[1:]), mode="bilinear", align_corners=False)[0]
    return image * (1 + strength * field).clamp(min=0)


def _shadow(image: Tensor, centre: float, width: float, slant: float, depth: float, transmission: float) -> Tensor:
    """Darken a wedge that starts at ``depth`` (0..1 of the rows) and goes down, with soft flanks."""
    across = torch.linspace(0, 1, image.shape[1]).view(1, -1, 1)
    down = torch.linspace(0, 1, image.shape[2]).view(1, 1, -1)
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
    """A smooth gain over the picture, as of time-gain compensation set wrongly or of poor contact on one side.

    Args:
        strength: largest natural logarithm of the gain at an edge, per axis.
        prob: share of the images that are changed.

    >>> import torch
    >>> RandGainRamp(prob=1.0).set_random_state(0)(torch.ones(1, 6, 4)).shape
    torch.Size([1, 6, 4])
    """

    def __init__(self, strength: float = 0.5, prob: float = 0.3) -> None:
        super().__init__(prob)
        self.strength = strength

    def __call__(self, img: Tensor) -> Tensor:
        self.randomize(None)
        if not self._do_transform:
            return img
        first, second = self.R.uniform(-self.strength, self.strength, 2)
        return _gain_ramp(img, (float(first), float(second)))


class RandSpeckle(RandomizableTransform):
    """Multiplicative noise with a grain of one to four pixels.

    Args:
        strength: largest standard deviation of the factor.
        prob: share of the images that are changed.

    >>> import torch
    >>> bool((RandSpeckle(prob=1.0).set_random_state(0)(torch.ones(1, 64, 48)) >= 0).all())
    True
    """

    def __init__(self, strength: float = 0.3, prob: float = 0.3) -> None:
        super().__init__(prob)
        self.strength = strength

    def __call__(self, img: Tensor) -> Tensor:
        self.randomize(None)
        if not self._do_transform:
            return img
        coarseness = self.R.uniform(1, 4)
        shape = [max(2, round(side / coarseness)) for side in img.shape[1:]]
        grain = torch.from_numpy(self.R.standard_normal(shape).astype(np.float32))
        return _speckle(img, grain, float(self.R.uniform(0, self.strength)))


class RandShadow(RandomizableTransform):
    """An acoustic shadow: a dark wedge below bone or gas.

    Args:
        prob: share of the images that are changed.

    >>> import torch
    >>> bool((RandShadow(prob=1.0).set_random_state(0)(torch.ones(1, 64, 48)) <= 1).all())
    True
    """

    def __init__(self, prob: float = 0.2) -> None:
        super().__init__(prob)

    def __call__(self, img: Tensor) -> Tensor:
        self.randomize(None)
        if not self._do_transform:
            return img
        return _shadow(
            img,
            centre=float(self.R.uniform(0, 1)),
            width=float(self.R.uniform(0.03, 0.15)),
            slant=float(self.R.uniform(-0.4, 0.4)),
            depth=float(self.R.uniform(0, 0.7)),
            transmission=float(self.R.uniform(0.05, 0.5)),
        )


class RandCalipers(RandomizableTransform):
    """Measuring marks burnt into the picture: one or two pairs of crosses, at times joined by dots.

    Sonographers measure what they find suspicious, so that a classifier learns the marks in place of the lesion. Marks at random places
    take that away. Marks on the ends of a structure must not change its outline either.

    Args:
        prob: share of the images that are changed.

    Shapes: the image ``(1, W, H)``; the structure, where it is given, ``(C, W, H)``, in its last channel: each pair then measures it with a
    chance of one half, in any direction.

    >>> import torch
    >>> marked = RandCalipers(prob=1.0).set_random_state(0)(torch.rand(1, 64, 48))
    >>> marked.shape
    torch.Size([1, 64, 48])
    """

    def __init__(self, prob: float = 0.2) -> None:
        super().__init__(prob)

    def __call__(self, img: Tensor, structure: Tensor | None = None) -> Tensor:
        self.randomize(None)
        if not self._do_transform:
            return img
        ends = self.R.uniform(0, 1, (self.R.randint(1, 3), 2, 2))
        inside = np.zeros((0, 2)) if structure is None else np.argwhere(structure[-1].cpu().numpy() >= 0.5)
        for pair in ends if len(inside) else ():
            if self.R.uniform() < 0.5:
                angle = self.R.uniform(0, np.pi)
                along = inside @ (np.cos(angle), np.sin(angle))
                pair[:] = inside[[along.argmin(), along.argmax()]] / np.subtract(img.shape[1:], 1)
        return _calipers(
            img, ends, arm=int(self.R.randint(1, 4)), dots=bool(self.R.uniform() < 0.5), whiteness=float(self.R.uniform(1, 1.5))
        )


class _DictionaryForm(MapTransform, RandomizableTransform):
    """Applies a random array transform to each key, on one random stream."""

    def __init__(self, keys: KeysCollection, transform: RandomizableTransform, allow_missing_keys: bool = False) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, 1.0)
        self.transform: Any = transform

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> _DictionaryForm:
        super().set_random_state(seed, state)
        self.transform.set_random_state(state=self.R)
        return self

    def __call__(self, data: Mapping[Hashable, Tensor]) -> dict[Hashable, Tensor]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.transform(result[key])
        return result


class RandGainRampd(_DictionaryForm):
    """Dictionary form of `RandGainRamp`."""

    def __init__(self, keys: KeysCollection, strength: float = 0.5, prob: float = 0.3, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, RandGainRamp(strength, prob), allow_missing_keys)


class RandSpeckled(_DictionaryForm):
    """Dictionary form of `RandSpeckle`."""

    def __init__(self, keys: KeysCollection, strength: float = 0.3, prob: float = 0.3, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, RandSpeckle(strength, prob), allow_missing_keys)


class RandShadowd(_DictionaryForm):
    """Dictionary form of `RandShadow`."""

    def __init__(self, keys: KeysCollection, prob: float = 0.2, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, RandShadow(prob), allow_missing_keys)


class RandCalipersd(_DictionaryForm):
    """Dictionary form of `RandCalipers`.

    Args:
        keys: of the images.
        prob: share of the images that are changed.
        structure: key of the mask that is measured; ``None`` for marks anywhere.
        allow_missing_keys: whether an item may lack an image.
    """

    def __init__(self, keys: KeysCollection, prob: float = 0.2, structure: str | None = None, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, RandCalipers(prob), allow_missing_keys)
        self.structure = structure

    def __call__(self, data: Mapping[Hashable, Tensor]) -> dict[Hashable, Tensor]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.transform(result[key], None if self.structure is None else result[self.structure])
        return result
