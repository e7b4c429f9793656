"""Post-processing of networks with several heads.

`SplitHeadsd` and `NameOutputsd` make keys, so they have no array form, like MONAI's `FlattenSubKeysd`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from torch import Tensor

from usseg_monai.networks.probabilities import presence
from usseg_monai.transforms.backends import TORCH, TORCH_AND_NUMPY
from usseg_monai.transforms.dictionary import DictionaryForm

__all__ = [
    "EmptyUnlessPresent",
    "EmptyUnlessPresentD",
    "EmptyUnlessPresentDict",
    "EmptyUnlessPresentd",
    "FinestHead",
    "FinestHeadD",
    "FinestHeadDict",
    "FinestHeadd",
    "NameOutputsD",
    "NameOutputsDict",
    "NameOutputsd",
    "SplitHeadsD",
    "SplitHeadsDict",
    "SplitHeadsd",
]


class FinestHead(Transform):
    """Keep the finest output of a deeply supervised network in training mode.

    Shapes: ``(heads, C, W, H)`` to ``(C, W, H)``; ``(C, W, H)``, from a network with one output, is unchanged.

    >>> import torch
    >>> FinestHead()(torch.zeros(3, 1, 8, 6)).shape, FinestHead()(torch.zeros(1, 8, 6)).shape
    (torch.Size([1, 8, 6]), torch.Size([1, 8, 6]))
    """

    backend = TORCH_AND_NUMPY

    def __call__(self, img: Tensor) -> Tensor:
        return img[0] if img.ndim == 4 else img


class FinestHeadd(DictionaryForm):
    """Dictionary form of `FinestHead`.

    Args:
        keys: of the outputs.
        allow_missing_keys: whether an item may lack an output.

    >>> import torch
    >>> FinestHeadd("pred")({"pred": torch.zeros(3, 1, 8, 6)})["pred"].shape
    torch.Size([1, 8, 6])
    """

    backend = FinestHead.backend

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, FinestHead(), allow_missing_keys)


class SplitHeadsd(MapTransform):
    """Split ``{"mask", "class", "trust"}`` into separate keys: the mask stays under the key, ``KEY_class`` gets the classes ...

    A value that is not a dictionary, such as the target of an image of unknown class, is unchanged.

    >>> import torch
    >>> item = SplitHeadsd("pred")({"pred": {"mask": torch.zeros(1, 8, 6), "class": torch.zeros(3)}})
    >>> {key: tuple(value.shape) for key, value in item.items()}
    {'pred': (1, 8, 6), 'pred_class': (3,)}
    """

    backend = TORCH_AND_NUMPY

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            if isinstance(result[key], Mapping):
                heads = dict(result[key])
                result[key] = heads.pop("mask")
                result |= {f"{key}_{name}": head for name, head in heads.items()}
        return result


class NameOutputsd(MapTransform):
    """Split a vector's numbers into separate keys, as Python floats.

    Args:
        keys: of the vectors.
        names: of their numbers, in order.
        allow_missing_keys: whether an item may lack the vector.

    >>> import torch
    >>> NameOutputsd("pred_class", ["no", "yes"])({"pred_class": torch.tensor([0.25, 0.75])})["yes"]
    0.75
    """

    backend = TORCH_AND_NUMPY

    def __init__(self, keys: KeysCollection, names: Sequence[str], allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.names = tuple(names)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            result |= dict(zip(self.names, map(float, result[key]), strict=True))
        return result


class EmptyUnlessPresent(Transform):
    """Empty a mask if the class head predicts no structure.

    The probability of a structure is that of the only class, or of all classes but the first (`usseg_monai.networks.two_heads`).

    Args:
        threshold: minimum probability of a structure that leaves the mask unchanged.

    Shapes: a mask ``(C, W, H)`` and the probabilities ``(classes,)``; to a mask ``(C, W, H)``.

    >>> import torch
    >>> EmptyUnlessPresent(0.5)(torch.ones(1, 2, 2), torch.tensor([0.8, 0.1, 0.1])).sum()
    tensor(0.)
    """

    backend = TORCH

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

    def __call__(  # type: ignore[override]  # needs two things
        self, img: Tensor, probabilities: Tensor
    ) -> Tensor:
        return img if presence(probabilities) >= self.threshold else img * 0


class EmptyUnlessPresentd(MapTransform):
    """Dictionary form of `EmptyUnlessPresent`.

    The confidence, if present, is that of the mask; that of an emptied mask takes its place.

    Args:
        keys: of the masks.
        probabilities: key of the class probabilities.
        confidence: key of the confidence.
        empty_confidence: key of the confidence of an emptied mask.
        threshold: minimum probability of a structure that leaves the mask unchanged.
        allow_missing_keys: whether an item may lack a mask.

    >>> import torch
    >>> item = {"pred": torch.ones(1, 2, 2), "pred_class": torch.tensor([0.8, 0.1, 0.1])}
    >>> EmptyUnlessPresentd("pred", threshold=0.5)(item)["pred"].sum()
    tensor(0.)
    """

    backend = EmptyUnlessPresent.backend

    def __init__(
        self,
        keys: KeysCollection,
        threshold: float,
        probabilities: str = "pred_class",
        confidence: str = "confidence",
        empty_confidence: str = "empty_confidence",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.empty = EmptyUnlessPresent(threshold)
        self.probabilities = probabilities
        self.confidence = confidence
        self.empty_confidence = empty_confidence

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        present = presence(result[self.probabilities])
        for key in self.key_iterator(result):
            result[key] = self.empty(result[key], result[self.probabilities])
        if present < self.empty.threshold and self.confidence in result:
            result[self.confidence] = result[self.empty_confidence]
        return result


FinestHeadD = FinestHeadDict = FinestHeadd
SplitHeadsD = SplitHeadsDict = SplitHeadsd
NameOutputsD = NameOutputsDict = NameOutputsd
EmptyUnlessPresentD = EmptyUnlessPresentDict = EmptyUnlessPresentd
