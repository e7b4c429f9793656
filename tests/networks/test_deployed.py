"""Tests of usseg_monai.networks.deployed: the exported module does what the bundle's MONAI chain does."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor, decollate_batch, list_data_collate
from monai.transforms import AsDiscreted, Compose, EnsureChannelFirstd, LoadImaged, SaveImaged
from torch import Tensor, nn

from usseg_monai import bundle_path
from usseg_monai.measuring.result import TRUST_OUTPUTS
from usseg_monai.networks.deployed import Deployed
from usseg_monai.networks.residual_unet import ResidualUNet
from usseg_monai.networks.trust import Trust, TrustInferer
from usseg_monai.networks.two_heads import ResidualUNetWithClasses
from usseg_monai.tasks import TASKS, get_task

SIZE = (64, 32)  # W, H


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(3)
    return ResidualUNet(widths=(4, 6, 8)).eval()


def config_of(task: str, presence_threshold: float) -> ConfigParser:
    """A bundle's inference.json with a narrow network, as far as it has widths, and small images."""
    parser = ConfigParser()
    parser.read_config(str(bundle_path(task) / "configs" / "inference.json"))
    parser["image_size"] = list(SIZE)
    parser["network_def"]["widths"] = [4, 6, 8, 10]
    if "presence_threshold" in parser:
        parser["presence_threshold"] = presence_threshold
    return parser


def some_trust(network: Any) -> Trust:
    generator = torch.Generator().manual_seed(5)
    with torch.inference_mode():
        features = sum(level.shape[1] for level in network.encode(torch.zeros(1, 1, 64, 64)))
    trust = Trust(features, 3)
    trust.center.copy_(torch.rand(features, generator=generator))
    trust.directions.copy_(torch.linalg.qr(torch.rand(features, 3, generator=generator)).Q)
    trust.coefficients.copy_(torch.rand(4, generator=generator))
    return trust


def monai_chain(parser: ConfigParser, task: str, network: nn.Module, trust: Trust, pixels: Tensor) -> tuple[Tensor, Tensor, list[float]]:
    """Probability and mask ``(rows, cols)`` and further outputs by pre- and post-processing of a config, without files."""
    before = parser.get_parsed_content("preprocessing").transforms
    after = [step for step in parser.get_parsed_content("postprocessing").transforms if not isinstance(step, SaveImaged)]
    cut = next(index for index, step in enumerate(after) if isinstance(step, AsDiscreted))
    prepare = Compose([step for step in before if not isinstance(step, (LoadImaged, EnsureChannelFirstd))])
    batch = list_data_collate([prepare({"image": MetaTensor(pixels.t()[None])})])
    with torch.inference_mode():
        batch["pred"] = TrustInferer(trust)(batch["image"], network)
    item = Compose(after[:cut])(decollate_batch(batch)[0])
    probability = item["pred"].as_tensor()[-1].t().clone()
    item = Compose(after[cut:])(item)
    return probability, item["pred"].as_tensor().t(), [item[name] for name in (*TRUST_OUTPUTS, *get_task(task).outputs)]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(("shape", "threshold"), [((37, 53), 0.0), ((96, 120), 0.0), ((301, 300), 0.0), ((9, 200), 0.0), ((37, 53), 1.0)])
def test_equals_the_monai_chain(task: str, shape: tuple[int, int], threshold: float) -> None:
    parser = config_of(task, threshold)
    torch.manual_seed(3)
    network = parser.get_parsed_content("network_def").eval()
    pixels = torch.rand(shape, generator=torch.Generator().manual_seed(1)) * 255
    with torch.inference_mode():
        probability, mask, *others = Deployed(network, SIZE, threshold, some_trust(network))(pixels)
    expected_probability, expected_mask, expected_others = monai_chain(parser, task, network, some_trust(network), pixels)
    assert probability.shape == mask.shape == shape
    assert mask.dtype == expected_mask.dtype == torch.uint8
    assert torch.allclose(probability, expected_probability, atol=1e-5)
    undecided = (expected_probability - 0.5).abs() < 1e-5
    assert torch.equal(mask[~undecided], expected_mask[~undecided])
    assert [float(number) for number in others] == pytest.approx(expected_others, abs=1e-5)


