"""The released network: a residual U-Net with most of its computation on coarse grids.

A stride-2 stem halves the picture before the first block, and skips are added instead of concatenated. On a CPU this costs a
quarter of a plain U-Net of the same depth at the same input size, and the structures are large compared with a pixel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["ResidualUNet", "UNet"]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm around an identity (He et al. 2016); the first may be strided."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.skip: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.skip = nn.Sequential(
                nn.AvgPool2d(stride) if stride != 1 else nn.Identity(),
                nn.Conv2d(in_channels, out_channels, 1, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.body(x) + self.skip(x))


class UpBlock(nn.Module):
    """Reduce the coarse features, enlarge them twofold, add the skip, refine."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.narrow = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels))
        self.refine = ResidualBlock(out_channels, out_channels)

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        enlarged = functional.interpolate(self.narrow(coarse), scale_factor=2.0, mode="bilinear", align_corners=False)
        refined: Tensor = self.refine(functional.relu(enlarged + skip))
        return refined


class UNet(nn.Module):
    """Base of U-Nets with additive skips: the pass through an encoder, and the decoder.

    Args:
        stem: layers before the first level.
        encoder: levels, each on half the grid of the one before.
        feature_widths: features of each level, fine to coarse.
        lateral: for each level but the coarsest, the projection to the decoder's width.
        widths: the decoder's features at each level; the coarsest keeps the encoder's width.
        out_channels: channels of the logits.
        deep_supervision: number of coarser levels with auxiliary logits in training mode.
    """

    def __init__(
        self,
        stem: nn.Module,
        encoder: Iterable[nn.Module],
        feature_widths: Sequence[int],
        lateral: Iterable[nn.Module],
        widths: Sequence[int],
        out_channels: int,
        deep_supervision: int,
    ) -> None:
        super().__init__()
        self.stem = stem
        self.encoder = nn.ModuleList(encoder)
        self.feature_widths = tuple(feature_widths)
        self.lateral = nn.ModuleList(lateral)
        self.decoder = nn.ModuleList([UpBlock(wide, narrow) for wide, narrow in pairwise(reversed(widths))])
        self.head = nn.Conv2d(widths[0], out_channels, 1)
        self.auxiliary = nn.ModuleList([nn.Conv2d(width, out_channels, 1) for width in widths[deep_supervision:0:-1]])

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x), list(x.shape[2:]))

    @torch.jit.export
    def encode(self, x: Tensor) -> list[Tensor]:
        """Features of an image at 1/2, 1/4 ... of its size."""
        x = self.stem(x)
        skips: list[Tensor] = []
        for level in self.encoder:
            x = level(x)
            skips.append(x)
        return skips

    @torch.jit.export
    def decode(self, skips: list[Tensor], size: list[int]) -> Tensor:
        """Logits of ``size`` ``[H, W]`` from the features of `encode`; with auxiliary logits in training mode."""
        narrow = [lateral(skips[i]) for i, lateral in enumerate(self.lateral)]
        x = skips[-1]
        features: list[Tensor] = []
        for i, block in enumerate(self.decoder):
            x = block(x, narrow[len(narrow) - 1 - i])
            features.append(x)
        logits = [enlarge(self.head(x), size)]
        if self.training:
            # The decoder's features are ordered from coarse to fine; the last belongs to the main head.
            first = len(features) - 1 - len(self.auxiliary)
            coarse = [enlarge(head(features[first + i]), size) for i, head in enumerate(self.auxiliary)]
            if len(coarse) > 0:
                return torch.stack(logits + coarse[::-1], dim=1)
        return logits[0]


class ResidualUNet(UNet):
    """Residual U-Net with a stride-2 stem and auxiliary outputs for training.

    Args:
        in_channels: channels of the image.
        out_channels: channels of the logits.
        widths: features at 1/2, 1/4, 1/8 ... of the input's size.
        deep_supervision: number of coarser levels with auxiliary logits in training mode.

    Attributes:
        feature_widths: features of each level of the encoder, fine to coarse.

    Shapes:
        input ``(batch, in_channels, H, W)``, H and W divisible by ``2 ** len(widths)``;
        output ``(batch, out_channels, H, W)`` logits. In training mode with deep supervision
        ``(batch, 1 + deep_supervision, out_channels, H, W)``, finest first, as MONAI's DynUNet does:
        one tensor in both modes keeps the network scriptable.

    >>> import torch
    >>> network = ResidualUNet(widths=(8, 16, 24)).eval()
    >>> network(torch.zeros(1, 1, 64, 48)).shape
    torch.Size([1, 1, 64, 48])
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        widths: Sequence[int] = (32, 64, 96, 160, 256),
        deep_supervision: int = 2,
    ) -> None:
        stem = nn.Sequential(nn.Conv2d(in_channels, widths[0], 5, 2, 2, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True))
        encoder: list[nn.Module] = [ResidualBlock(widths[0], widths[0])]
        for narrow, wide in pairwise(widths):
            encoder.append(nn.Sequential(ResidualBlock(narrow, wide, stride=2), ResidualBlock(wide, wide)))
        lateral = [nn.Identity() for _ in widths[:-1]]
        super().__init__(stem, encoder, widths, lateral, widths, out_channels, deep_supervision)


def enlarge(logits: Tensor, size: list[int]) -> Tensor:
    """Resize logits ``(batch, channels, h, w)`` to ``size`` by bilinear interpolation."""
    return functional.interpolate(logits, size=(size[0], size[1]), mode="bilinear", align_corners=False)
