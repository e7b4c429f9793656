"""From logits to probabilities, for masks and for classes, with one thing to be so or several alternatives."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["of_classes", "of_structure", "presence"]


def of_structure(mask: Tensor) -> Tensor:
    """Of the structure, ``(batch, 1, ...)``, by mask logits of it alone ``(batch, 1, ...)``, or of background and it ``(batch, 2, ...)``.

    >>> logits = torch.tensor([[[0.5], [2.0]]])
    >>> torch.allclose(of_structure(logits), torch.softmax(logits, 1)[:, 1:])
    True
    """
    # Of two alternatives, the softmax is the sigmoid of the difference: a tenth of the time of a softmax across channels.
    return torch.sigmoid(mask if mask.shape[1] == 1 else mask[:, 1:] - mask[:, :1])


def of_classes(classes: Tensor) -> Tensor:
    """Of classes, by their logits ``(batch, classes)``; of a single one, to be so."""
    return torch.sigmoid(classes) if classes.shape[1] == 1 else torch.softmax(classes, 1)


def presence(classes: Tensor) -> Tensor:
    """That there is a structure, of class probabilities ``(..., classes)``: of the only class, or of all but the first.

    >>> presence(torch.tensor([0.75])), presence(torch.tensor([0.5, 0.25, 0.25]))
    (tensor(0.7500), tensor(0.5000))
    """
    return classes[..., 0] if classes.shape[-1] == 1 else 1 - classes[..., 0]
