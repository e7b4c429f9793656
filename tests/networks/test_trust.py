"""Tests of usseg_monai.networks.trust."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from usseg_monai.networks.residual_unet import ResidualUNet
from usseg_monai.networks.trust import Trust, TrustInferer, answer_with_trust, describe, pool
from usseg_monai.networks.two_heads import ResidualUNetWithClasses

NETWORKS = [ResidualUNet(widths=(4, 6, 8)), ResidualUNet(out_channels=2, widths=(4, 6, 8)), ResidualUNetWithClasses(3, widths=(4, 6, 8))]


@pytest.fixture
def trust() -> Trust:
    """Of 18 features that are 1 on average, differ by 2, and of which the first two are the directions in which training images differ."""
    trust = Trust(features=18, components=2)
    trust.center.fill_(1.0)
    trust.scale.fill_(2.0)
    trust.directions.copy_(torch.eye(18)[:, :2])
    trust.limit.fill_(0.5)
    return trust


def half_a_picture(inside: float, outside: float = 0.0) -> Tensor:
    probability = torch.full((1, 1, 40, 60), outside)
    probability[..., :20, :] = inside
    return probability


@pytest.mark.parametrize(("third", "distance"), [(1.0, 0.0), (7.0, 3 / math.sqrt(18)), (-5.0, 3 / math.sqrt(18))])
def test_distance_is_what_lies_outside_the_known_directions(trust: Trust, third: float, distance: float) -> None:
    pooled = torch.ones(1, 18)
    pooled[0, :2] = 100  # however far along directions in which training images differ
    pooled[0, 2] = third
    assert float(trust.distance(pooled)) == pytest.approx(distance, abs=1e-5)


def features_of(pooled: Tensor) -> list[Tensor]:
    """Three levels whose means are the given 18 features."""
    first, second, third = pooled.split([4, 6, 8])
    return [level[None, :, None, None].expand(-1, -1, side, side) for level, side in ((first, 8), (second, 4), (third, 2))]


@pytest.mark.parametrize(("kind_limit", "unlikeness"), [(1.0, 1.0), (1.6, 0.625)])
def test_each_distance_is_one_at_its_limit(kind_limit: float, unlikeness: float, trust: Trust) -> None:
    trust.kind_limit.fill_(kind_limit)
    pooled = torch.ones(18)
    pooled[4] = 1 + 2 * 0.5 * math.sqrt(18)
    found = trust(features_of(pooled), half_a_picture(1.0))[0, :2]
    assert found.tolist() == pytest.approx([unlikeness, 1.0])


@pytest.mark.parametrize(("feature", "unlikeness"), [(1.0, 0.2988), (3.0, 0.5556), (7.394449, 1.0), (9.0, 1.0584), (900.0, 1.0584)])
def test_the_probability_of_another_kind_counts_in_units_of_what_is_sure(feature: float, unlikeness: float, trust: Trust) -> None:
    """A feature in a known direction, which the distance does not see; beyond four deviations it says no more."""
    trust.kinds[0], trust.kinds[-1] = 1.0, -1.0
    pooled = torch.ones(18)
    pooled[0] = feature
    found, distance, _ = trust(features_of(pooled), half_a_picture(1.0))[0].tolist()
    assert distance == pytest.approx(0.0, abs=1e-5)
    assert found == pytest.approx(unlikeness, abs=1e-4)


def test_before_kinds_are_fitted_there_is_one_limit(trust: Trust) -> None:
    fresh = Trust(features=18, components=2)
    found, distance, _ = fresh(features_of(torch.rand(18)), half_a_picture(1.0))[0].tolist()
    assert found == distance > 0


def test_features_of_all_levels_are_averaged() -> None:
    levels = [torch.rand(2, 4, 8, 8), torch.rand(2, 6, 4, 4), torch.rand(2, 8, 2, 2)]
    assert torch.equal(pool(levels)[:, 4:10], levels[1].mean((2, 3)))
    assert pool(levels).shape == (2, 18)


@pytest.mark.parametrize(
    ("probability", "overlap", "steady"),
    [
        (half_a_picture(1.0), 1.0, 1.0),
        (half_a_picture(0.6), 0.75, 0.0),  # 2 * 0.6 / (0.6 + 1)
        (half_a_picture(1.0, outside=0.25), 2 / 2.25, 0.5),
        (torch.zeros(1, 1, 40, 60), 0.0, 0.0),
    ],
)
def test_descriptors_of_plain_maps(probability: Tensor, overlap: float, steady: float) -> None:
    described = describe(probability, torch.tensor([math.e]))[0].tolist()
    assert described == pytest.approx([overlap, steady, 1.0], abs=0.003)


def test_confidence_is_the_fitted_logistic_function(trust: Trust) -> None:
    trust.descriptor_mean.copy_(torch.tensor([0.5, 0.0, 0.0]))
    trust.descriptor_deviation.copy_(torch.tensor([0.25, 1.0, 1.0]))
    trust.coefficients.copy_(torch.tensor([1.5, 0.0, 0.0, -1.0]))
    features = [torch.ones(1, 4, 8, 8), torch.ones(1, 6, 4, 4), torch.ones(1, 8, 2, 2)]
    confidence = float(trust(features, half_a_picture(1.0))[0, 2])
    assert confidence == pytest.approx(1 / (1 + math.exp(-(1.5 * 2 - 1))), abs=0.002)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_answer_itself_is_not_changed(network: torch.nn.Module, trust: Trust) -> None:
    image = torch.rand(2, 1, 32, 24)
    with torch.inference_mode():
        plain, judged = network.eval()(image), answer_with_trust(network, trust, image)
    heads = plain if isinstance(plain, dict) else {"mask": plain}
    assert judged.keys() == {*heads, "trust"}
    assert all(torch.equal(judged[name], head) for name, head in heads.items())
    assert judged["trust"].shape == (2, 4 if "class" in heads else 3)


@pytest.mark.parametrize(("logits", "presence"), [([[1.0]], 0.7310586), ([[math.log(2), 0.0, 0.0]], 0.5)])
def test_without_a_structure_no_dice_is_expected(logits: list[list[float]], presence: float, trust: Trust) -> None:
    network = ResidualUNetWithClasses(len(logits[0]), widths=(4, 6, 8)).eval()
    last: Any = network.classifier[-1]
    torch.nn.init.zeros_(last.weight)
    last.bias.data = torch.tensor(logits[0])
    image = torch.rand(1, 1, 32, 24)
    with torch.inference_mode():
        features = network.encode(image)
        expected = trust(features, torch.sigmoid(network(image)["mask"]))[0]
        judged = answer_with_trust(network, trust, image)["trust"][0]
    unlikeness, distance, confidence = expected.tolist()
    assert judged.tolist() == pytest.approx([unlikeness, distance, confidence * presence, 1 - presence], rel=1e-5)


@pytest.mark.parametrize(("distance", "worth"), [(0.0, 1.0), (0.7, 1.0), (1.4, 1 / 16)])
def test_far_from_home_an_empty_mask_is_believed_less(distance: float, worth: float, trust: Trust) -> None:
    assert float(trust.familiarity(torch.tensor([distance]))) == 1.0  # before it is fitted
    trust.familiar.fill_(0.7)
    assert float(trust.familiarity(torch.tensor([distance]))) == pytest.approx(worth)


def test_the_inferer_goes_without_trust(trust: Trust) -> None:
    network, image = NETWORKS[0].eval(), torch.rand(1, 1, 32, 24)
    with torch.inference_mode():
        assert torch.equal(TrustInferer(None)(image, network), network(image))
        assert TrustInferer(trust)(image, network).keys() == {"mask", "trust"}
