"""The exported module: decoded grey values in, mask on the same grid out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from usseg_monai.networks.probabilities import of_classes, of_structure, presence
from usseg_monai.networks.trust import Trust, answer_with_features, answer_with_trust, pool

__all__ = ["Deployed", "DeployedFeatures"]


class Deployed(nn.Module):
    """Network with its pre- and post-processing, so that the ONNX file is self-contained.

    The steps are those of the bundle's ``inference.json``: antialiased resize, standardisation by the image's own mean and deviation,
    network, bilinear resize of the logits to the source grid, sigmoid or softmax, threshold. If the network classifies, the mask is empty
    unless the structure is present. How far to trust them is returned too.

    Args:
        network: returns logits ``(1, C, W, H)`` of an image ``(1, 1, W, H)``, C = 1 or, with background as the first channel, 2; or
            ``{"mask": such logits, "class": (1, classes)}`` (`usseg_monai.networks.two_heads`).
        image_size: ``(W, H)`` that the network was trained at.
        presence_threshold: minimum probability that there is a structure; used only if the network classifies.
        trust: fitted on the network; ``None`` for weights without a fitted trust.

    Shapes: ``pixels`` float ``(rows, cols)`` of any range; returns the probability, float32 ``(rows, cols)``, the mask, uint8
    ``(rows, cols)`` of 0 and 1, and float32 scalars: unlikeness, distance from the sources and confidence (`usseg_monai.networks.trust`)
    where there is a trust, and the probability of each class. Networks here take images as MONAI's readers return them, columns first,
    hence the two transpositions.
    """

    def __init__(
        self, network: nn.Module, image_size: tuple[int, int], presence_threshold: float = 0.0, trust: Trust | None = None
    ) -> None:
        super().__init__()
        self.network = network
        self.trust = trust
        self.image_size = image_size
        self.presence_threshold = presence_threshold

    def prepare(self, pixels: Tensor) -> Tensor:
        """The network's input ``(1, 1, W, H)``."""
        image = pixels.t()[None, None]
        image = functional.interpolate(image, size=self.image_size, mode="bilinear", antialias=True, align_corners=False)
        deviation = image.std(unbiased=False)
        return (image - image.mean()) / torch.where(deviation > 0, deviation, torch.ones_like(deviation))

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        image = self.prepare(pixels)
        outputs = self.network(image) if self.trust is None else answer_with_trust(self.network, self.trust, image)
        heads = outputs if isinstance(outputs, dict) else {"mask": outputs}
        logits = functional.interpolate(heads["mask"].transpose(2, 3), size=pixels.shape, mode="bilinear", align_corners=False)
        probability = of_structure(logits)[0, 0]
        mask = probability >= 0.5
        trust = tuple(heads["trust"][0].unbind()) if "trust" in heads else ()
        classes: tuple[Tensor, ...] = ()
        if "class" in heads:
            shares = of_classes(heads["class"])[0]
            classes = shares.unbind()
            present = presence(shares)
            found = present >= self.presence_threshold
            mask = mask & found
            if trust:
                *distances, confidence, emptied = trust
                trust = (*distances, torch.where(found, confidence, emptied))
        return (probability, mask.to(torch.uint8), *trust, *classes)


class DeployedFeatures(Deployed):
    """The same network up to what a `Trust` is fitted on.

    Shapes: ``pixels`` as for `Deployed`; returns the features of all levels, averaged over the picture, ``(1, features)``, and the logits
    of the mask ``(1, C, W, H)``, so that the graph holds the whole network.
    """

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        features, heads = answer_with_features(self.network, self.prepare(pixels))
        return pool(features), heads["mask"]
