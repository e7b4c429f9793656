"""A U-Net whose encoder is pretrained on a million photographs.

A few hundred images of lesions are too few to learn edges and textures from. EfficientNet-Lite0 (the variant of Tan, Le, "EfficientNet:
rethinking model scaling for convolutional neural networks", ICML 2019, without squeeze-and-excitation and with ReLU6) knows them already,
and is small enough for a CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from usseg_monai.errors import UsageError
from usseg_monai.networks.photographs import load_efficientnet_lite0
from usseg_monai.networks.residual_unet import UNet

__all__ = ["EfficientUNet", "efficientnet_lite0"]


class Stage(NamedTuple):
    """Inverted residuals of one width; the first one strides."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    width: int


STEM_WIDTH = 32
LEVELS = (
    (Stage(1, 3, 1, 1, 16),),
    (Stage(2, 3, 2, 6, 24),),
    (Stage(2, 5, 2, 6, 40),),
    (Stage(3, 3, 2, 6, 80), Stage(3, 5, 1, 6, 112)),
    (Stage(4, 5, 2, 6, 192), Stage(1, 3, 1, 6, 320)),
)
"""The stages of EfficientNet-Lite0 (Tan and Le 2019, table 1), by their grid: 1/2, 1/4 ... 1/32 of the input's size."""

WIDTHS = tuple(level[-1].width for level in LEVELS)
"""Features of each level of the encoder."""


class Depthwise(nn.Conv2d):
    """A depthwise convolution: each feature by itself."""

    def __init__(self, channels: int, kernel: int, stride: int) -> None:
        super().__init__(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.training and not torch.jit.is_scripting():
            return self._train(x)
        features: Tensor = self._conv_forward(x, self.weight, None)
        return features

    @torch.jit.unused
    def _train(self, x: Tensor) -> Tensor:
        # On a CPU, gradients of a strided or large depthwise convolution take 3 to 8 times longer in bfloat16.
        exact = self.stride[0] > 1 or self.kernel_size[0] > 3
        with torch.autocast(x.device.type, enabled=torch.is_autocast_enabled(x.device.type) and not exact):
            features: Tensor = self._conv_forward(x.float() if exact else x, self.weight, None)
            return features.to(x.dtype)


class InvertedResidual(nn.Module):
    """Expand, convolve depthwise, project (Sandler et al., "MobileNetV2", CVPR 2018)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = in_channels * expansion
        self.adds = stride == 1 and in_channels == out_channels
        self.body = nn.Sequential()
        if expansion != 1:
            self.body.extend([nn.Conv2d(in_channels, wide, 1, bias=False), _norm(wide), nn.ReLU6(inplace=True)])
        self.body.extend([Depthwise(wide, kernel, stride), _norm(wide), nn.ReLU6(inplace=True)])
        self.body.extend([nn.Conv2d(wide, out_channels, 1, bias=False), _norm(out_channels)])  # no activation after the narrow layer

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.body(x)
        return features + x if self.adds else features


def efficientnet_lite0(in_channels: int = 1) -> nn.Sequential:
    """EfficientNet-Lite0 without its classifier: levels of `WIDTHS` features, each on half the grid of the one before."""
    width = STEM_WIDTH
    levels = nn.Sequential()
    blocks: list[nn.Module] = [nn.Conv2d(in_channels, width, 3, 2, 1, bias=False), _norm(width), nn.ReLU6(inplace=True)]
    for level in LEVELS:
        for stage in level:
            for i in range(stage.repeats):
                stride = stage.stride if i == 0 else 1
                blocks.append(InvertedResidual(width, stage.width, stage.kernel, stride, stage.expansion))
                width = stage.width
        levels.append(nn.Sequential(*blocks))
        blocks = []
    return levels


class EfficientUNet(UNet):
    """U-Net with an EfficientNet-Lite0 as its encoder and the decoder of `usseg_monai.networks.residual_unet.ResidualUNet`.

    Args:
        in_channels: channels of the image.
        out_channels: channels of the logits.
        widths: features of the decoder at 1/2, 1/4, 1/8 and 1/16 of the input's size.
        deep_supervision: number of coarser levels with auxiliary logits in training mode.
        pretrained: start training from an encoder trained on photographs (`usseg_monai.networks.photographs`).

    Attributes:
        feature_widths: features of each level of the encoder, fine to coarse.

    Shapes: input ``(batch, in_channels, H, W)``, H and W divisible by 32; output as for `ResidualUNet`.

    Raises:
        UsageError: not four widths.
        UssegError: pretrained weights are requested, but their package is not installed.

    >>> network = EfficientUNet().eval()
    >>> network(torch.zeros(1, 1, 64, 96)).shape
    torch.Size([1, 1, 64, 96])
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        widths: Sequence[int] = (32, 48, 96, 160),
        deep_supervision: int = 2,
        pretrained: bool = False,
    ) -> None:
        if len(widths) != len(WIDTHS) - 1:
            raise UsageError(f"widths is {list(widths)}: there must be {len(WIDTHS) - 1}, of the grids of 1/2 to 1/16 of the input's size")
        encoder = efficientnet_lite0(in_channels)
        if pretrained:
            load_efficientnet_lite0(encoder)
        lateral = [
            nn.Sequential(nn.Conv2d(wide, narrow, 1, bias=False), nn.BatchNorm2d(narrow))
            for wide, narrow in zip(WIDTHS[:-1], widths, strict=True)
        ]
        super().__init__(nn.Identity(), encoder, WIDTHS, lateral, (*widths, WIDTHS[-1]), out_channels, deep_supervision)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)  # the epsilon of the released weights
