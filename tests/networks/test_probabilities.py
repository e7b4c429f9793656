"""Logits to probabilities, against the definitions."""

from __future__ import annotations

import pytest
import torch

from usseg_monai.networks.probabilities import of_classes, of_structure, presence


def test_one_mask_logit_is_a_sigmoid() -> None:
    logits = torch.tensor([[[-2.0, 0.0, 3.0]]])
    assert of_structure(logits)[0, 0].tolist() == pytest.approx([0.119203, 0.5, 0.952574], abs=1e-6)


def test_two_mask_logits_are_a_softmax() -> None:
    logits = torch.randn(3, 2, 5, 4, generator=torch.Generator().manual_seed(0)) * 5
    assert torch.allclose(of_structure(logits), torch.softmax(logits, 1)[:, 1:], atol=1e-6)


def test_classes() -> None:
    assert of_classes(torch.tensor([[0.0]])).tolist() == [[0.5]]
    several = of_classes(torch.tensor([[1.0, 2.0, 3.0]]))
    assert several.sum() == pytest.approx(1) and several.argmax() == 2


def test_presence_is_the_only_class_or_all_but_the_first() -> None:
    assert presence(torch.tensor([[0.25]])).tolist() == [0.25]
    assert presence(torch.tensor([[0.25, 0.5, 0.25]])).tolist() == [0.75]
