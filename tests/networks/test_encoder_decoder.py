"""The encoder-decoder: shapes, choices, script and ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from usseg_monai.errors import UsageError
from usseg_monai.networks.encoder_decoder import UPSAMPLE_MODES, EncoderDecoder

WIDTHS = (4, 8, 12)


def network(**choices: Any) -> EncoderDecoder:
    torch.manual_seed(0)
    return EncoderDecoder(**{"widths": WIDTHS, **choices}).eval()


@pytest.mark.parametrize("upsample", UPSAMPLE_MODES)
@pytest.mark.parametrize("widths", [(4,), (4, 8), (8, 4, 4, 8)])
def test_logits_have_the_size_of_the_image(upsample: str, widths: tuple[int, ...]) -> None:
    image = torch.rand(2, 3, 48, 32)
    assert network(in_channels=3, out_channels=2, widths=widths, upsample=upsample)(image).shape == (2, 2, 48, 32)


def test_depth_is_the_number_of_widths() -> None:
    coarsest = network().encoder(torch.rand(1, 1, 48, 32))
    assert coarsest.shape == (1, WIDTHS[-1], 48 // 2 ** len(WIDTHS), 32 // 2 ** len(WIDTHS))


def test_nothing_passes_beside_the_coarsest_features() -> None:
    whole = network()
    whole.encoder[-1].register_forward_hook(lambda module, inputs, output: torch.zeros_like(output))
    first, second = whole(torch.zeros(1, 1, 48, 32)), whole(torch.rand(1, 1, 48, 32))
    assert torch.equal(first, second)


@pytest.mark.parametrize(("activation", "kind"), [("relu", nn.ReLU), ("leakyrelu", nn.LeakyReLU), ("elu", nn.ELU)])
def test_activation_by_name(activation: str, kind: type[nn.Module]) -> None:
    names = {type(module) for module in network(activation=activation).modules()}
    assert names & {nn.ReLU, nn.LeakyReLU, nn.ELU} == {kind}


@pytest.mark.parametrize(("upsample", "transposed"), [("transposed", len(WIDTHS)), ("interpolation", 0)])
def test_upsampling_by_name(upsample: str, transposed: int) -> None:
    assert sum(isinstance(module, nn.ConvTranspose2d) for module in network(upsample=upsample).modules()) == transposed


@pytest.mark.parametrize("choices", [{"widths": ()}, {"upsample": "nearest"}])
def test_wrong_choices_say_what_is_allowed(choices: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"for example|must be one of transposed, interpolation"):
        EncoderDecoder(**choices)  # type: ignore[arg-type]


@pytest.mark.parametrize("upsample", UPSAMPLE_MODES)
def test_script_and_onnx_give_the_same_logits(upsample: str, tmp_path: Path) -> None:
    whole, image = network(upsample=upsample), torch.rand(1, 1, 48, 32)
    with torch.inference_mode():
        expected = whole(image)
        torch.testing.assert_close(torch.jit.script(whole)(image), expected)
    graph = tmp_path / "network.onnx"
    torch.onnx.export(whole, (image,), graph, dynamo=True, external_data=False, verbose=False, input_names=["image"])
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"image": image.numpy()})[0], expected.numpy(), atol=1e-5)


def test_learns() -> None:
    whole = network(widths=(4, 8)).train()
    image = torch.zeros(1, 1, 32, 32)
    image[..., 8:24, 8:24] = 1
    optimizer = torch.optim.Adam(whole.parameters(), lr=0.02)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(whole(image), image)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
