"""A plain encoder-decoder: a reference to measure the benefit of skip connections."""

from __future__ import annotations

from collections.abc import Sequence

from monai.networks.blocks import Convolution, UpSample
from torch import Tensor, nn

from usseg_monai.errors import UsageError

__all__ = ["UPSAMPLE_MODES", "EncoderDecoder"]

UPSAMPLE_MODES = {"transposed": "deconv", "interpolation": "nontrainable"}
"""Up-sampling modes of the decoder, with MONAI's names."""


class EncoderDecoder(nn.Module):
    """Strided convolutions down, up-sampling back; only the coarsest features connect the two sides.

    Each level has two 3x3 convolutions with batch norm and the activation. On the way down the first has stride 2; on the way up the
    features are enlarged twofold before the convolutions.

    Args:
        in_channels: channels of the image.
        out_channels: channels of the logits.
        widths: features at 1/2, 1/4, 1/8 ... of the input's size; their number is the depth.
        activation: name of one of MONAI's activations (`monai.networks.layers.Act`): ``relu``, ``leakyrelu``, ``elu``, ``prelu`` ...
        upsample: ``transposed`` is a 2x2 transposed convolution, ``interpolation`` a 1x1 convolution and bilinear interpolation.

    Shapes: input ``(batch, in_channels, H, W)``, H and W divisible by ``2 ** len(widths)``; output ``(batch, out_channels, H, W)`` logits.

    Raises:
        UsageError: no width, or an unknown up-sampling mode.

    >>> import torch
    >>> network = EncoderDecoder(widths=(8, 16, 24), activation="elu", upsample="interpolation").eval()
    >>> network(torch.zeros(1, 1, 64, 48)).shape
    torch.Size([1, 1, 64, 48])
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        widths: Sequence[int] = (16, 32, 64, 128, 256),
        activation: str = "relu",
        upsample: str = "transposed",
    ) -> None:
        super().__init__()
        if len(widths) == 0:
            raise UsageError("widths is empty: give the features of at least one level, for example (32, 64, 128)")
        if upsample not in UPSAMPLE_MODES:
            raise UsageError(f"upsample is {upsample!r}: it must be one of {', '.join(UPSAMPLE_MODES)}")
        self.encoder = nn.Sequential()
        for narrow, wide in zip((in_channels, *widths[:-1]), widths, strict=True):
            self.encoder.append(_two_convolutions(narrow, wide, activation, stride=2))
        self.decoder = nn.Sequential()
        # The last step, to full size, keeps the width of the first level.
        for wide, narrow in zip(widths[::-1], (*widths[-2::-1], widths[0]), strict=True):
            self.decoder.append(UpSample(2, wide, narrow, mode=UPSAMPLE_MODES[upsample], align_corners=False))
            self.decoder.append(_two_convolutions(narrow, narrow, activation))
        self.head = nn.Conv2d(widths[0], out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.decoder(self.encoder(x)))
        return logits


def _two_convolutions(in_channels: int, out_channels: int, activation: str, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        Convolution(2, in_channels, out_channels, strides=stride, act=activation, norm="batch", bias=False),
        Convolution(2, out_channels, out_channels, act=activation, norm="batch", bias=False),
    )
