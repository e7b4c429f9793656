"""Padding to a square, so that a resize to a square keeps proportions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import SpatialPad
from monai.utils import ensure_tuple, ensure_tuple_rep

from usseg_monai.errors import ImageError, UsageError
from usseg_monai.transforms.dictionary import InvertibleDictionaryForm

__all__ = ["PadToSquare", "PadToSquareD", "PadToSquareDict", "PadToSquared"]

Colour = float | Sequence[float]
"""One value for all channels, or one per channel."""


class PadToSquare(SpatialPad):
    """Pad an image to a square with bars of one colour, centred; the inverse crops the bars.

    If the bars cannot be equal, the second is one pixel wider. A pad that waits in a lazy chain has no colour, so
    this one is carried out at once.

    Args:
        colour: of the bars, in the image's range of values: a number, or one per channel. 1 is white in an image scaled to 0..1.
        side: of the square; by default the image's longer side.

    Shapes: ``(channels, W, H)`` to ``(channels, side, side)``.

    Raises:
        UsageError: a side below 1, or a number of colour values that differs from the number of channels.
        ImageError: an image that is larger than the square.

    >>> PadToSquare(colour=9)(torch.zeros(1, 2, 4)).as_tensor()
    tensor([[[9., 9., 9., 9.],
             [0., 0., 0., 0.],
             [0., 0., 0., 0.],
             [9., 9., 9., 9.]]])
    """

    def __init__(self, colour: Colour = 1.0, side: int | None = None) -> None:
        super().__init__(spatial_size=-1 if side is None else side)
        if side is not None and side < 1:
            raise UsageError(f"side {side} of a square: it must be 1 or more, or left out for the image's longer side")
        self.colour = torch.as_tensor(colour, dtype=torch.float64).reshape(-1, 1)
        self.side = side

    @property
    def requires_current_data(self) -> bool:
        """Pending operations of a lazy chain are carried out before this one."""
        return True

    def compute_pad_width(self, spatial_shape: Sequence[int]) -> tuple[tuple[int, int], ...]:  # type: ignore[override]
        """Pixels before and after the image along each axis, channels first."""
        side = max(spatial_shape) if self.side is None else self.side
        if side < max(spatial_shape):
            raise ImageError(f"an image of {' x '.join(map(str, spatial_shape))} does not fit into a square of {side}: give a larger side")
        bars = [side - length for length in spatial_shape]
        return ((0, 0), *((bar // 2, bar - bar // 2) for bar in bars))

    def __call__(  # type: ignore[override]  # MONAI's array transforms take an image where `Transform` says data
        self, img: torch.Tensor, *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        if len(self.colour) not in (1, len(img)):
            raise UsageError(f"{len(self.colour)} values of colour for an image of {len(img)} channels: give one, or one per channel")
        square = super().__call__(img, *args, **kwargs | {"lazy": False})  # keeps affine and the trace for the inverse
        bars = torch.ones(square.shape[1:], dtype=torch.bool, device=square.device)
        (left, _), (top, _) = self.compute_pad_width(img.shape[1:])[1:]
        bars[left : left + img.shape[1], top : top + img.shape[2]] = False
        if bars.any():
            square[:, bars] = self.colour.to(square)
        return square


class PadToSquared(InvertibleDictionaryForm):
    """Dictionary form of `PadToSquare`.

    Args:
        keys: of images, annotations ...
        colour: a number for all keys, or a colour for each: white bars beside an image, background beside its annotation.
        side: as for `PadToSquare`.
        allow_missing_keys: whether an item may lack a key.
    """

    backend = PadToSquare.backend

    def __init__(
        self, keys: KeysCollection, colour: float | Sequence[Colour] = 1.0, side: int | None = None, allow_missing_keys: bool = False
    ) -> None:
        colours = ensure_tuple_rep(colour, len(ensure_tuple(keys)))
        super().__init__(keys, [PadToSquare(one, side) for one in colours], allow_missing_keys)


PadToSquareD = PadToSquareDict = PadToSquared
