"""The teaching classifier: its layers, and an answer in the form of the networks with two heads."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from usseg_monai.errors import UsageError
from usseg_monai.teaching.classifier import TeachingClassifier

SMALL: dict[str, Any] = {"classes": 3, "image_size": (32, 24), "widths": (4, 6), "hidden": 8}


def test_pads_nothing_and_knows_its_places() -> None:
    network = TeachingClassifier(classes=3)
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert {layer.padding for layer in convolutions} == {(0, 0)}
    assert network.features(torch.zeros(1, 1, 256, 256)).shape == (1, 128, 6, 6)
    assert network.classifier[1].in_features == 128 * 6 * 6
    kinds = {type(layer) for layer in network.modules()}
    assert {nn.BatchNorm2d, nn.Flatten, nn.Linear, nn.Dropout} <= kinds


def test_answers_as_a_network_with_two_heads_with_an_empty_mask() -> None:
    answer = TeachingClassifier(**SMALL).eval()(torch.rand(2, 1, 32, 24))
    assert {name: tuple(logits.shape) for name, logits in answer.items()} == {"mask": (2, 1, 32, 24), "class": (2, 3)}
    assert float(torch.sigmoid(answer["mask"]).max()) < 1e-6


def test_script_gives_the_same_logits() -> None:
    torch.manual_seed(0)
    network, image = TeachingClassifier(**SMALL).eval(), torch.rand(2, 1, 32, 24)
    with torch.inference_mode():
        torch.testing.assert_close(torch.jit.script(network)(image), network(image))


def test_learns() -> None:
    torch.manual_seed(0)
    network = TeachingClassifier(**SMALL)
    images = torch.rand(6, 1, 32, 24) * torch.tensor([0.1, 0.5, 1.0]).repeat(2).view(6, 1, 1, 1)
    classes = torch.tensor([0, 1, 2]).repeat(2)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(images)["class"], classes)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_an_image_too_small_for_the_levels_is_refused() -> None:
    with pytest.raises(UsageError, match="too small for 5 levels"):
        TeachingClassifier(classes=3, image_size=(48, 64))
