"""Pixel accuracy against counting."""

from __future__ import annotations

import pytest
import torch

from usseg_monai.metrics.pixel_accuracy import PixelAccuracy


def test_mean_over_cases():
    metric = PixelAccuracy()
    true = torch.zeros(2, 1, 4, 5)
    found = true.clone()
    found[0, 0, 0, :3] = 1
    assert metric(found, true)[:, 0].tolist() == [0.85, 1.0]
    metric([found[0]], [true[0]])
    assert metric.aggregate().item() == pytest.approx(0.9)


def test_a_pixel_is_right_only_if_all_channels_are():
    found, true = torch.zeros(1, 2, 1, 2), torch.zeros(1, 2, 1, 2)
    found[0, 1, 0, 0] = 1
    assert PixelAccuracy()(found, true).item() == 0.5


def test_shapes_must_match():
    with pytest.raises(ValueError, match="shapes"):
        PixelAccuracy()(torch.zeros(1, 1, 2, 2), torch.zeros(1, 2, 2, 2))
