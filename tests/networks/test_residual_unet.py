"""Tests of usseg_monai.networks.residual_unet."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import torch

from usseg_monai import bundle_path
from usseg_monai.networks.residual_unet import ResidualUNet

TINY = (4, 6, 8)


def shipped() -> ResidualUNet:
    """The network as the fetal head bundle defines it."""
    config = json.loads((bundle_path("fetal_head") / "configs" / "inference.json").read_text())["network_def"]
    return ResidualUNet(**{name: value for name, value in config.items() if name != "_target_"})


@pytest.mark.parametrize("size", [(8, 8), (48, 32), (64, 96)])
@pytest.mark.parametrize("channels", [(1, 1), (3, 2)])
def test_evaluation_gives_logits_on_the_grid_of_the_input(size: tuple[int, int], channels: tuple[int, int]) -> None:
    network = ResidualUNet(*channels, widths=TINY).eval()
    assert network(torch.zeros(2, channels[0], *size)).shape == (2, channels[1], *size)


@pytest.mark.parametrize(("deep_supervision", "shape"), [(0, (2, 1, 16, 32)), (1, (2, 2, 1, 16, 32)), (2, (2, 3, 1, 16, 32))])
def test_training_stacks_the_coarser_outputs(deep_supervision: int, shape: tuple[int, ...]) -> None:
    network = ResidualUNet(widths=(4, 6, 8, 10), deep_supervision=deep_supervision).train()
    assert network(torch.rand(2, 1, 16, 32)).shape == shape


def test_finest_output_comes_first() -> None:
    """With the coarse heads' weights at zero and a bias each, every output shows whose it is."""
    network = ResidualUNet(widths=(4, 6, 8, 10)).train()
    with torch.no_grad():
        heads: list[Any] = [network.head, *reversed(network.auxiliary)]
        for bias, head in enumerate(heads):
            head.weight.zero_()
            head.bias.fill_(float(bias))
    outputs = network(torch.rand(2, 1, 16, 16))
    assert [float(outputs[:, i].mean()) for i in range(3)] == pytest.approx([0, 1, 2])
    # the head at 1/8 of the input is the one with the most features
    assert [head.in_channels for head in reversed(network.auxiliary)] == [6, 8]


def test_every_weight_learns() -> None:
    network = ResidualUNet(widths=(4, 6, 8, 10)).train()
    network(torch.rand(2, 1, 32, 16)).square().mean().backward()
    assert [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.isfinite().all()] == []


def test_scripted_network_gives_the_same_in_both_modes() -> None:
    network = ResidualUNet(widths=(4, 6, 8, 10))
    scripted = torch.jit.script(network)
    image = torch.rand(2, 1, 16, 16)
    assert torch.equal(network.eval()(image), scripted.eval()(image))
    assert scripted.train()(image).shape == (2, 3, 1, 16, 16)


def test_shipped_network_fits_into_sixteen_megabytes() -> None:
    network = shipped()
    assert sum(weight.numel() for weight in network.parameters()) < 4_190_000
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    assert file.tell() < 16 * 2**20
