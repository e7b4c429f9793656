"""The nerve competition's mean Dice is MONAI's `DiceMetric` with ``ignore_empty=False``: no metric of our own is needed.

Its rule: overlap where a frame has a nerve, 1 for an empty mask on a frame without one, 0 for any pixel there.
"""

from __future__ import annotations

import pytest
import torch
from monai.metrics import DiceMetric

from usseg_monai.evaluation.overlap import dice


def mask(*pixels: int) -> torch.Tensor:
    found = torch.zeros(1, 4, 4)
    found.view(-1)[list(pixels)] = 1
    return found


CASES = [
    (mask(), mask(), 1.0),
    (mask(3), mask(), 0.0),
    (mask(), mask(3), 0.0),
    (mask(1, 2), mask(2, 3), 0.5),
    (mask(1, 2), mask(1, 2), 1.0),
]


def mean_of(metric: DiceMetric) -> float:
    mean = metric.aggregate()
    assert isinstance(mean, torch.Tensor)
    return mean.item()


def test_every_case_and_their_mean() -> None:
    metric = DiceMetric(include_background=True, ignore_empty=False)
    for predicted, true, expected in CASES:
        assert torch.as_tensor(metric([predicted], [true])).item() == pytest.approx(expected)
        assert dice(predicted.numpy(), true.numpy()) == pytest.approx(expected)
    assert mean_of(metric) == pytest.approx(sum(expected for *_, expected in CASES) / len(CASES))


def test_leaving_empty_truth_out_gives_dice_on_positives() -> None:
    metric = DiceMetric(include_background=True, ignore_empty=True)
    for predicted, true, _ in CASES:
        metric([predicted], [true])
    assert mean_of(metric) == pytest.approx((0 + 0.5 + 1) / 3)
