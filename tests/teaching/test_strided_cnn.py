"""The strided network: its layers, its form, and that its up-sampling keeps places."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from usseg_monai.errors import UsageError
from usseg_monai.teaching.strided_cnn import StridedCNN

WIDTHS = (4, 6, 8, 8)


def test_layers_are_those_of_the_course() -> None:
    layers = [layer for layer in StridedCNN().modules() if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))]
    assert [(layer.out_channels, layer.kernel_size[0], layer.stride[0]) for layer in layers] == [
        (100, 5, 2),
        (200, 5, 2),
        (300, 3, 1),
        (300, 3, 1),
        (2, 1, 1),
        (2, 31, 16),
    ]


@pytest.mark.parametrize("size", [(256, 256), (64, 48)])
def test_logits_have_the_size_of_the_image(size: tuple[int, int]) -> None:
    network = StridedCNN(in_channels=3, out_channels=4, widths=WIDTHS).eval()
    assert network(torch.rand(2, 3, *size)).shape == (2, 4, *size)


def test_what_is_in_a_place_stays_there() -> None:
    """One score on the coarse grid is drawn around the middle of the 16 x 16 pixels that it stands for."""
    network = StridedCNN(widths=WIDTHS)
    nn.init.ones_(network.enlarge.weight)
    assert network.enlarge.bias is not None
    nn.init.zeros_(network.enlarge.bias)
    coarse = torch.zeros(1, 2, 8, 8)
    coarse[0, :, 3, 5] = 1
    rows, cols = network.enlarge(coarse)[0, 0].nonzero().float().mean(0).tolist()
    assert (rows, cols) == (pytest.approx(3 * 16 + 7.5, abs=0.5), pytest.approx(5 * 16 + 7.5, abs=0.5))


def test_script_gives_the_same_logits() -> None:
    torch.manual_seed(0)
    network, image = StridedCNN(widths=WIDTHS).eval(), torch.rand(1, 1, 64, 48)
    with torch.inference_mode():
        torch.testing.assert_close(torch.jit.script(network)(image), network(image))


def test_learns() -> None:
    torch.manual_seed(0)
    network = StridedCNN(widths=WIDTHS)
    image = torch.zeros(1, 1, 64, 64)
    image[..., 16:48, 16:48] = 1
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(image), image[:, 0].long())
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_wrong_choices_say_what_is_allowed() -> None:
    with pytest.raises(UsageError, match="3 widths: give four"):
        StridedCNN(widths=(1, 2, 3))
