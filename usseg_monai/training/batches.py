"""Batches of bundles with two heads, for network, loss and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["class_answers", "prepare_class", "prepare_presence", "rare_twice"]

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


def rare_twice(items: Sequence[Mapping[str, Any]]) -> list[float]:
    """Weights by which images of the breast are drawn: twice as often where they are normal, or from BrEaST, since there are few of both.

    >>> rare_twice([{"class": 0, "source": "BUSI"}, {"class": 2, "source": "BUS-BRA"}, {"class": 1, "source": "BrEaST"}])
    [2.0, 1.0, 2.0]
    """
    return [2.0 if item.get("class") == 0 or item.get("source") == "BrEaST" else 1.0 for item in items]


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
