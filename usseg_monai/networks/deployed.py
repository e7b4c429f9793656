"""The module that is exported: from decoded grey values to a mask on the same grid."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Deployed"]


class Deployed(nn.Module):
    """Network with its pre- and post-processing, so that a user of the ONNX file needs nothing else.

    The steps are those of the bundle's ``inference.json``: antialiased resize, standardisation by the image's own mean and deviation,
    network, bilinear resize of the logits to the source grid, sigmoid, threshold.

    Args:
        network: gives logits ``(1, 1, W, H)`` of an image ``(1, 1, W, H)``.
        image_size: ``(W, H)`` that the network was trained at.

    Shapes: ``pixels`` float ``(rows, cols)`` of any range; returns the probability, float32 ``(rows, cols)``, and the mask, uint8
    ``(rows, cols)`` of 0 and 1. Networks here see images as MONAI's readers give them, columns first, hence the two transpositions.
    """

    def __init__(self, network: nn.Module, image_size: tuple[int, int]) -> None:
        super().__init__()
        self.network = network
        self.image_size = image_size

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        image = pixels.t()[None, None]
        image = functional.interpolate(image, size=self.image_size, mode="bilinear", antialias=True, align_corners=False)
        deviation = image.std(unbiased=False)
        image = (image - image.mean()) / torch.where(deviation > 0, deviation, torch.ones_like(deviation))
        logits = self.network(image)[0, 0].t()
        logits = functional.interpolate(logits[None, None], size=pixels.shape, mode="bilinear", align_corners=False)[0, 0]
        probability = torch.sigmoid(logits)
        return probability, (probability >= 0.5).to(torch.uint8)
