"""The tutorials' U-Net: its size, its beginning, its form."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from usseg_monai.errors import UsageError
from usseg_monai.teaching.classic_unet import ClassicUNet


def trainable(network: nn.Module) -> int:
    return sum(weights.numel() for weights in network.parameters() if weights.requires_grad)


def test_has_exactly_the_parameters_of_the_tutorials() -> None:
    assert trainable(ClassicUNet()) == 1_941_105
    # and level by level, as their summary prints them
    network = ClassicUNet()
    assert [trainable(level) for level in network.encoder] == [2768, 13_888, 55_424, 221_440]
    assert trainable(network.bottom) == 885_248
    levels: list[Any] = list(network.decoder)
    assert [(trainable(level.enlarge), trainable(level.convolutions)) for level in levels] == [
        (131_200, 442_624),
        (32_832, 110_720),
        (8224, 27_712),
        (2064, 6944),
    ]
    assert trainable(network.head) == 17


def test_drops_out_as_the_tutorials_do() -> None:
    network = ClassicUNet()
    shares = [layer.p for layer in network.modules() if isinstance(layer, nn.Dropout)]
    assert shares == [0.1, 0.1, 0.2, 0.2, 0.3, 0.2, 0.2, 0.1, 0.1]


def test_begins_as_the_tutorials_do() -> None:
    torch.manual_seed(0)
    network = ClassicUNet()
    bottom: Any = network.bottom
    decoder: Any = network.decoder
    convolution, enlarge = bottom[0].requires_grad_(False), decoder[0].enlarge.requires_grad_(False)
    assert float(convolution.weight.std()) == pytest.approx((2 / (9 * 128)) ** 0.5, rel=0.02)
    assert float(enlarge.weight.abs().max()) == pytest.approx((6 / (4 * (256 + 128))) ** 0.5, rel=0.02)
    biases = [layer.bias for layer in network.modules() if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))]
    assert not any(bias.any() for bias in biases if bias is not None)


@pytest.mark.parametrize("size", [(128, 128), (64, 48)])
def test_logits_have_the_size_of_the_image(size: tuple[int, int]) -> None:
    network = ClassicUNet(in_channels=1, out_channels=2, widths=(4, 8, 12, 16, 20)).eval()
    assert network(torch.rand(2, 1, *size)).shape == (2, 2, *size)


def test_every_skip_reaches_the_logits() -> None:
    network = ClassicUNet(widths=(4, 8, 12), dropout=(0, 0, 0)).eval()
    image = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        before = network(image)
        for level in network.encoder:
            handle = level.register_forward_hook(lambda module, inputs, output: output + 1)
            assert not torch.equal(network(image), before)
            handle.remove()


def test_script_gives_the_same_logits() -> None:
    torch.manual_seed(0)
    network, image = ClassicUNet(widths=(4, 8, 12), dropout=(0, 0, 0)).eval(), torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(torch.jit.script(network)(image), network(image))


def test_learns() -> None:
    torch.manual_seed(0)
    network = ClassicUNet(in_channels=1, widths=(4, 8, 12), dropout=(0.1, 0.1, 0.1)).train()
    image = torch.zeros(1, 1, 32, 32)
    image[..., 8:24, 8:24] = 1
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(network(image), image)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("choices", [{"widths": (16,), "dropout": (0.1,)}, {"widths": (16, 32)}])
def test_wrong_choices_say_what_is_allowed(choices: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(UsageError, match="give two widths or more, and a dropout for each"):
        ClassicUNet(**choices)  # type: ignore[arg-type]
