"""The U-Net of the tutorials, as a reference: what this older design reaches on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from usseg_monai.errors import UsageError

__all__ = ["ClassicUNet"]


class UpLevel(nn.Module):
    """Enlarge the coarse features twofold by a 2x2 transposed convolution, concatenate the skip, convolve."""

    def __init__(self, in_channels: int, out_channels: int, dropout: float) -> None:
        super().__init__()
        self.enlarge = nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2)
        self.convolutions = _two_convolutions(2 * out_channels, out_channels, dropout)

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        features: Tensor = self.convolutions(torch.cat([self.enlarge(coarse), skip], dim=1))
        return features


class ClassicUNet(nn.Module):
    """U-Net of Ronneberger et al. (2015) in the small form of the Keras tutorials: padded, no batch norm, dropout inside each level.

    Each level has two 3x3 convolutions with ReLU and dropout between them; down by 2x2 max pooling, up by 2x2 transposed convolutions,
    skips are concatenated. With its defaults it has the 1,941,105 trainable parameters that the tutorials print. The initial
    weights are theirs: He's normal distribution for the 3x3 convolutions, Glorot's uniform one for the others, biases zero.

    Args:
        in_channels: channels of the image; the tutorials repeat a grey image three times.
        out_channels: channels of the logits.
        widths: features at 1/1, 1/2, 1/4 ... of the input's size.
        dropout: share of the features dropped in training, one number per width.

    Shapes: input ``(batch, in_channels, H, W)``, H and W divisible by ``2 ** (len(widths) - 1)``; output ``(batch, out_channels, H, W)``
    logits; the tutorials' sigmoid is part of the loss here.

    Raises:
        UsageError: fewer than two widths, or not one dropout per width.

    >>> network = ClassicUNet().eval()
    >>> sum(weights.numel() for weights in network.parameters() if weights.requires_grad)
    1941105
    >>> network(torch.zeros(1, 3, 64, 48)).shape
    torch.Size([1, 1, 64, 48])
    """

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 1,
        widths: Sequence[int] = (16, 32, 64, 128, 256),
        dropout: Sequence[float] = (0.1, 0.1, 0.2, 0.2, 0.3),
    ) -> None:
        super().__init__()
        if len(widths) < 2 or len(dropout) != len(widths):
            raise UsageError(f"{len(widths)} widths and {len(dropout)} dropouts: give two widths or more, and a dropout for each")
        self.encoder = nn.ModuleList(
            _two_convolutions(narrow, wide, share)
            for narrow, wide, share in zip((in_channels, *widths), widths[:-1], dropout, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        self.bottom = _two_convolutions(widths[-2], widths[-1], dropout[-1])
        self.decoder = nn.ModuleList(
            UpLevel(wide, narrow, share) for (wide, narrow), share in zip(pairwise(widths[::-1]), dropout[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(widths[0], out_channels, 1)
        self.apply(_begin_as_keras)

    def forward(self, x: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for level in self.encoder:
            x = level(x)
            skips.append(x)
            x = self.pool(x)
        x = self.bottom(x)
        for i, level in enumerate(self.decoder):
            x = level(x, skips[len(skips) - 1 - i])
        logits: Tensor = self.head(x)
        return logits


def _two_convolutions(in_channels: int, out_channels: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Dropout(float(dropout)),  # an integer 0 cannot be scripted
        nn.Conv2d(out_channels, out_channels, 3, padding=1),
        nn.ReLU(inplace=True),
    )


def _begin_as_keras(layer: nn.Module) -> None:
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        if layer.kernel_size == (3, 3):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        else:
            nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
