"""Outputs of networks with several heads in post-processing."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from monai.config import KeysCollection
from monai.transforms import MapTransform
from torch import Tensor

from usseg_monai.networks.probabilities import presence

__all__ = ["EmptyUnlessPresentd", "FinestHeadd", "NameOutputsd", "SplitHeadsd"]


class FinestHeadd(MapTransform):
    """Keep the finest of the outputs that a deeply supervised network gives in training mode.

    Shapes: ``(heads, C, W, H)`` to ``(C, W, H)``; what is ``(C, W, H)`` already, from a network with one output, stays as it is.

    >>> import torch
    >>> FinestHeadd("pred")({"pred": torch.zeros(3, 1, 8, 6)})["pred"].shape
    torch.Size([1, 8, 6])
    >>> FinestHeadd("pred")({"pred": torch.zeros(1, 8, 6)})["pred"].shape
    torch.Size([1, 8, 6])
    """

    def __call__(self, data: Mapping[Hashable, Tensor]) -> dict[Hashable, Tensor]:
        result = dict(data)
        for key in self.key_iterator(result):
            if result[key].ndim == 4:
                result[key] = result[key][0]
        return result


class SplitHeadsd(MapTransform):
    """Give each of ``{"mask", "class", "trust"}`` a key of its own: the mask stays under the key, ``KEY_class`` gets the classes ...

    What is no dictionary, such as the target of an image whose class is not known, stays as it is.

    >>> import torch
    >>> item = SplitHeadsd("pred")({"pred": {"mask": torch.zeros(1, 8, 6), "class": torch.zeros(3)}})
    >>> {key: tuple(value.shape) for key, value in item.items()}
    {'pred': (1, 8, 6), 'pred_class': (3,)}
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            if isinstance(result[key], Mapping):
                heads = dict(result[key])
                result[key] = heads.pop("mask")
                result |= {f"{key}_{name}": head for name, head in heads.items()}
        return result


class NameOutputsd(MapTransform):
    """Give each number of a vector a key of its own, as a Python float.

    Args:
        keys: of the vectors.
        names: of their numbers, in order.
        allow_missing_keys: whether an item may lack the vector.

    >>> import torch
    >>> NameOutputsd("pred_class", ["no", "yes"])({"pred_class": torch.tensor([0.25, 0.75])})["yes"]
    0.75
    """

    def __init__(self, keys: KeysCollection, names: Sequence[str], allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.names = tuple(names)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            result |= dict(zip(self.names, map(float, result[key]), strict=True))
        return result


class EmptyUnlessPresentd(MapTransform):
    """Empty the mask of an image that the class head takes for one without a structure.

    The probability that there is a structure is that of the only class, or of all classes but the first
    (`usseg_monai.networks.two_heads`). The confidence, where there is one, was that in the mask; in an empty one it is the probability that
    there is no structure.

    Args:
        keys: of the masks.
        probabilities: key of the class probabilities.
        confidence: key of the confidence.
        threshold: least probability of a structure that leaves the mask as it is.

    >>> import torch
    >>> item = {"pred": torch.ones(1, 2, 2), "pred_class": torch.tensor([0.8, 0.1, 0.1])}
    >>> EmptyUnlessPresentd("pred", threshold=0.5)(item)["pred"].sum()
    tensor(0.)
    """

    def __init__(self, keys: KeysCollection, threshold: float, probabilities: str = "pred_class", confidence: str = "confidence") -> None:
        super().__init__(keys)
        self.threshold = threshold
        self.probabilities = probabilities
        self.confidence = confidence

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        present = presence(result[self.probabilities])
        if present >= self.threshold:
            return result
        for key in self.key_iterator(result):
            result[key] = result[key] * 0
        if self.confidence in result:
            result[self.confidence] = float(1 - present)
        return result
