"""Losses."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["DeepSupervisedLoss", "EllipseMomentLoss", "TwoHeadLoss"]


class EllipseMomentLoss(nn.Module):
    """Difference of the ellipses that have the second moments of prediction and target.

    A uniform ellipse with semi-axes a >= b has variances a^2/4 and b^2/4 along its axes, so axes and centre follow from the moments of
    the probability map without a fit, and are differentiable. False positives weigh by their squared distance, as they do in a fitted
    circumference. The loss is the mean over images of ``|ln a/a*| + |ln b/b*| + |c - c*| / sqrt(a* b*)``, each term at most 1;
    images with an empty target do not count.

    Shapes: logits and target ``(batch, 1, H, W)``, target 0..1; returns a scalar.

    >>> import torch
    >>> target = torch.zeros(1, 1, 32, 32); target[..., 8:24, 4:28] = 1
    >>> float(EllipseMomentLoss()(target * 40 - 20, target)) < 1e-4
    True
    """

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        present = target.flatten(1).sum(1) > 0
        if not bool(present.any()):
            return logits.sum() * 0
        found, truth = _moments(torch.sigmoid(logits[present].float())), _moments(target[present].float())
        axes = (found[1].log() - truth[1].log()).abs().clamp(max=1).sum(1)
        size = truth[1].prod(1).sqrt()
        shift = ((found[0] - truth[0]).square().sum(1) + 1e-6).sqrt() / size
        return (axes + shift.clamp(max=1)).mean()


def _moments(density: Tensor) -> tuple[Tensor, Tensor]:
    """Centre ``(batch, 2)`` and semi-axes ``(batch, 2)`` in pixels of the ellipse with the moments of ``(batch, 1, H, W)``."""
    density = density[:, 0] / density.flatten(1).sum(1).clamp(min=1e-3)[:, None, None]
    rows = torch.arange(density.shape[1], device=density.device, dtype=density.dtype)
    cols = torch.arange(density.shape[2], device=density.device, dtype=density.dtype)
    by_row, by_col = density.sum(2), density.sum(1)
    row, col = by_row @ rows, by_col @ cols
    row_offset, col_offset = rows - row[:, None], cols - col[:, None]
    row_variance = (by_row * row_offset.square()).sum(1)
    col_variance = (by_col * col_offset.square()).sum(1)
    covariance = torch.einsum("bhw,bh,bw->b", density, row_offset, col_offset)
    mean = (row_variance + col_variance) / 2
    spread = (((row_variance - col_variance) / 2).square() + covariance.square() + 1e-6).sqrt()
    axes = 2 * torch.stack([mean + spread, mean - spread], 1).clamp(min=0.25).sqrt()
    return torch.stack([row, col], 1), axes


class DeepSupervisedLoss(nn.Module):
    """A region loss on every output of a deeply supervised network, and a shape loss on the finest.

    Args:
        region: loss of ``(logits, target)`` for each output, for example MONAI's ``DiceCELoss(sigmoid=True)``.
        shape: loss of ``(logits, target)`` for the finest output, or ``None``.
        shape_weight: factor of the shape loss.
        auxiliary_weight: factor of each coarser output.

    Shapes: prediction ``(batch, heads, C, H, W)`` with the finest head first, or ``(batch, C, H, W)``; target ``(batch, C, H, W)``.
    """

    def __init__(
        self, region: nn.Module, shape: nn.Module | None = None, shape_weight: float = 0.2, auxiliary_weight: float = 0.25
    ) -> None:
        super().__init__()
        self.region = region
        self.shape = shape
        self.shape_weight = shape_weight
        self.auxiliary_weight = auxiliary_weight

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        finest, *coarser = prediction.unbind(1) if prediction.ndim > target.ndim else (prediction,)
        loss: Tensor = self.region(finest, target)
        for logits in coarser:
            loss = loss + self.auxiliary_weight * self.region(logits, target)
        if self.shape is not None:
            loss = loss + self.shape_weight * self.shape(finest, target)
        return loss


class TwoHeadLoss(nn.Module):
    """Loss of a network with a mask and classes (`usseg_monai.networks.two_heads`).

    Args:
        mask: loss of ``(logits, target)`` of the mask.
        classes: loss of the class logits: ``CrossEntropyLoss`` for several classes, ``BCEWithLogitsLoss`` for presence alone.
        class_weight: factor of the class loss.

    Shapes: prediction ``{"mask", "class"}`` with class logits ``(batch, classes)``; target the same, with the class
    loss's target, or the mask's target alone if the classes are unknown; they are then ignored.

    >>> loss = TwoHeadLoss(DeepSupervisedLoss(nn.BCEWithLogitsLoss()), nn.CrossEntropyLoss())
    >>> prediction, mask = {"mask": torch.zeros(2, 1, 4, 4), "class": torch.zeros(2, 3)}, torch.zeros(2, 1, 4, 4)
    >>> bool(loss(prediction, mask) < loss(prediction, {"mask": mask, "class": torch.tensor([0, 2])}))
    True
    """

    def __init__(self, mask: nn.Module, classes: nn.Module, class_weight: float = 0.3) -> None:
        super().__init__()
        self.mask = mask
        self.classes = classes
        self.class_weight = class_weight

    def forward(self, prediction: dict[str, Tensor], target: Tensor | dict[str, Tensor]) -> Tensor:
        if isinstance(target, Tensor):
            of_mask: Tensor = self.mask(prediction["mask"], target)
            return of_mask
        of_classes: Tensor = self.classes(prediction["class"].float(), target["class"])
        loss: Tensor = self.mask(prediction["mask"], target["mask"]) + self.class_weight * of_classes
        return loss
