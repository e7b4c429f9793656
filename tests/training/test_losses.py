"""Tests of usseg_monai.training.losses against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from monai.losses import DiceCELoss
from torch import Tensor, nn

from usseg_monai.training.losses import DeepSupervisedLoss, EllipseMomentLoss, TwoHeadLoss, _moments


def ellipse(semi_axes: tuple[float, float], centre: tuple[float, float] = (96.0, 96.0), angle_deg: float = 0.0, side: int = 192) -> Tensor:
    """Mask ``(1, 1, side, side)`` of an ellipse, its border softened over a pixel so that areas are nearly exact."""
    rows, cols = torch.meshgrid(torch.arange(side) - centre[0], torch.arange(side) - centre[1], indexing="ij")
    angle = math.radians(angle_deg)
    along = (cols * math.cos(angle) + rows * math.sin(angle)) / semi_axes[0]
    across = (rows * math.cos(angle) - cols * math.sin(angle)) / semi_axes[1]
    radius = (along.square() + across.square()).sqrt()
    return ((1 - radius) * math.sqrt(semi_axes[0] * semi_axes[1]) + 0.5).clamp(0, 1)[None, None]


def logits(mask: Tensor) -> Tensor:
    """Logits whose sigmoid is the mask."""
    return torch.logit(mask, eps=1e-9)


def test_equal_ellipses_cost_nothing() -> None:
    mask = ellipse((50, 30))
    assert float(EllipseMomentLoss()(logits(mask), mask)) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("angle_deg", [0, 30, 90])
def test_an_ellipse_larger_by_a_tenth_costs_twice_the_logarithm(angle_deg: float) -> None:
    found, truth = ellipse((55, 33), angle_deg=angle_deg), ellipse((50, 30), angle_deg=angle_deg)
    assert float(EllipseMomentLoss()(logits(found), truth)) == pytest.approx(2 * math.log(1.1), abs=2e-3)


def test_one_longer_axis_costs_its_logarithm() -> None:
    assert float(EllipseMomentLoss()(logits(ellipse((55, 30))), ellipse((50, 30)))) == pytest.approx(math.log(1.1), abs=2e-3)


def test_a_shift_costs_its_share_of_the_mean_axis() -> None:
    found, truth = ellipse((50, 30), centre=(99, 100)), ellipse((50, 30))
    assert float(EllipseMomentLoss()(logits(found), truth)) == pytest.approx(5 / math.sqrt(50 * 30), abs=1e-3)


def test_each_term_is_at_most_one() -> None:
    found, truth = ellipse((90, 90)), ellipse((5, 4), centre=(10, 10))
    assert float(EllipseMomentLoss()(logits(found), truth)) == pytest.approx(3, abs=1e-6)


def test_images_with_an_empty_target_do_not_count() -> None:
    truth, found = ellipse((50, 30)), ellipse((55, 33))
    empty = torch.zeros_like(truth)
    alone = EllipseMomentLoss()(logits(found), truth)
    both = EllipseMomentLoss()(torch.cat([logits(found), logits(found)]), torch.cat([truth, empty]))
    assert float(both) == pytest.approx(float(alone))


def test_empty_targets_alone_give_zero_and_can_be_differentiated() -> None:
    prediction = torch.zeros(2, 1, 8, 8, requires_grad=True)
    loss = EllipseMomentLoss()(prediction, torch.zeros(2, 1, 8, 8))
    loss.backward()
    assert float(loss.detach()) == 0
    assert prediction.grad is not None and not prediction.grad.any()


@pytest.mark.parametrize("level", [-60.0, 0.0, 60.0])
def test_gradient_is_finite_for_flat_predictions(level: float) -> None:
    prediction = torch.full((1, 1, 32, 32), level, requires_grad=True)
    EllipseMomentLoss()(prediction, ellipse((10, 6), centre=(16, 16), side=32)).backward()
    assert prediction.grad is not None and prediction.grad.isfinite().all()


def test_gradient_is_that_of_finite_differences() -> None:
    """In float32, as the loss works in it: along one random direction."""
    torch.manual_seed(0)
    truth = ellipse((9, 6), centre=(12, 12), side=24)
    prediction = (logits(ellipse((7, 6), centre=(11, 12), side=24)).clamp(-4, 4) + 0.1 * torch.randn_like(truth)).requires_grad_()
    EllipseMomentLoss()(prediction, truth).backward()
    assert prediction.grad is not None
    direction, step = torch.randn_like(truth), 2e-3
    with torch.no_grad():
        ahead, behind = (float(EllipseMomentLoss()(prediction + sign * step * direction, truth)) for sign in (1, -1))
    assert float((prediction.grad * direction).sum()) == pytest.approx((ahead - behind) / (2 * step), rel=0.02)


def test_a_far_false_positive_pulls_harder_than_a_near_one() -> None:
    truth = ellipse((30, 20), centre=(60, 60))
    slopes = []
    for place in (96, 180):
        prediction = logits(truth).clamp(-6, 6)
        prediction[..., place : place + 4, place : place + 4] = 0
        prediction.requires_grad_()
        EllipseMomentLoss()(prediction, truth).backward()
        assert prediction.grad is not None
        slopes.append(float(prediction.grad[..., place : place + 4, place : place + 4].mean()))
    assert slopes[1] > 2 * slopes[0] > 0


class _Mean(nn.Module):
    """A region loss whose value shows what it was given."""

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        return prediction.mean() + 0 * target.sum()


def test_deep_supervision_weighs_the_coarser_outputs() -> None:
    prediction = torch.stack([torch.full((2, 1, 4, 4), value) for value in (1.0, 10.0, 100.0)], dim=1)
    loss = DeepSupervisedLoss(_Mean(), auxiliary_weight=0.25)
    assert float(loss(prediction, torch.zeros(2, 1, 4, 4))) == pytest.approx(1 + 0.25 * 110)


def test_the_shape_loss_sees_the_finest_output_only() -> None:
    prediction = torch.stack([torch.full((2, 1, 4, 4), value) for value in (1.0, 10.0)], dim=1)
    loss = DeepSupervisedLoss(_Mean(), shape=_Mean(), shape_weight=0.5, auxiliary_weight=0.0)
    assert float(loss(prediction, torch.zeros(2, 1, 4, 4))) == pytest.approx(1.5)


def test_an_output_without_coarser_heads_is_the_region_loss() -> None:
    target = ellipse((9, 6), centre=(12, 12), side=24)
    prediction = torch.randn(1, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    region = DiceCELoss(sigmoid=True)
    assert torch.equal(DeepSupervisedLoss(region)(prediction, target), region(prediction, target))


def test_two_heads_add_up_and_unknown_classes_do_not_count() -> None:
    prediction = {"mask": torch.full((2, 1, 4, 4), 2.0), "class": torch.tensor([[0.0, 0.0], [0.0, 0.0]])}
    mask = torch.zeros(2, 1, 4, 4)
    loss = TwoHeadLoss(_Mean(), nn.CrossEntropyLoss(), class_weight=0.5)
    assert float(loss(prediction, mask)) == 2.0
    assert float(loss(prediction, {"mask": mask, "class": torch.tensor([0, 1])})) == pytest.approx(2 + 0.5 * math.log(2))


@pytest.mark.parametrize(("rows", "semi_minor"), [(1, 1.0), (2, 1.0), (3, 2 * math.sqrt(2 / 3))])
def test_a_thin_structure_is_no_thinner_than_two_pixels(rows: int, semi_minor: float) -> None:
    """The variance across is (rows^2 - 1) / 12, and at least a quarter: the logarithm of an axis stays finite."""
    mask = torch.zeros(1, 1, 64, 64)
    mask[:, :, 30 : 30 + rows, 12:52] = 1
    _, axes = _moments(mask)
    assert float(axes[0, 1]) == pytest.approx(semi_minor, abs=1e-3)
    assert float(axes[0, 0]) == pytest.approx(2 * math.sqrt((40**2 - 1) / 12), abs=1e-2)
