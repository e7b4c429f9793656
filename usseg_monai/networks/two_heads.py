"""U-Nets with a second head that classifies the whole image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from usseg_monai.networks.efficient_unet import EfficientUNet
from usseg_monai.networks.residual_unet import ResidualUNet, UNet

__all__ = ["EfficientUNetWithClasses", "ResidualUNetWithClasses"]


_HIDDEN = 32
"""Features between the pooled ones and the class logits."""


class _UNetWithClasses(nn.Module):
    """A U-Net whose two deepest features also classify the image.

    The class head takes the features' mean and maximum over the whole picture, and their mean over the structure predicted by the first
    head, because whether a lesion is benign shows in and around it. No gradient flows through that weighting, so that the classes cannot
    change the mask.
    """

    def __init__(self, unet: UNet, classes: int, dropout: float) -> None:
        super().__init__()
        self.unet = unet
        pooled = 3 * (unet.feature_widths[-1] + unet.feature_widths[-2])
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(pooled, _HIDDEN), nn.ReLU(inplace=True), nn.Dropout(dropout), nn.Linear(_HIDDEN, classes)
        )
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.decode(self.encode(x), list(x.shape[2:]))

    @torch.jit.export
    def encode(self, x: Tensor) -> list[Tensor]:
        """Features of an image at 1/2, 1/4 ... of its size."""
        return self.unet.encode(x)

    @torch.jit.export
    def decode(self, skips: list[Tensor], size: list[int]) -> dict[str, Tensor]:
        """Both heads' logits, the mask's of ``size`` ``[H, W]``, from the features of `encode`."""
        mask = self.unet.decode(skips, size)
        finest = mask[:, 0] if mask.dim() == 5 else mask
        structure = torch.sigmoid(finest[:, -1:]).detach()
        levels = len(skips)
        pooled = torch.cat([pool(skips[-1], structure, 1 << levels), pool(skips[-2], structure, 1 << (levels - 1))], dim=1)
        logits = self.classifier(pooled)
        return {"mask": mask, "class": logits if self.training else logits / self.temperature}


class ResidualUNetWithClasses(_UNetWithClasses):
    """`usseg_monai.networks.residual_unet.ResidualUNet` with a second head.

    Args:
        classes: number of class logits. A single one is the logit of "structure present"; with several, the first class is "no structure".
        in_channels: channels of the image.
        out_channels: channels of the mask's logits.
        widths: features at 1/2, 1/4, 1/8 ... of the input's size.
        deep_supervision: number of coarser levels with auxiliary mask logits in training mode.
        dropout: share of the pooled features dropped in training.

    Attributes:
        temperature: scalar buffer; class logits are divided by it outside training. 1 until it is fitted on validation images
            (`usseg_monai.training.calibration`; Guo et al., "On calibration of modern neural networks", ICML 2017).

    Shapes: input ``(batch, in_channels, H, W)``, H and W divisible by ``2 ** len(widths)``; output a dictionary of ``mask``, logits as
        for `ResidualUNet`, and ``class``, logits ``(batch, classes)``.

    >>> network = ResidualUNetWithClasses(classes=3, widths=(8, 16, 24)).eval()
    >>> {name: tuple(logits.shape) for name, logits in network(torch.zeros(2, 1, 64, 48)).items()}
    {'mask': (2, 1, 64, 48), 'class': (2, 3)}
    """

    def __init__(
        self,
        classes: int,
        in_channels: int = 1,
        out_channels: int = 1,
        widths: Sequence[int] = (32, 48, 96, 160, 240),
        deep_supervision: int = 2,
        dropout: float = 0.3,
    ) -> None:
        super().__init__(ResidualUNet(in_channels, out_channels, widths, deep_supervision), classes, dropout)


class EfficientUNetWithClasses(_UNetWithClasses):
    """`usseg_monai.networks.efficient_unet.EfficientUNet` with a second head.

    Args:
        classes: as for `ResidualUNetWithClasses`.
        in_channels: channels of the image.
        out_channels: channels of the mask's logits.
        widths: as for `EfficientUNet`.
        deep_supervision: as for `EfficientUNet`.
        dropout: as for `ResidualUNetWithClasses`.
        pretrained: as for `EfficientUNet`.

    Attributes:
        temperature: as for `ResidualUNetWithClasses`.

    Shapes: input ``(batch, in_channels, H, W)``, H and W divisible by 32; output as for `ResidualUNetWithClasses`.

    Raises:
        UsageError: not four widths.
        UssegError: pretrained weights are requested, but their package is not installed.

    >>> network = EfficientUNetWithClasses(classes=3).eval()
    >>> {name: tuple(logits.shape) for name, logits in network(torch.zeros(2, 1, 64, 32)).items()}
    {'mask': (2, 1, 64, 32), 'class': (2, 3)}
    """

    def __init__(
        self,
        classes: int,
        in_channels: int = 1,
        out_channels: int = 1,
        widths: Sequence[int] = (32, 48, 96, 160),
        deep_supervision: int = 2,
        dropout: float = 0.3,
        pretrained: bool = False,
    ) -> None:
        super().__init__(EfficientUNet(in_channels, out_channels, widths, deep_supervision, pretrained), classes, dropout)


def pool(features: Tensor, structure: Tensor, cell: int) -> Tensor:
    """Mean, maximum, and mean over the structure, of features ``(batch, C, H / cell, W / cell)``: ``(batch, 3 C)``.

    ``structure`` is a probability ``(batch, 1, H, W)``; without a structure, its mean is near 0. The cell is a number and not taken from
    both sizes, because ONNX has no pooling to a size that is known only when the graph runs.
    """
    weight = functional.avg_pool2d(structure, cell).to(features.dtype)
    inside = (features * weight).sum((2, 3)) / (weight.sum((2, 3)) + 0.1)
    return torch.cat([features.mean((2, 3)), features.amax((2, 3)), inside], dim=1)
