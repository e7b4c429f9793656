"""The metric against measurements one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.measurements.heads import draw_head
from usseg_monai.measurements.ellipse import Ellipse
from usseg_monai.metrics.head_circumference import HeadCircumferenceError

TRUE, LARGE, SMALL = (Ellipse(60, 70, size, 0.8 * size, 20) for size in (40.0, 42.0, 39.0))


def as_mask(ellipse: Ellipse) -> torch.Tensor:
    return torch.from_numpy(draw_head(ellipse, (120, 140)))[None]


def test_aggregate_over_batches_and_lists():
    metric = HeadCircumferenceError(large=2.0)
    first = metric(torch.stack([as_mask(LARGE), as_mask(SMALL)]), torch.stack([as_mask(TRUE)] * 2), spacing=[(0.1, 0.1), (0.2, 0.2)])
    second = metric([as_mask(LARGE)], [as_mask(TRUE)], spacing=(0.2, 0.2))
    assert first.shape == (2, 1) and second.shape == (1, 1)
    expected = np.array([0.1, -0.1, 0.2]) * (LARGE.perimeter - TRUE.perimeter)
    assert torch.cat([first, second])[:, 0].numpy() == pytest.approx(expected, abs=0.1)
    absolute, signed, share = metric.aggregate()
    assert absolute.item() == pytest.approx(np.abs(expected).mean(), abs=0.1)
    assert signed.item() == pytest.approx(expected.mean(), abs=0.1)
    assert share.item() == pytest.approx(1 / 3)
    metric.reset()
    assert metric.get_buffer() is None


def test_without_spacing_in_pixels_and_the_last_channel_counts():
    head = as_mask(LARGE)
    found = HeadCircumferenceError()([torch.cat([~head, head])], [torch.cat([~as_mask(TRUE), as_mask(TRUE)])])
    assert found.item() == pytest.approx(LARGE.perimeter - TRUE.perimeter, abs=0.6)


def test_what_cannot_be_measured_is_nan_and_left_out():
    metric = HeadCircumferenceError()
    found = metric([torch.zeros(1, 120, 140), as_mask(TRUE)], [as_mask(TRUE)] * 2)
    assert math.isnan(found[0, 0])
    assert metric.aggregate()[0].item() == 0


def test_what_does_not_match_is_refused():
    with pytest.raises(ValueError, match="true ones"):
        HeadCircumferenceError()([as_mask(TRUE)], [])
    with pytest.raises(ValueError, match="spacing"):
        HeadCircumferenceError()([as_mask(TRUE)], [as_mask(TRUE)], spacing=[(1, 1), (1, 1)])
