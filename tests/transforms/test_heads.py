"""Tests of usseg_monai.transforms.heads."""

from __future__ import annotations

import torch

from usseg_monai.transforms.heads import FinestHeadd


def test_keeps_the_first_output_and_leaves_the_rest_alone() -> None:
    heads = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 1, 8, 6)
    item = {"pred": heads, "label": torch.ones(1, 8, 6)}
    result = FinestHeadd("pred")(item)
    assert torch.equal(result["pred"], torch.zeros(1, 8, 6))
    assert result["label"] is item["label"]
    assert item["pred"] is heads
