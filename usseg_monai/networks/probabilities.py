"""From logits to probabilities, for masks and for classes, with one thing to be so or several alternatives."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["presence", "probabilities"]


def probabilities(logits: Tensor) -> Tensor:
    """Of alternatives ``(batch, C, ...)``, or of one thing to be so ``(batch, 1, ...)``; of a mask, the last channel is the structure's."""
    return torch.sigmoid(logits) if logits.shape[1] == 1 else torch.softmax(logits, 1)


def presence(classes: Tensor) -> Tensor:
    """That there is a structure, of class probabilities ``(..., classes)``: of the only class, or of all but the first.

    >>> presence(torch.tensor([0.75])), presence(torch.tensor([0.5, 0.25, 0.25]))
    (tensor(0.7500), tensor(0.5000))
    """
    return classes[..., 0] if classes.shape[-1] == 1 else 1 - classes[..., 0]
