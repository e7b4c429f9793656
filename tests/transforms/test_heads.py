"""Tests of usseg_monai.transforms.heads."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pytest
import torch

from usseg_monai.transforms.heads import EmptyUnlessPresentd, FinestHeadd, NameOutputsd, SplitHeadsd


def test_keeps_the_first_output_and_leaves_the_rest_alone() -> None:
    heads = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 1, 8, 6)
    item: dict[Hashable, Any] = {"pred": heads, "label": torch.ones(1, 8, 6)}
    result = FinestHeadd("pred")(item)
    assert torch.equal(result["pred"], torch.zeros(1, 8, 6))
    assert result["label"] is item["label"]
    assert item["pred"] is heads


def test_heads_get_keys_of_their_own_and_plain_targets_stay() -> None:
    heads = {"mask": torch.ones(1, 8, 6), "class": torch.tensor([1.0, 2.0])}
    item: dict[Hashable, Any] = {"pred": heads, "label": torch.zeros(1, 8, 6)}
    result = SplitHeadsd(["pred", "label"])(item)
    assert result["pred"] is heads["mask"] and result["pred_class"] is heads["class"]
    assert result["label"] is item["label"] and "label_class" not in result
    assert item["pred"] is heads


def test_numbers_get_their_names() -> None:
    result = NameOutputsd("pred_class", ["a", "b"])({"pred_class": torch.tensor([0.25, 0.75])})
    assert (result["a"], result["b"]) == (0.25, 0.75)
    with pytest.raises(ValueError, match="zip"):
        NameOutputsd("pred_class", ["a"])({"pred_class": torch.tensor([0.25, 0.75])})


@pytest.mark.parametrize(
    ("classes", "threshold", "stays"),
    [([0.6], 0.5, True), ([0.4], 0.5, False), ([0.4], 0.4, True), ([0.4, 0.3, 0.3], 0.5, True), ([0.7, 0.2, 0.1], 0.5, False)],
)
def test_masks_are_emptied_below_the_threshold(classes: list[float], threshold: float, stays: bool) -> None:
    mask = torch.ones(1, 4, 4)
    item: dict[Hashable, Any] = {"pred": mask, "pred_class": torch.tensor(classes)}
    result = EmptyUnlessPresentd("pred", threshold)(item)
    assert bool(result["pred"].all()) is bool(result["pred"].any()) is stays
    assert result["pred"].dtype == mask.dtype and bool(mask.all())


@pytest.mark.parametrize(("threshold", "confidence"), [(0.1, 0.7), (0.3, 0.8)])
def test_an_emptied_mask_has_a_confidence_of_its_own(threshold: float, confidence: float) -> None:
    item: dict[Hashable, Any] = {"pred": torch.ones(1, 4, 4), "pred_class": torch.tensor([0.8, 0.1, 0.1]), "confidence": 0.7}
    item["empty_confidence"] = 0.8
    result = EmptyUnlessPresentd("pred", threshold)(item)
    assert result["confidence"] == pytest.approx(confidence)
    assert item["confidence"] == 0.7


def test_networks_without_trust_are_no_error() -> None:
    item = NameOutputsd("pred_trust", ["unlikeness", "confidence"], allow_missing_keys=True)({"pred": torch.ones(1, 4, 4)})
    assert item.keys() == {"pred"}
    with pytest.raises(KeyError, match="pred_trust"):
        NameOutputsd("pred_trust", ["unlikeness", "confidence"])({"pred": torch.ones(1, 4, 4)})
