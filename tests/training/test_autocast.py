"""Tests of usseg_monai.training.autocast."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from usseg_monai.training.autocast import AutocastInferer


class Spy(nn.Module):
    """A layer that remembers the type it computed in."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.layer(x)
        self.seen = result.dtype
        return result


@pytest.mark.parametrize(("enabled", "inside"), [(True, torch.bfloat16), (False, torch.float32)])
def test_computes_in_bfloat16_on_a_cpu_and_returns_float32(enabled: bool, inside: torch.dtype) -> None:
    network = Spy()
    output = AutocastInferer(enabled)(torch.ones(1, 1, 4, 4), network)
    assert network.seen == inside
    assert output.dtype == torch.float32


def test_gradients_stay_float32() -> None:
    network = Spy()
    AutocastInferer()(torch.ones(1, 1, 4, 4), network).sum().backward()
    assert network.layer.weight.grad is not None and network.layer.weight.grad.dtype == torch.float32
