"""The module that is exported: from decoded grey values to a mask on the same grid."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Deployed"]


class Deployed(nn.Module):
    """Network with its pre- and post-processing, so that a user of the ONNX file needs nothing else.

    The steps are those of the bundle's ``inference.json``: antialiased resize, standardisation by the image's own mean and deviation,
    network, bilinear resize of the logits to the source grid, sigmoid or softmax, threshold; and where the network classifies, an empty
    mask unless the structure is present.

    Args:
        network: gives logits ``(1, C, W, H)`` of an image ``(1, 1, W, H)``, C = 1 or, with the background as the first channel, 2; or
            ``{"mask": such logits, "class": (1, classes)}`` (`usseg_monai.networks.two_heads`).
        image_size: ``(W, H)`` that the network was trained at.
        presence_threshold: least probability that there is a structure at all; of use only where the network classifies.

    Shapes: ``pixels`` float ``(rows, cols)`` of any range; returns the probability, float32 ``(rows, cols)``, the mask, uint8
    ``(rows, cols)`` of 0 and 1, and the probability of each class, float32 scalars. Networks here see images as MONAI's readers give
    them, columns first, hence the two transpositions.
    """

    def __init__(self, network: nn.Module, image_size: tuple[int, int], presence_threshold: float = 0.0) -> None:
        super().__init__()
        self.network = network
        self.image_size = image_size
        self.presence_threshold = presence_threshold

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        image = pixels.t()[None, None]
        image = functional.interpolate(image, size=self.image_size, mode="bilinear", antialias=True, align_corners=False)
        deviation = image.std(unbiased=False)
        image = (image - image.mean()) / torch.where(deviation > 0, deviation, torch.ones_like(deviation))
        outputs = self.network(image)
        logits = (outputs["mask"] if isinstance(outputs, dict) else outputs).transpose(2, 3)
        logits = functional.interpolate(logits, size=pixels.shape, mode="bilinear", align_corners=False)[0]
        probability = _probabilities(logits)[-1]
        mask = probability >= 0.5
        if not isinstance(outputs, dict):
            return probability, mask.to(torch.uint8)
        classes = _probabilities(outputs["class"][0])
        present = classes[0] if len(classes) == 1 else 1 - classes[0]
        return probability, (mask & (present >= self.presence_threshold)).to(torch.uint8), *classes.unbind()


def _probabilities(logits: Tensor) -> Tensor:
    """Of alternatives ``(C, ...)``, or of one thing to be so ``(1, ...)``."""
    return torch.sigmoid(logits) if len(logits) == 1 else torch.softmax(logits, 0)
