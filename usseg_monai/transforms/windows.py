"""Crop windows from images and their annotations."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import Crop, InvertibleTransform, LazyTransform, MapTransform, RandomizableTransform
from torch import Tensor

from usseg_monai.datasets.windows import Window, pick_window

__all__ = [
    "CropWindow",
    "CropWindowD",
    "CropWindowDict",
    "CropWindowd",
    "RandStructureWindow",
    "RandStructureWindowD",
    "RandStructureWindowDict",
    "RandStructureWindowd",
]


def _slices(window: Sequence[int] | None) -> tuple[slice, ...]:
    """Of the axes ``(W, H)``; all of them without a window."""
    if not window:
        return (slice(None), slice(None))
    row, col, rows, cols = window
    return (slice(col, col + cols), slice(row, row + rows))


class CropWindow(Crop):
    """Crop to a window of `usseg_monai.datasets.windows`; without one the image stays whole. Lazy and invertible as MONAI's `Crop`.

    Shapes: ``(channels, W, H)`` and ``[row, col, rows, cols]``; to ``(channels, cols, rows)``. The inverse pads with 0.

    >>> import torch
    >>> CropWindow()(torch.zeros(1, 80, 60), [5, 10, 30, 40]).shape
    torch.Size([1, 40, 30])
    """

    def __call__(  # type: ignore[override]  # MONAI's croppers take what names their region
        self, img: Tensor, window: Sequence[int] | None = None, lazy: bool | None = None
    ) -> Tensor:
        return super().__call__(img, _slices(window), lazy)


class CropWindowd(MapTransform, InvertibleTransform, LazyTransform):
    """Dictionary form of `CropWindow`: crops to the ``window`` of items from `usseg_monai.datasets.windows.with_windows`.

    Args:
        keys: image, annotation ...
        allow_missing_keys: whether an item may lack a key.
        lazy: whether the crop waits for a later resampling.

    Shapes: ``(channels, W, H)`` to ``(channels, window's columns, window's rows)``.

    >>> import torch
    >>> CropWindowd("image")({"image": torch.zeros(1, 80, 60), "window": [5, 10, 30, 40]})["image"].shape
    torch.Size([1, 40, 30])
    """

    backend = CropWindow.backend

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False, lazy: bool = False) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        LazyTransform.__init__(self, lazy)
        self.crop = CropWindow()

    def __call__(self, data: Mapping[Hashable, Any], lazy: bool | None = None) -> dict[Hashable, Any]:
        result = dict(data)
        window = result.pop("window", None)
        for key in self.key_iterator(result):
            result[key] = self.crop(result[key], window, self.lazy if lazy is None else lazy)
        return result

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.crop.inverse(result[key])
        return result


class RandStructureWindow(RandomizableTransform, Crop):
    """Crop random windows that hold either the whole structure or none of it. Lazy and invertible as MONAI's `Crop`.

    Args:
        prob: share of the images that are cropped.
        empty_share: share of the crops without structure.
        side: minimum and maximum side of the window, as a share of the image's sides.

    Shapes: the image and its annotation, ``(channels, W, H)`` each; to ``(channels, w, h)``; an image without such a window stays whole.

    >>> import torch
    >>> label = torch.zeros(1, 80, 60); label[:, 5:20, 5:20] = 1
    >>> cut = RandStructureWindow(prob=1.0, empty_share=1.0).set_random_state(0)(label, label)
    >>> cut.shape[1] < 80, bool(cut.any())
    (True, False)
    """

    def __init__(self, prob: float = 0.5, empty_share: float = 0.5, side: Sequence[float] = (0.5, 0.9), lazy: bool = False) -> None:
        RandomizableTransform.__init__(self, prob)
        Crop.__init__(self, lazy)
        self.empty_share, self.side = empty_share, (side[0], side[1])
        self._window: Window | None = None

    @property
    def requires_current_data(self) -> bool:
        """The annotation decides where the windows are: what waits is carried out first."""
        return True

    def randomize(self, data: Any) -> None:
        """Draw whether the image is cropped, and the window, by its annotation."""
        super().randomize(None)
        self._window = None
        if self._do_transform:
            empty, side = self.R.uniform() < self.empty_share, self.R.uniform(*self.side)
            self._window = pick_window(np.asarray(data[0]).T >= 0.5, side, not empty, self.R)

    def __call__(  # type: ignore[override]  # MONAI's croppers take what names their region
        self, img: Tensor, label: Tensor | None = None, randomize: bool = True, lazy: bool | None = None
    ) -> Tensor:
        if randomize:
            self.randomize(img if label is None else label)
        return Crop.__call__(self, img, _slices(self._window), lazy)


class RandStructureWindowd(MapTransform, RandomizableTransform, InvertibleTransform, LazyTransform):
    """Dictionary form of `RandStructureWindow`: one window for all keys.

    Args:
        keys: image and annotation.
        label: key of the annotation.
        prob: share of the images that are cropped.
        empty_share: share of the crops without structure.
        side: minimum and maximum side of the window, as a share of the image's sides.
        allow_missing_keys: whether an item may lack a key; not the annotation.
        lazy: whether the crop waits for a later resampling.

    >>> import torch
    >>> label = torch.zeros(1, 80, 60); label[:, 5:20, 5:20] = 1
    >>> item = {"image": torch.rand(1, 80, 60), "label": label}
    >>> cut = RandStructureWindowd(["image", "label"], prob=1.0, empty_share=1.0).set_random_state(0)(item)
    >>> cut["image"].shape == cut["label"].shape, bool(cut["label"].any())
    (True, False)
    """

    backend = RandStructureWindow.backend

    def __init__(
        self,
        keys: KeysCollection,
        label: str = "label",
        prob: float = 0.5,
        empty_share: float = 0.5,
        side: Sequence[float] = (0.5, 0.9),
        allow_missing_keys: bool = False,
        lazy: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, prob)
        LazyTransform.__init__(self, lazy)
        self.label = label
        self.crop = RandStructureWindow(prob, empty_share, side)

    @property
    def requires_current_data(self) -> bool:
        """As for `RandStructureWindow`."""
        return True

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> RandStructureWindowd:
        super().set_random_state(seed, state)
        self.crop.set_random_state(state=self.R)
        return self

    def __call__(self, data: Mapping[Hashable, Any], lazy: bool | None = None) -> dict[Hashable, Any]:
        result = dict(data)
        self.crop.randomize(result[self.label])
        for key in self.key_iterator(result):
            result[key] = self.crop(result[key], randomize=False, lazy=self.lazy if lazy is None else lazy)
        return result

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.crop.inverse(result[key])
        return result


CropWindowD = CropWindowDict = CropWindowd
RandStructureWindowD = RandStructureWindowDict = RandStructureWindowd
