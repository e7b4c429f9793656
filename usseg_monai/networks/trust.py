"""How far to trust a network's answer: is the picture like the training images, and how good is the mask likely to be.

Likeness. The features of all levels, averaged over the picture, are compared with those of the training images. The distance is the part
outside the few directions in which training images differ (the residual of Wang, Li, Feng, Zhang, "ViM: out-of-distribution with
virtual-logit matching", CVPR 2022, section 4.1). A photograph activates features that never occur together in an ultrasound image.

There are two limits. Beyond the first, the picture comes from another source than the training images: another machine, another hospital.
Beyond the second it is no such picture at all. Where distance cannot tell kinds apart, such as nerves from breasts, a logistic function of
the same features does.

Confidence. The expected Dice is a logistic function of descriptors of the probability map and the likeness. A network that is sure of each
pixel is mostly right; one whose mask would change with the threshold is mostly wrong. If the network classifies, this is the expected Dice
given a structure, and is multiplied by the probability of a structure: without one, any mask has a Dice of 0. An empty mask is right with
the probability of no structure, at home. Farther away, structures that look like none of the training's are called none with confidence; so
this confidence falls with the distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.inferers import SimpleInferer
from torch import Tensor, nn

from usseg_monai.networks.probabilities import of_classes, of_structure, presence

__all__ = ["Trust", "TrustInferer", "answer_with_trust"]

DESCRIPTORS = 3
"""Number of descriptors of a mask, see `describe`."""

FARTHEST = 4.0
"""Difference of a feature from its mean, in standard deviations, beyond which it tells kinds no better: none must decide alone."""

SURE = 0.9
"""Probability above which a picture is of another kind: those of other machines, which nobody could learn from, must pass."""

EMPTY_POWER = 4
"""Exponent by which the confidence of an empty mask falls with the distance."""

_NO_OTHER_KIND = -30.0
"""Constant of the logistic function of kinds before it is fitted: the probability of another kind is 0."""

_LITTLE = 1e-3
"""Share of the picture added to areas in denominators: keeps the ratios of empty masks defined, and near 0."""


class Trust(nn.Module):
    """Assesses the answers of a `usseg_monai.networks.residual_unet.ResidualUNet`, with or without classes.

    Its state is in buffers, which `usseg_monai.weights.trust.fit_trust` fills from training and validation images.

    Args:
        features: total number over all levels of the network's encoder.
        components: number of directions in which training images differ most.

    Attributes:
        center: mean features of the training images, ``(features,)``.
        scale: of the features' differences from the mean, ``(features,)``.
        directions: in which the scaled features of training images differ, orthonormal, ``(features, components)``.
        limit: distance above which a picture is from another source than the training images, scalar.
        kind_limit: distance, in units of ``limit``, above which it is of another kind, scalar, 1 or more; 1 where no pictures of other
            kinds were known.
        kinds: coefficients of the logistic function of the scaled features that tells other kinds, the constant last, ``(features + 1,)``.
        familiar: distance, in units of ``limit``, up to which an empty mask is believed with the probability of no structure, scalar;
            infinite where it was not fitted.
        descriptor_mean: mean of the descriptors of validation images, ``(3,)``.
        descriptor_deviation: standard deviation, likewise.
        coefficients: of the logistic function of the standardised descriptors, the constant last, ``(4,)``.

    >>> from usseg_monai.networks.residual_unet import ResidualUNet
    >>> network = ResidualUNet(widths=(8, 16, 24)).eval()
    >>> features = network.encode(torch.zeros(2, 1, 64, 48))
    >>> Trust(features=48, components=4)(features, torch.zeros(2, 1, 64, 48)).shape
    torch.Size([2, 3])
    """

    center: Tensor
    scale: Tensor
    directions: Tensor
    limit: Tensor
    kind_limit: Tensor
    kinds: Tensor
    familiar: Tensor
    descriptor_mean: Tensor
    descriptor_deviation: Tensor
    coefficients: Tensor

    def __init__(self, features: int, components: int = 32) -> None:
        super().__init__()
        self.register_buffer("center", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.register_buffer("directions", torch.zeros(features, components))
        self.register_buffer("limit", torch.ones(()))
        self.register_buffer("kind_limit", torch.ones(()))
        self.register_buffer("kinds", torch.cat([torch.zeros(features), torch.tensor([_NO_OTHER_KIND])]))
        self.register_buffer("familiar", torch.tensor(torch.inf))
        self.register_buffer("descriptor_mean", torch.zeros(DESCRIPTORS))
        self.register_buffer("descriptor_deviation", torch.ones(DESCRIPTORS))
        self.register_buffer("coefficients", torch.zeros(DESCRIPTORS + 1))

    def forward(self, features: Sequence[Tensor], probability: Tensor) -> Tensor:
        """Assess answers.

        Args:
            features: of each level of the encoder, fine to coarse, ``(batch, C, h, w)``.
            probability: of the structure, ``(batch, 1, H, W)``.

        Returns:
            ``(batch, 3)``: the unlikeness, above 1 where the picture is of another kind than the training images; the distance from their
            sources, above 1 where it is from another one; and the expected Dice given a structure, 0 to 1.
        """
        pooled = pool(features)
        source_distance = self.distance(pooled) / self.limit
        unlikeness = self.unlikeness(pooled)
        described = (describe(probability, source_distance) - self.descriptor_mean) / self.descriptor_deviation
        confidence = torch.sigmoid(described @ self.coefficients[:-1] + self.coefficients[-1])
        return torch.stack([unlikeness, source_distance, confidence], dim=1)

    def distance(self, pooled: Tensor) -> Tensor:
        """Distance of pooled features ``(batch, features)`` from the subspace of the training images: ``(batch,)``, of order 1 or less."""
        scaled = (pooled - self.center) / self.scale
        rest = scaled - scaled @ self.directions @ self.directions.t()
        return rest.square().mean(1).sqrt()

    def unlikeness(self, pooled: Tensor) -> Tensor:
        """Of pictures with pooled features ``(batch, features)``: ``(batch,)``, above 1 where they are of another kind."""
        return torch.maximum(self.distance(pooled) / (self.limit * self.kind_limit), self.other_kind(pooled) / SURE)

    def familiarity(self, source_distance: Tensor) -> Tensor:
        """What the probability of no structure is worth at a distance ``(batch,)`` in units of ``limit``: ``(batch,)``, 1 at home."""
        return (self.familiar / source_distance.clamp(min=1e-3)).clamp(max=1) ** EMPTY_POWER

    def other_kind(self, pooled: Tensor) -> Tensor:
        """Probability that pooled features ``(batch, features)`` are of a picture of another kind: ``(batch,)``."""
        return torch.sigmoid(self.scaled(pooled) @ self.kinds[:-1] + self.kinds[-1])

    def scaled(self, pooled: Tensor) -> Tensor:
        """Pooled features ``(batch, features)`` as differences from the mean in units of `scale`, at most `FARTHEST` of them."""
        return ((pooled - self.center) / self.scale).clamp(-FARTHEST, FARTHEST)


def pool(features: Sequence[Tensor]) -> Tensor:
    """Features of all levels, averaged over the picture: ``(batch, features)``."""
    return torch.cat([level.mean((2, 3)) for level in features], dim=1)


def describe(probability: Tensor, source_distance: Tensor) -> Tensor:
    """Descriptors of a mask's reliability, ``(batch, 3)``.

    In order: the Dice overlap of the probabilities with their own mask; the area at a strict threshold, 0.8, over the area at a lax one,
    0.2; the logarithm of the distance from the sources.

    Args:
        probability: ``(batch, 1, H, W)``.
        source_distance: ``(batch,)``, above 0.
    """
    p = probability[:, 0]
    little = _LITTLE * p.shape[1] * p.shape[2]
    mask, strict, lax = ((p >= threshold).to(p.dtype).sum((1, 2)) for threshold in (0.5, 0.8, 0.2))
    inside = (p * (p >= 0.5).to(p.dtype)).sum((1, 2))
    overlap = 2 * inside / (p.sum((1, 2)) + mask + little)
    return torch.stack([overlap, strict / (lax + little), source_distance.clamp(min=1e-3).log()], dim=1)


def answer_with_trust(network: Any, trust: Trust, image: Tensor) -> dict[str, Tensor]:
    """A network's answer with unlikeness, distance from the sources and confidence, in one pass.

    Args:
        network: one with ``encode`` and ``decode``, in evaluation mode.
        trust: fitted on that network.
        image: ``(batch, channels, H, W)``.

    Returns:
        ``mask``, logits; ``class``, logits, for networks that classify; ``trust``, the three numbers of `Trust`, ``(batch, 3)``, and for
        networks that classify a fourth, the confidence of the mask if it is emptied.
    """
    features, heads = answer_with_features(network, image)
    said = trust(features, of_structure(heads["mask"]))
    if "class" in heads:
        unlikeness, distance, confidence = said.unbind(1)
        present = presence(of_classes(heads["class"]))
        said = torch.stack([unlikeness, distance, confidence * present, (1 - present) * trust.familiarity(distance)], dim=1)
    return heads | {"trust": said}


def answer_with_features(network: Any, image: Tensor) -> tuple[list[Tensor], dict[str, Tensor]]:
    """The features of each level of a network's encoder, and its heads' logits by name."""
    features = network.encode(image)
    answer = network.decode(features, list(image.shape[2:]))
    return features, answer if isinstance(answer, dict) else {"mask": answer}


class TrustInferer(SimpleInferer):
    """Runs a network on whole images and assesses its answers, see `answer_with_trust`.

    Args:
        trust: fitted on the network; ``None`` returns the network's plain answer.
    """

    def __init__(self, trust: Trust | None) -> None:
        super().__init__()
        self.trust = trust

    def __call__(self, inputs: Tensor, network: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the network's answer for ``inputs`` ``(batch, channels, H, W)``."""
        if self.trust is None:
            return super().__call__(inputs, network, *args, **kwargs)
        return answer_with_trust(network, self.trust.to(inputs.device), inputs)
