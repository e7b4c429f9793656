"""A small fully convolutional network, as a reference: what one large up-sampling step can resolve."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from usseg_monai.errors import UsageError

__all__ = ["StridedCNN"]


class StridedCNN(nn.Module):
    """Strided convolutions and pooling down to 1/16, one score per class there, and one transposed convolution back to full size.

    The network of a widely used course on segmenting the left ventricle (NVIDIA Deep Learning Institute, "Image segmentation with
    TensorFlow", after Long et al., CVPR 2015, without their skips): 5x5 convolutions of stride 2, each with ReLU and 2x2 max pooling,
    two 3x3 convolutions with ReLU, 1x1 scores, and a 31x31 transposed convolution of stride 16. `EncoderDecoder`, for comparison,
    goes up in steps of two. Initial weights follow Glorot's uniform distribution, biases are zero, as in Keras.

    Args:
        in_channels: channels of the image.
        out_channels: channels of the logits, one per class including background.
        widths: features of the four convolutions.

    Shapes: input ``(batch, in_channels, H, W)``, H and W divisible by 16; output ``(batch, out_channels, H, W)`` logits.

    Raises:
        UsageError: not four widths.

    >>> import torch
    >>> network = StridedCNN().eval()
    >>> sum(weights.numel() for weights in network.parameters())
    1857848
    >>> network(torch.zeros(1, 1, 64, 48)).shape
    torch.Size([1, 2, 64, 48])
    """

    def __init__(self, in_channels: int = 1, out_channels: int = 2, widths: Sequence[int] = (100, 200, 300, 300)) -> None:
        super().__init__()
        if len(widths) != 4:
            raise UsageError(f"{len(widths)} widths: give four, one for each convolution, for example (100, 200, 300, 300)")
        first, second, third, fourth = widths
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, first, 5, stride=2, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(first, second, 5, stride=2, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(second, third, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(third, fourth, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        self.scores = nn.Conv2d(fourth, out_channels, 1)
        self.enlarge = nn.ConvTranspose2d(out_channels, out_channels, 31, stride=16, padding=8, output_padding=1)
        self.apply(_begin_as_keras)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.enlarge(self.scores(self.features(x)))
        return logits


def _begin_as_keras(layer: nn.Module) -> None:
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
