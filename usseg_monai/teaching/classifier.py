"""The image classifier of the tutorials, as a reference."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from usseg_monai.errors import UsageError

__all__ = ["TeachingClassifier"]


class TeachingClassifier(nn.Module):
    """Convolutions without padding, batch norm and pooling, then flatten, dense, dropout, dense.

    Each level is a 3x3 convolution, ReLU, batch norm and 2x2 max pooling. The first dense layer has weights for each position, so the
    answer depends on position and the image's size is fixed.

    Its output has the form of `usseg_monai.networks.two_heads`, with an always empty mask, so that a bundle's chains, metrics and tables
    accept it like the bundle's network.

    Args:
        classes: number of class logits.
        in_channels: channels of the image.
        image_size: ``(W, H)`` of the image.
        widths: features of the convolutions.
        hidden: features of the first dense layer.
        dropout: share of these features dropped in training.

    Shapes: input ``(batch, in_channels, *image_size)``; output a dictionary of ``mask``, logits ``(batch, 1, *image_size)``, and
    ``class``, logits ``(batch, classes)``.

    Raises:
        UsageError: an image too small for the number of levels.

    >>> network = TeachingClassifier(classes=3).eval()
    >>> {name: tuple(logits.shape) for name, logits in network(torch.zeros(2, 1, 256, 256)).items()}
    {'mask': (2, 1, 256, 256), 'class': (2, 3)}
    """

    def __init__(
        self,
        classes: int,
        in_channels: int = 1,
        image_size: Sequence[int] = (256, 256),
        widths: Sequence[int] = (16, 32, 64, 128, 128),
        hidden: int = 128,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        places = 1
        for side in image_size:
            for _ in widths:
                side = (side - 2) // 2
            if side < 1:
                raise UsageError(f"image size {tuple(image_size)} is too small for {len(widths)} levels: give a larger one or fewer widths")
            places *= side
        self.features = nn.Sequential()
        for narrow, wide in zip((in_channels, *widths), widths, strict=False):
            self.features.extend([nn.Conv2d(narrow, wide, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(wide), nn.MaxPool2d(2)])
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(widths[-1] * places, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(hidden, classes),
        )

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        mask = torch.full_like(x[:, :1], -20.0)  # its sigmoid is 2e-9
        return {"mask": mask, "class": self.classifier(self.features(x))}
