"""Tests of usseg_monai.networks.two_heads."""

from __future__ import annotations

import pytest
import torch

from usseg_monai.networks.two_heads import ResidualUNetWithClasses, pool

TINY = (4, 6, 8)


def test_gives_both_heads_in_both_modes() -> None:
    network = ResidualUNetWithClasses(3, widths=(4, 6, 8, 10))
    image = torch.rand(2, 1, 32, 48)
    trained, evaluated = network.train()(image), network.eval()(image)
    assert (trained["mask"].shape, trained["class"].shape) == ((2, 3, 1, 32, 48), (2, 3))
    assert (evaluated["mask"].shape, evaluated["class"].shape) == ((2, 1, 32, 48), (2, 3))


def test_scripted_network_gives_the_same() -> None:
    network = ResidualUNetWithClasses(1, widths=TINY).eval()
    image = torch.rand(2, 1, 16, 24)
    scripted = torch.jit.script(network)(image)
    assert all(torch.equal(scripted[name], output) for name, output in network(image).items())


def test_temperature_divides_class_logits_outside_training_only() -> None:
    network = ResidualUNetWithClasses(3, widths=TINY, dropout=0.0).eval()
    image = torch.rand(2, 1, 16, 24)
    before = network(image)
    network.get_buffer("temperature").fill_(4.0)
    after = network(image)
    torch.testing.assert_close(after["class"], before["class"] / 4)
    assert torch.equal(after["mask"], before["mask"])
    network.unet.eval(), network.classifier.eval()
    network.training = True
    torch.testing.assert_close(network(image)["class"], before["class"])


def test_classes_do_not_bend_the_mask() -> None:
    """Of the mask's own head no weight gets a gradient from the classes; the shared features do."""
    network = ResidualUNetWithClasses(3, widths=(4, 6, 8, 10)).train()
    network(torch.rand(2, 1, 16, 32))["class"].square().sum().backward()
    assert network.get_parameter("unet.head.weight").grad is None
    assert network.get_parameter("unet.stem.0.weight").grad is not None


def test_every_weight_learns_from_both() -> None:
    network = ResidualUNetWithClasses(3, widths=(4, 6, 8, 10)).train()
    outputs = network(torch.rand(2, 1, 32, 16))
    (outputs["mask"].square().mean() + outputs["class"].square().mean()).backward()
    assert [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.isfinite().all()] == []


def test_pooling_looks_into_the_structure() -> None:
    features, structure = torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 16, 16)
    features[..., :2, :2], structure[..., :8, :8] = 3.0, 1.0
    mean, largest, inside = pool(features, structure, 4)[0].tolist()
    assert (mean, largest) == (0.75, 3.0)
    assert 2.9 < inside < 3.0
    assert pool(features, torch.zeros(1, 1, 16, 16), 4)[0, 2] == 0


@pytest.mark.parametrize("cell", [16, 32])
def test_pooling_by_cells_is_pooling_to_the_size_of_the_features(cell: int) -> None:
    """The weights were trained with the latter."""
    structure = torch.rand(2, 1, 192, 256)
    features = torch.rand(2, 3, 192 // cell, 256 // cell)
    weight = torch.nn.functional.adaptive_avg_pool2d(structure, (features.size(2), features.size(3)))
    inside = (features * weight).sum((2, 3)) / (weight.sum((2, 3)) + 0.1)
    torch.testing.assert_close(pool(features, structure, cell)[:, -3:], inside, atol=1e-6, rtol=0)
