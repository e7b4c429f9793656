"""Resizing as in the deployed graph."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import InvertibleTransform, MapTransform, Resize
from torch.nn import functional

__all__ = ["AntialiasedResize", "AntialiasedResizeD", "AntialiasedResizeDict", "AntialiasedResized"]


class AntialiasedResize(Resize):
    """Resize by torch's antialiased bilinear interpolation: invertible, and identical to the ONNX graph's operation.

    MONAI's `Resize` offers ``area`` (no dynamic sizes in ONNX) or a Gaussian blur before plain sampling; reducing
    ultrasound threefold without a low-pass filter turns speckle into noise.

    A lazy chain gives what an eager one gives: pending operations are carried out first, then this one is, because a low-pass filter
    cannot be merged into another resampling (MONAI's `Resize` drops it there and warns).

    Args:
        spatial_size: size of the result, in the order of the array's spatial axes (``W, H`` after MONAI's readers).

    Shapes: ``(channels, W, H)`` float to ``(channels, *spatial_size)``. The inverse is plain bilinear.

    >>> import torch
    >>> AntialiasedResize((24, 16))(torch.ones(1, 80, 54)).shape
    torch.Size([1, 24, 16])
    """

    def __init__(self, spatial_size: Sequence[int]) -> None:
        super().__init__(spatial_size=spatial_size, mode="bilinear")

    @property
    def requires_current_data(self) -> bool:
        """Pending operations of a lazy chain are carried out before this one."""
        return True

    def __call__(  # type: ignore[override]  # MONAI's array transforms take an image where `Transform` says data
        self, img: torch.Tensor, *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        source = torch.as_tensor(img).as_subclass(torch.Tensor).float()
        resized = super().__call__(img, *args, **kwargs | {"lazy": False})  # keeps affine and the trace for the inverse
        size = tuple(resized.shape[1:])
        resized.copy_(functional.interpolate(source[None], size=size, mode="bilinear", antialias=True, align_corners=False)[0])
        return resized


class AntialiasedResized(MapTransform, InvertibleTransform):
    """Dictionary form of `AntialiasedResize`.

    Args:
        keys: of the images.
        spatial_size: as for `AntialiasedResize`.
        allow_missing_keys: whether an item may lack an image.
    """

    backend = AntialiasedResize.backend

    def __init__(self, keys: KeysCollection, spatial_size: Sequence[int], allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.resize = AntialiasedResize(spatial_size)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.resize(result[key])
        return result

    def inverse(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.resize.inverse(result[key])
        return result


AntialiasedResizeD = AntialiasedResizeDict = AntialiasedResized
