"""Batches of bundles with two heads, for network, loss and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["class_answers", "drawing_weights", "prepare_class", "prepare_presence"]

Target = Tensor | dict[str, Tensor]


def prepare_class(
    batch: Mapping[str, Any], device: str | torch.device | None = None, non_blocking: bool = False, **to: Any
) -> tuple[Tensor, Target]:
    """Image and ``{"mask", "class"}``; only the mask if the items have no class, as when an annotation tool trains the bundle.

    Shapes: image and mask ``(batch, 1, W, H)``, class ``(batch,)`` int64.
    """
    image, mask = (batch[key].to(device=device, non_blocking=non_blocking, **to) for key in ("image", "label"))
    if "class" not in batch:
        return image, mask
    return image, {"mask": mask, "class": torch.as_tensor(batch["class"]).to(device=device, non_blocking=non_blocking)}


def prepare_presence(
    batch: Mapping[str, Any], device: str | torch.device | None = None, non_blocking: bool = False, **to: Any
) -> tuple[Tensor, Target]:
    """Image and ``{"mask", "class"}``, where the class is 1 if the mask is not empty.

    Shapes: image and mask ``(batch, 1, W, H)``, class ``(batch, 1)`` float.

    >>> masks = torch.stack([torch.ones(1, 4, 4), torch.zeros(1, 4, 4)])
    >>> prepare_presence({"image": torch.zeros(2, 1, 4, 4), "label": masks})[1]["class"].tolist()
    [[1.0], [0.0]]
    """
    image, mask = (batch[key].to(device=device, non_blocking=non_blocking, **to) for key in ("image", "label"))
    return image, {"mask": mask, "class": (mask.flatten(1).amax(1, keepdim=True) >= 0.5).float()}


def drawing_weights(items: Sequence[Mapping[str, Any]], category: int, source: str) -> list[float]:
    """Weights by which a training draws items: 2 for those of a class and of a data set of which there are few, else 1.

    >>> drawing_weights([{"class": 0, "source": "A"}, {"class": 2, "source": "A"}, {"class": 1, "source": "B"}, {}], 0, "B")
    [2.0, 1.0, 2.0, 1.0]
    """
    return [2.0 if item.get("class") == category or item.get("source") == source else 1.0 for item in items]


def class_answers(output: Sequence[Mapping[str, Any]]) -> tuple[list[Tensor], list[Tensor]]:
    """Predicted and true classes of an engine's output, for metrics: MONAI's ``output_transform``.

    An image of unknown class belongs to none: if all are unknown, MONAI's area under the curve is nan, and training goes on.

    Args:
        output: one item per image, ``pred_class`` with the probabilities ``(classes,)`` and, if known, ``label_class``, one-hot.

    >>> shares = torch.tensor([0.7, 0.2, 0.1])
    >>> class_answers([{"pred_class": shares}])[1]
    [tensor([0., 0., 0.])]
    """
    truth = [item.get("label_class", torch.zeros_like(item["pred_class"])) for item in output]
    return [item["pred_class"] for item in output], truth