class _Fixed(nn.Module):
    """Takes everything for the structure, and answers with fixed class logits."""

    def __init__(self, logits: list[float]) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        return {"mask": torch.full_like(image, 5.0), "class": torch.tensor([self.logits])}


@pytest.mark.parametrize(
    ("logits", "probabilities", "found"),
    [
        ([2.0], [0.881], True),
        ([-2.0], [0.119], False),
        ([3.0, 0.0, 0.0], [0.909, 0.045, 0.045], False),
        ([0.0, 1.0, 1.0], [0.155, 0.422, 0.422], True),
    ],
)
def test_the_mask_is_empty_unless_the_structure_is_present(logits: list[float], probabilities: list[float], found: bool) -> None:
    probability, mask, *classes = Deployed(_Fixed(logits), SIZE, presence_threshold=0.5)(torch.rand(30, 20))
    assert [float(number) for number in classes] == pytest.approx(probabilities, abs=1e-3)
    assert bool(mask.all()) is bool(mask.any()) is found
    assert float(probability.min()) > 0.99  # the map stays, for whoever wants to look


def test_does_not_depend_on_the_range_of_the_grey_values(network: nn.Module) -> None:
    pixels = torch.rand(40, 60, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        outputs = [Deployed(network, SIZE)(pixels * scale + offset)[0] for scale, offset in ((1, 0), (255, 0), (4000, -1000))]
    assert torch.allclose(outputs[0], outputs[1], atol=1e-4)
    assert torch.allclose(outputs[0], outputs[2], atol=1e-3)


def test_constant_image_gives_finite_probabilities(network: nn.Module) -> None:
    with torch.inference_mode():
        probability, mask = Deployed(network, SIZE)(torch.full((30, 20), 7.0))
    assert probability.isfinite().all()
    assert set(mask.unique().tolist()) <= {0, 1}


@pytest.mark.parametrize(("threshold", "gated"), [(0.0, False), (1.0, True)])
def test_confidence_in_an_empty_mask_is_that_there_is_nothing(threshold: float, gated: bool) -> None:
    network = ResidualUNetWithClasses(3, widths=(4, 6, 8)).eval()
    with torch.inference_mode():
        _, mask, _, _, confidence, nothing, *_ = Deployed(network, SIZE, threshold, some_trust(network))(torch.rand(30, 20))
    assert bool(torch.isclose(confidence, nothing)) is gated
    assert not gated or not mask.any()


def test_axes_are_not_swapped() -> None:
    """A network that returns its input answers with the picture itself: bright on the right stays on the right."""
    pixels = torch.zeros(30, 40)
    pixels[5:10, 30:38] = 1
    mask = Deployed(nn.Identity(), (40, 30))(pixels)[1]
    assert torch.equal(mask, pixels.to(torch.uint8))


class Certain(nn.Module):
    """Fills the picture with structure, and gives its presence a probability of a half."""

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        return {"mask": torch.ones_like(image), "class": torch.zeros(len(image), 1)}


def test_without_a_threshold_no_mask_is_emptied() -> None:
    _, mask, presence = Deployed(_Fixed([-9.0]), SIZE)(torch.rand(30, 20))
    assert mask.all() and float(presence) < 0.001


@pytest.mark.parametrize(("threshold", "found"), [(0.5, True), (0.500001, False)])
def test_a_presence_at_the_threshold_is_found(threshold: float, found: bool) -> None:
    _, mask, presence = Deployed(Certain(), SIZE, threshold)(torch.rand(20, 30))
    assert (float(presence), bool(mask.all()), bool(mask.any())) == (0.5, found, found)


@pytest.mark.parametrize(("logit", "inside"), [(0.0, 1), (-1e-6, 0)])
def test_a_probability_of_one_half_is_inside(logit: float, inside: int) -> None:
    class Constant(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            return torch.full_like(image, logit)

    probability, mask = Deployed(Constant(), SIZE)(torch.rand(40, 30))
    assert probability.shape == mask.shape == (40, 30)
    assert mask.unique().tolist() == [inside]
