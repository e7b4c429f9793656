"""Tests of usseg_monai.training.batches."""

from __future__ import annotations

import torch
from torch import Tensor

from usseg_monai.training.batches import prepare_class, prepare_presence


def batch() -> dict[str, Tensor]:
    mask = torch.zeros(3, 1, 8, 6)
    mask[1, 0, 2:4, 2:4] = 1
    return {"image": torch.rand(3, 1, 8, 6), "label": mask}


def test_class_goes_with_the_mask() -> None:
    image, target = prepare_class(batch() | {"class": torch.tensor([0, 2, 1])}, "cpu")
    assert isinstance(target, dict) and target["class"].tolist() == [0, 2, 1]
    assert image.shape == target["mask"].shape == (3, 1, 8, 6)


def test_without_a_class_there_is_the_mask_alone() -> None:
    _, target = prepare_class(batch(), "cpu", memory_format=torch.channels_last)
    assert isinstance(target, Tensor) and torch.equal(target, batch()["label"])


def test_presence_follows_from_the_mask() -> None:
    _, target = prepare_presence(batch())
    assert isinstance(target, dict) and target["class"].tolist() == [[0.0], [1.0], [0.0]]
