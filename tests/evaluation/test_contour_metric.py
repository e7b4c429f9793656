"""The MONAI metric gives the figures of the plain functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from tests.evaluation.test_contours import disc
from usseg_monai.evaluation.contour_metric import ContourMetric
from usseg_monai.evaluation.contours import compare_contours, summarize_contours


def test_monais_form_gives_the_same() -> None:
    found = [disc(22), disc(20, col=58), disc(20) & False]
    drawn = [disc(20), disc(20), disc(20)]
    spacing = [(1.5, 1.5), (2.0, 1.0), (1.0, 1.0)]
    stacked = [torch.from_numpy(np.stack(masks))[:, None].repeat(1, 2, 1, 1) for masks in (found, drawn)]
    stacked[0][:, 0] = True  # the first channel is background, whatever it holds
    metric = ContourMetric()
    rows: Any = metric(*stacked, spacing=spacing)
    single = [compare_contours(mask, truth, sides) for mask, truth, sides in zip(found, drawn, spacing, strict=True)]
    assert rows[:, 0].tolist() == pytest.approx([one.dice for one in single], abs=1e-6)
    assert math.isnan(rows[2, 1]) and rows[:2, 1].tolist() == pytest.approx([one.apd_mm for one in single[:2]])
    summary, expected = metric.aggregate(), summarize_contours(single)
    assert (summary.contours, summary.good_share) == (3, expected.good_share)
    assert summary.dice_all == pytest.approx(expected.dice_all, abs=1e-6)
    metric.reset()  # type: ignore[no-untyped-call]  # MONAI leaves it untyped
    metric(list(stacked[0]), list(stacked[1]), spacing=(1.0, 1.0))
    assert metric.aggregate().contours == 3


@pytest.mark.parametrize("spacing", [None, (1.0,), [(1.0, 1.0)] * 2])
def test_spacing_is_needed(spacing: object) -> None:
    masks = torch.zeros(3, 1, 8, 8)
    with pytest.raises(ValueError, match="spacing has shape"):
        ContourMetric()(masks, masks, spacing=spacing)
