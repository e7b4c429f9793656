"""Tests of usseg_monai.training.autocast."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from usseg_monai.training.autocast import AutocastInferer, computes_bfloat16


class Spy(nn.Module):
    """A layer that remembers the type it computed in."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.layer(x)
        self.seen = result.dtype
        return result


@pytest.mark.parametrize(
    ("enabled", "capabilities", "inside"),
    [
        (True, {"avx512_bf16": True}, torch.bfloat16),
        (True, {"amx_bf16": True}, torch.bfloat16),
        (True, {"bf16": True}, torch.bfloat16),
        (True, {"avx512_bf16": False, "avx512_f": True}, torch.float32),
        (False, {"avx512_bf16": True}, torch.float32),
    ],
)
def test_computes_in_bfloat16_where_a_cpu_can_and_returns_float32(
    enabled: bool, capabilities: dict[str, bool], inside: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    network = Spy()
    output = AutocastInferer(enabled)(torch.ones(1, 1, 4, 4), network)
    assert network.seen == inside
    assert output.dtype == torch.float32


def test_a_version_that_does_not_tell_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert not computes_bfloat16(torch.device("cpu"))


@pytest.mark.parametrize("native", [True, False])
def test_a_gpu_is_asked(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native and not including_emulation)
    assert computes_bfloat16(torch.device("cuda")) is native


def test_gradients_stay_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    network = Spy()
    AutocastInferer()(torch.ones(1, 1, 4, 4), network).sum().backward()
    assert network.layer.weight.grad is not None and network.layer.weight.grad.dtype == torch.float32
