"""A network that needs no weights, in the place of any that is shipped."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Brightness(nn.Module):
    """Takes for the structure what is brighter than the picture's mean, and is sure that it is there.

    Args:
        out_channels: mask logits: one of the structure, or one for each label.
        classes: class logits besides, as those of `usseg_monai.networks.two_heads`; 0 for a network with one head.
    """

    def __init__(self, out_channels: int = 1, classes: int = 0, **_: object) -> None:
        super().__init__()
        self.out_channels, self.classes = out_channels, classes

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        mask = x if self.out_channels == 1 else torch.cat([-x, x], 1)
        if not self.classes:
            return mask
        logits = torch.full((len(x), self.classes), 10.0, device=x.device)
        if self.classes > 1:
            logits[:, 0] = -10.0  # the class of pictures without a structure
        return {"mask": mask, "class": logits}
